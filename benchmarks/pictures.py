"""What 15 photographs of 12 megapixels cost until they can be trained with, and what a bomb costs.

    python benchmarks/pictures.py [photographs]

Each photograph is decoded, kept and given its thumbnails; then the strip and the archive are made.
Beside it stands the least that Pillow alone can do with the same files in the same run: a decode
with `draft` and one encode each. The times are of the processor, so that a busy machine changes
them little; memory is the peak of one process. Then some bombs are refused.
"""

# ruff: noqa: PLC0415 - Django is imported late: it must not be in the memory that is compared.

from __future__ import annotations

import io
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PIL import Image

SIZE = (4000, 3000)
BOMB_SECONDS, BOMB_MB = 0.1, 32


def photograph(seed: int) -> bytes:
    """A JPEG with soft shapes, hard edges and grain, of about 5 MB."""
    dice = np.random.default_rng(seed)
    soft = Image.fromarray(dice.integers(0, 256, (9, 12, 3), np.uint8)).resize(SIZE, 3)
    hard = Image.fromarray(dice.integers(0, 256, (60, 80, 3), np.uint8)).resize(SIZE, 0)
    pixels = np.asarray(Image.blend(soft, hard, 0.3), np.int16)
    grain = dice.normal(0, 5, (SIZE[1], SIZE[0], 1)).astype(np.int16)
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=92)
    return file.getvalue()


def bare(files: list[Path]) -> None:
    """A decode with `draft` to what we keep, and one encode, of each file."""
    for path in files:
        with Image.open(path) as image:
            image.draft("RGB", (2048, 1536))
            image.thumbnail((2048, 2048))
            image.save(io.BytesIO(), "JPEG", quality=95, subsampling=0)


def measured_bare(files: list[Path]) -> tuple[float, float]:
    """Seconds of the processor and MB at the peak, in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (files,))


def _measure(files: list[Path]) -> tuple[float, float]:
    begun_at = time.process_time()
    bare(files)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return time.process_time() - begun_at, peak


def status(pid: int | str, field: str) -> float:
    """A line of /proc/<pid>/status in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(field)


def processor_seconds(pid: int) -> float:
    """What a process has used of the processor so far (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def site() -> Iterator[Path]:
    """Django with a storage of its own; no database is asked."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "loratrainer.settings"}
        import django

        django.setup()
        yield Path(folder)


def prepare(files: list[Path]) -> dict[str, float]:
    """From uploaded files to an archive in the storage; seconds of the processor for each part."""
    from django.core.files.base import File

    from datasets import archives, decoding, storage
    from datasets.pictures import Picture, files_of

    def used() -> float:
        return time.process_time() + processor_seconds(decoder())

    parts: dict[str, float] = {}

    def timed(name: str, part: Callable[[], Any]) -> Any:
        before = used()
        result = part()
        parts[name] = used() - before
        return result

    def develop() -> list[SimpleNamespace]:
        pictures = []
        for number, path in enumerate(files):
            developed = decoding.develop(path.read_bytes())
            for name, content in files_of(developed).items():
                storage.save(f"pictures/{number}/{name}", content)
            original = f"pictures/{number}/original.{developed.suffix}"
            pictures.append(Picture(original=original, caption="a picture"))
        return pictures

    pictures = timed("keep, thumbnails", develop)
    timed(
        "strip",
        lambda: decoding.strip([storage.read(p.original) for p in pictures[:4]], [0] * 4, [()] * 4),
    )
    chosen = SimpleNamespace(kept=lambda: pictures)
    dataset: Any = SimpleNamespace(pictures=SimpleNamespace(chosen=lambda: chosen))

    def archive() -> None:
        with tempfile.TemporaryFile() as file:
            archives.write(dataset, file, caption=lambda picture: f"TOK, {picture.caption}")
            file.seek(0)
            storage.save("archives/1/archive.zip", File(file))

    timed("archive", archive)
    return parts


def decoder() -> int:
    """The process that decodes; started if there is none."""
    from datasets import decoding

    free = decoding.Decoders.current._free
    if free.queue[-1] is None:
        decoding.preview(photograph_of_a_stamp())
    found = free.queue[-1]
    if found is None:
        raise RuntimeError("There is no decoder.")
    return found.process.pid


def photograph_of_a_stamp() -> bytes:
    """The smallest picture that there is to decode."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    return file.getvalue()


def bombs() -> dict[str, bytes]:
    """Small files that say to be large pictures."""
    from sandbox.arena_pictures import vast
    from tests.datasets.photographs import png_bomb, webp_bomb

    wide = io.BytesIO()
    Image.new("L", (65_000, 2_000)).save(wide, "JPEG")
    return {
        "PNG, 13,300 x 13,300, 1 bit": png_bomb(13_300),
        "PNG, 20,000 x 20,000, 1 bit": vast(),
        "WebP, 16,383 x 16,383": webp_bomb(16_383, 16_383),
        "JPEG, 65,000 x 2,000": wide.getvalue(),
    }


def refuse_bombs() -> bool:
    """Print what each bomb costs; say whether all of them were cheap."""
    from datasets import decoding

    cheap = True
    for name, bomb in bombs().items():
        # A fresh one: memory that an earlier picture has left would hide what this one takes.
        decoding.Decoders.current.close()
        pid = decoder()
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # Forget the peak (proc_pid_clear_refs(5)).
        Path("/proc/self/clear_refs").write_text("5")
        before = status(pid, "VmRSS") + status("self", "VmRSS")
        begun_at = time.perf_counter()
        try:
            decoding.develop(bomb)
        except decoding.Unreadable:
            seconds = time.perf_counter() - begun_at
        else:
            sys.exit(f"{name} was not refused.")
        grown = status(pid, "VmHWM") + status("self", "VmHWM") - before
        cheap &= seconds <= BOMB_SECONDS and grown <= BOMB_MB
        print(f"{name:28} {len(bomb) / 1000:6.0f} kB {seconds * 1000:6.1f} ms {grown:6.1f} MB")
    return cheap


def main(number: int) -> None:
    """Print seconds of the processor, ratios and peaks."""
    with site() as folder:
        files = [folder / f"{seed}.jpg" for seed in range(number)]
        for seed, path in enumerate(files):
            path.write_bytes(photograph(seed))
        from datasets import decoding

        decoder()
        own_before = status("self", "VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        parts = prepare(files)
        own_peak = status("self", "VmHWM") - own_before
        child_peak = status(decoder(), "VmHWM")
        seconds, peak = measured_bare(files)
        print(f"{number} photographs of 12 megapixels, {files[0].stat().st_size / 1e6:.1f} MB each")
        print(f"{'bare draft decode and encode':28} {seconds:6.2f} s  1.00  peak {peak:4.0f} MB")
        for name, each in parts.items():
            print(f"{name:28} {each:6.2f} s {each / seconds:5.2f}")
        total = sum(parts.values())
        print(
            f"{'all of it':28} {total:6.2f} s {total / seconds:5.2f}  peak {child_peak:4.0f} MB"
            f" ({child_peak / peak:.2f}) in the decoder; {own_peak:+.0f} MB here"
        )
        print()
        cheap = refuse_bombs()
        decoding.Decoders.current.close()
    if not cheap:
        sys.exit(f"A bomb cost more than {BOMB_SECONDS * 1000:.0f} ms or {BOMB_MB} MB.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
