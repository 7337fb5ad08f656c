"""Which process is at work in a workspace: told so that no other process can be mistaken for it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from docutune import atomic

FILE = "owner.json"


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its id and what tells it from a later one with that id.

    `started` is counted in clock ticks since the boot `boot`; ids count in one `namespace` (a container has its own).
    """

    pid: int
    started: int
    boot: str
    namespace: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The living process with this id; None when there is none. One that ended and waits for its parent is dead."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]), _boot(), _namespace())

    @property
    def alive(self) -> bool:
        """Whether it is this process that has the id now; one of another container or boot cannot be seen."""
        return Process.of(self.pid) == self

    @property
    def elsewhere(self) -> bool:
        """Whether it is one of another container on this machine."""
        return self.boot == _boot() and self.namespace != _namespace()

    def send(self, signum: int) -> bool:
        """Signal it; False when it is gone. The file descriptor names it even if its id is given away meanwhile."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive:
                return False
            signal.pidfd_send_signal(descriptor, signum)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds the workspace: its process, what it does ("run", "eval" or "clean"), and its run once that stands."""

    process: Process
    command: str
    run: str | None = None


def write(folder: Path, owner: Owner) -> None:
    """Say who holds the workspace; call under its lock."""
    atomic.write_text(folder / FILE, json.dumps(asdict(owner)) + "\n")


def read(folder: Path) -> Owner | None:
    """Who said last that it holds the workspace, if that process lives; ask the lock whether it still does."""
    try:
        said = json.loads((folder / FILE).read_text("utf-8"))
        owner = Owner(Process(**said["process"]), said["command"], said["run"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return owner if owner.process.elsewhere or owner.process.alive else None


def forget(folder: Path) -> None:
    """Nobody holds the workspace any more."""
    with contextlib.suppress(OSError):  # what a dead process says counts for nothing
        (folder / FILE).unlink()


def family(process: Process) -> list[Process]:
    """All processes below it, and what they left in sessions of their own; not itself."""
    table = dict(_table())
    below = {process.pid}
    while more := {pid for pid, (parent, _) in table.items() if parent in below} - below:
        below |= more
    sessions = {session for pid, (_, session) in table.items() if pid in below and session == pid}
    found = {pid for pid, (_, session) in table.items() if pid in below or session in sessions} - {process.pid}
    return [item for pid in sorted(found) if (item := Process.of(pid))]


def _table() -> Iterator[tuple[int, tuple[int, int]]]:
    """Every process: its id, its parent's and its session's."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                stat = Path(entry.path, "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                yield int(entry.name), (int(stat[1]), int(stat[3]))


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())
