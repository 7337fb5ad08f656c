"""How much memory is in use: of this process, of a worker with all below it, and of the GPU."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from docutune.owner import Process, family

_SECONDS = 10.0  # a driver that is busy answers late, never that late


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: what this process holds, what the worker and all below it hold (0: there is none), and what all programs
    together use of the GPU that a worker sees (None: there is no GPU).
    """

    own: int
    worker: int
    gpu: int | None

    @property
    def resident(self) -> int:
        """Bytes of main memory, of this process and its worker."""
        return self.own + self.worker


def measure(worker: int | None) -> Memory:
    """What is in use now; `worker` is its process id."""
    return Memory(own(), resident(worker), gpu())


def own() -> int:
    """Bytes of main memory that this process holds."""
    return _resident(os.getpid())


def resident(pid: int | None) -> int:
    """Bytes of main memory that a process and all below it hold; 0 where it has ended."""
    found = Process.of(pid) if pid is not None else None
    if found is None:
        return 0
    return sum(_resident(process.pid) for process in (found, *family(found)))


def gpu() -> int | None:
    """Bytes of the first GPU that this process may use, as all programs hold them; None where there is none.

    What one program holds of them the driver does not tell in a container.
    """
    if shutil.which("nvidia-smi") is None:
        return None
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
    command = ["nvidia-smi", f"--id={visible}", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        return int(done.stdout.splitlines()[0]) * 1024**2
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None  # a driver without a device, or one that does not tell


def _resident(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        for line in Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0
