"""What stands between this machine and a run: each finding with what to do about it. Imports no plugin's libraries."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from docutune import tested
from docutune.registry import Entry, Registry

OK: Literal["ok"] = "ok"
WARN: Literal["warn"] = "warn"
FAIL: Literal["fail"] = "fail"

_GIB = 1024**3
_HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `advice` says what to do unless all is well."""

    name: str
    status: Literal["ok", "warn", "fail"]
    found: str
    advice: str | None = None


def check_machine() -> Iterator[Check]:
    """Every check that needs no network, in the order in which problems are best solved."""
    yield _python()
    yield _system()
    yield _memory()
    yield _disk(Path.cwd())
    yield _gpu()
    yield from _libraries()
    yield from _plugins()


def check_start(folder: Path) -> Iterator[Check]:
    """What decides whether a first run in this folder can train: the machine, and the libraries of the trainer."""
    yield _python()
    yield _memory()
    yield _disk(folder)
    yield _gpu()
    yield from (_libraries_of(group) for group in tested.groups() if group.extra == "trl")


def gpu_memory() -> float | None:
    """The memory in GiB of the largest GPU that the installed torch can use; None when there is none."""
    if _gpu().status != OK:
        return None
    sizes = re.findall(r", (\d+) MiB, \d+ MiB, ", str(_nvidia_smi()))
    return max((int(size) / 1024 for size in sizes), default=None)


def without_gpu(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Those plugins that need a GPU, each with what to do, where this machine shows none that torch can use."""
    needing = [entry for entry in entries if entry.registration.needs_gpu]
    if needing and gpu_memory() is None:
        for entry in needing:
            yield entry, entry.detour or "use it on a machine with one"


def check_hub() -> Check:
    """Whether the model hub (or the mirror that HF_ENDPOINT names) answers within 5 seconds."""
    address = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=5):
            return Check("hub", OK, f"{address} answers")
    except urllib.error.HTTPError as error:
        return Check("hub", OK, f"{address} answers (HTTP {error.code})")
    except (OSError, ValueError) as error:
        advice = "set HF_ENDPOINT to a mirror, or use models that are on this disk"
        return Check("hub", WARN, f"{address} cannot be reached: {error}", advice)


def _python() -> Check:
    found = f"{platform.python_version()} at {sys.executable}"
    return Check("python", OK, found)


def _system() -> Check:
    cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    found = f"{platform.system()} {platform.release()}, {cpus} CPUs"
    if sys.platform == "linux":
        return Check("system", OK, found)
    return Check("system", WARN, found, "Linux and WSL2 are supported; elsewhere limits and stopping may not work")


def _memory() -> Check:
    sizes = _memory_sizes()
    if not sizes:
        return Check("memory", WARN, "this system does not say", "a training of a small model takes about 4 GiB")
    total, available = sizes["MemTotal"], sizes["MemAvailable"]
    found = f"{total:.1f} GiB, {available:.1f} GiB available"
    if available >= 4:
        return Check("memory", OK, found)
    return Check("memory", WARN, found, "a training of a small model takes about 4 GiB: close other programs")


def _memory_sizes() -> dict[str, float]:
    """The kernel's figures in GiB; "MemAvailable" counts what the file cache would give back."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines if line.endswith(" kB"))
    return {name.rstrip(":"): int(size) * 1024 / _GIB for name, size, _ in pairs}


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free / _GIB
    found = f"{free:.1f} GiB free below {folder}"
    if not os.access(folder, os.W_OK):
        return Check("disk", FAIL, f"{folder} cannot be written to", "change to a folder of your own")
    if free < 1:
        return Check("disk", FAIL, found, "free some space: a run needs at least 1 GiB")
    if free < 10:
        return Check("disk", WARN, found, "models take 1 to 10 GiB each: free some space")
    return Check("disk", OK, found)


@cache
def _nvidia_smi() -> str | subprocess.SubprocessError | OSError:
    """Its answer (name, total, free, driver: a line a GPU), or why there is none; asking torch would take seconds."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free,driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return error


def _gpu() -> Check:
    answer = _nvidia_smi()
    if isinstance(answer, FileNotFoundError):
        advice = "without one, trainings run on the CPU: fit for builtin/tiny and little more"
        return Check("gpu", WARN, "no NVIDIA driver found", advice)
    if isinstance(answer, Exception):
        return Check("gpu", WARN, f"nvidia-smi failed: {answer}", "reinstall the NVIDIA driver")
    found = "; ".join(answer.splitlines())
    if "+cpu" in (tested.installed("torch") or ""):
        return Check("gpu", WARN, found, "the installed torch cannot use it: install a CUDA build of torch")
    return Check("gpu", OK, f"{found} (total, free, driver)")


def _libraries() -> Iterator[Check]:
    yield from map(_libraries_of, tested.groups())


def _libraries_of(group: tested.Group) -> Check:
    name = f"libraries of docutune[{group.extra}]" if group.extra else "libraries"
    install = f"pip install 'docutune[{group.extra}]'" if group.extra else "pip install --force-reinstall docutune"
    if group.absent and group.extra and not group.present:
        return Check(name, OK, f"not installed; add them with {install}")
    if group.absent:
        return Check(name, WARN if group.extra else FAIL, f"missing: {', '.join(group.absent)}", install)
    if group.different:
        return Check(name, WARN, f"not the tested versions: {', '.join(group.different)}", "mind this when it fails")
    return Check(name, OK, f"{len(group.present)} installed, as tested")


def _plugins() -> Iterator[Check]:
    registry = Registry.load()
    ready = [entry for entry in registry.entries if not entry.missing]
    yield Check("plugins", OK if ready else FAIL, f"{len(ready)} ready", None if ready else "reinstall docutune")
    for entry in registry.entries:
        if entry.missing:
            yield Check(f"plugin {entry.name}", WARN, f"needs {', '.join(entry.missing)}", entry.install)
    for entry, advice in without_gpu(ready):
        yield Check(f"plugin {entry.name}", WARN, "needs a GPU, and this machine shows none", advice)
    for item in registry.failed:
        yield Check("plugin", WARN, str(item), item.hint)
