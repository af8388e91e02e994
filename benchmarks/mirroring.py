"""What it costs to bring a trainer's weights of 500 MB home: fetched, verified, stored, read again.

    python benchmarks/mirroring.py [MB]

A server in a process of its own sends a `.safetensors` file over loopback, and
`trainings.mirroring.mirror_weights` brings it into a storage on the same disk. Beside it, in turns,
stands the least that keeping a file can cost: one copy from disk to disk with its SHA-256. The best
of three counts; memory is the peak of this process above what it had before. Exits with 1 when that
is more than 64 MB.
"""

# ruff: noqa: PLC0415 - Django is imported late: its settings read the environment.

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.fetching import copy, serving
from benchmarks.pictures import site, status

GROWTH_MB = 64
TENSORS = 16


def write_weights(path: Path, size_mb: int) -> None:
    """A valid file of so many MB, with tensors of random bytes."""
    each = size_mb * 1_000_000 // TENSORS // 2 * 2
    header = {
        f"lora.{number}.weight": {
            "dtype": "F16",
            "shape": [each // 2],
            "data_offsets": [number * each, (number + 1) * each],
        }
        for number in range(TENSORS)
    }
    head = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for _ in range(TENSORS):
            left = each
            while left:
                left -= file.write(os.urandom(min(left, 1_000_000)))


def measured(way: Callable[[], str]) -> tuple[float, float, str]:
    """Seconds, growth of memory in MB at its peak, and the hash."""
    Path("/proc/self/clear_refs").write_text("5")  # Forget the peak (proc_pid_clear_refs(5)).
    before = status("self", "VmRSS")
    begun_at = time.perf_counter()
    digest = way()
    return time.perf_counter() - begun_at, status("self", "VmHWM") - before, digest


def compare(folder: Path, size_mb: int, turns: int) -> tuple[dict[str, float], float]:
    """The best seconds of both ways, and the most that mirroring took of memory in MB."""
    from django.conf import settings

    from datasets import storage
    from providers.base import RemoteFile
    from trainings.mirroring import mirror_weights

    file, target = folder / "source.safetensors", folder / "target"
    write_weights(file, size_mb)

    def plain() -> str:
        with target.open("wb") as into:
            return copy(file, into)

    with serving(file) as port:
        origin = f"http://127.0.0.1:{port}"
        settings.FETCH_HOSTS["benchmark"] = [origin]
        remote = RemoteFile(url=f"{origin}/lora.safetensors")

        def mirror() -> str:
            stored, _weights = mirror_weights(
                remote, "loras/benchmark/1", hosts="benchmark", progress=lambda size: None
            )
            return stored.sha256

        best = {"plain copy": float("inf"), "mirror": float("inf")}
        most, digests = 0.0, set()
        for _ in range(turns):
            for name, way in (("plain copy", plain), ("mirror", mirror)):
                seconds, grown, digest = measured(way)
                best[name] = min(best[name], seconds)
                most = max(most, grown) if name == "mirror" else most
                digests.add(digest)
            target.unlink()
            storage.delete_folder("loras/benchmark/1")
    if len(digests) != 1:
        sys.exit("The two ways did not keep the same bytes.")
    return best, most


def main(size_mb: int) -> None:
    """Print seconds, the ratio, and the growth of memory."""
    with site() as folder:
        compare(folder, 1, turns=1)  # What is imported late is not what mirroring takes.
        best, grown = compare(folder, size_mb, turns=3)
    for name, seconds in best.items():
        ratio = best["plain copy"] / seconds
        print(f"{name:12} {seconds:6.2f} s {size_mb / seconds:7.0f} MB/s {ratio:6.2f} of plain")
    print(f"memory grew by {grown:.1f} MB at most while mirroring {size_mb} MB")
    if grown > GROWTH_MB:
        sys.exit(f"That is more than {GROWTH_MB} MB.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
