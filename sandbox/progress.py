"""The log of a job at a moment, in the style of the real trainers, computed from the clock."""

from __future__ import annotations

from sandbox.jobs import Job

type Line = tuple[float, str]
"""The moment, in seconds since the epoch, and the text."""
OPENING = 0.12
"""The share of the time that passes before the first step, for loading and captioning."""
CLOSING = 0.95


def lines(job: Job, now: float) -> list[Line]:
    """Return all lines up to a moment, oldest first."""
    if job.state(now) == "queued":
        return []
    until = min(now, job.finished_at or now)
    written = _training(job) if job.kind == "training" else _generation(job)
    return [line for line in written if line[0] <= until]


def _at(job: Job, share: float) -> float:
    return job.starts_at + share * (job.ends_at - job.starts_at)


def _training(job: Job) -> list[Line]:
    written = [
        (job.starts_at, "Simulated training: nothing is learned, nothing is paid"),
        (job.starts_at, "Downloading the training archive"),
    ]
    if not job.facts:
        return written
    steps, captions = job.facts["steps"], job.facts["captions"]
    written.append((_at(job, 0.01), f"Found {len(captions)} pictures in the archive"))
    for number, (name, text) in enumerate(captions):
        written.append((_at(job, 0.02 + 0.06 * number / len(captions)), f"{name}: {text}"))
    written.append((_at(job, 0.1), "Loading FLUX.1 [dev] (simulated)"))
    takes = (CLOSING - OPENING) * (job.ends_at - job.starts_at)
    prefix = "flux_train_replicate: " if job.provider == "replicate" else ""
    for percent in range(0, 101, 2):
        share = OPENING + (CLOSING - OPENING) * percent / 100
        bar = _bar(percent, steps, takes * percent / 100, takes)
        written.append((_at(job, share), prefix + bar))
    written.append((_at(job, 0.97), "Saving the weights"))
    return written


def _generation(job: Job) -> list[Line]:
    if "seed" not in job.facts:
        return []
    steps, takes = job.facts["steps"], job.ends_at - job.starts_at
    return [(job.starts_at, f"Using seed: {job.facts['seed']}")] + [
        (_at(job, percent / 100), _bar(percent, steps, takes * percent / 100, takes))
        for percent in range(0, 101, 10)
    ]


def _bar(percent: int, steps: int, elapsed: float, takes: float) -> str:
    """Draw tqdm's line: percent, bar, steps done, time gone and left, speed."""
    full, part = divmod(percent, 10)
    bar = "█" * full + ("▌" if part >= 5 else "")
    rate = steps / takes if takes > 0 else 0.0
    times = f"{_clock(elapsed)}<{_clock(takes - elapsed)}, {rate:.2f}it/s"
    return f"{percent:3d}%|{bar:<10}| {steps * percent // 100}/{steps} [{times}]"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
