"""How much memory and disk a training may take on this machine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from docutune.errors import DiskError
from docutune.hf.load import Device
from docutune.memory import GIB, told
from docutune.plugins.trainers.sft import ranks

_GROUPS = Path("/sys/fs/cgroup")


def memory(where: Device, most: float | None) -> int:
    """Bytes that may be used on this device: what is free now, and no more than `most` GiB.

    On a GPU that is also set as the process's limit, so that torch refuses what goes beyond. Of several devices the one
    with least counts.
    """
    limit = int(most * GIB) if most is not None else None
    free = _on_the_gpu(where, limit) if where.name != "cpu" else _in_main_memory()
    mine = free if limit is None else min(free, limit)
    return int(-ranks.most(-mine))


def check_disk(needed: Mapping[Path, int]) -> None:
    """Raise DiskError when a disk has less room than what will be written to it; folders may share one."""
    disks: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        place = next(path for path in (folder, *folder.parents) if path.exists())
        device = place.stat().st_dev
        first, sum_ = disks.get(device, (place, 0))
        disks[device] = (first, sum_ + size)
    for place, size in disks.values():
        free = shutil.disk_usage(place).free
        if size > free:
            raise DiskError(
                f"{place}: checkpoints and model will take about {told(size)}, and {told(free)} are free",
                "free space, or lower keep_checkpoints, then give the same command again",
            )


def _on_the_gpu(where: Device, limit: int | None) -> int:
    free, total = torch.cuda.mem_get_info(where.name)
    if limit is not None:
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), where.name)
    return int(free) + torch.cuda.memory_reserved(where.name)


def _in_main_memory() -> int:
    """What the system could give without swapping, within the limits of this process's control groups."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
    available = int(found[1]) * 1024 if found else torch.iinfo(torch.int64).max
    return min([available, *_limits()])


def _limits() -> Iterator[int]:
    """What each control group above this process still allows; cached files count as free."""
    for line in _lines(Path("/proc/self/cgroup")):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        names = ("memory.max", "memory.current") if not controllers else _OLDER
        root = _GROUPS / "memory" if controllers else _GROUPS
        group = root / path.strip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(root):
                yield from _allowed(folder, *names)


_OLDER = ("memory.limit_in_bytes", "memory.usage_in_bytes")


def _allowed(folder: Path, limit: str, usage: str) -> Iterator[int]:
    most, used = ("".join(_lines(folder / name)) for name in (limit, usage))
    if most.isdigit() and used.isdigit():
        cached = re.search(r"^(?:total_)?inactive_file (\d+)$", "\n".join(_lines(folder / "memory.stat")), re.MULTILINE)
        yield int(most) - int(used) + (int(cached[1]) if cached else 0)


def _lines(path: Path) -> list[str]:
    """A file of the kernel; nothing where there is none."""
    try:
        return path.read_text("ascii").splitlines()
    except OSError:
        return []
