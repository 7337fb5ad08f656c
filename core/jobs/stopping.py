"""Stopping the run that is at work in a workspace, from any other process."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from docutune.errors import DocutuneError
from docutune.jobs.processes import EVENTS, HEARD_GRACE, UNHEARD_GRACE
from docutune.owner import Owner, Process, family
from docutune.workspace import Store

_POLL_SECONDS = 0.1
_OWN_SECONDS = 30.0  # for the run itself to end after its worker has, or was killed
_SAYING_SECONDS = 5.0  # between taking the lock and saying who has it
_DYING_SECONDS = 30.0  # after SIGKILL, for a driver or a disk to let go


@dataclass(frozen=True, slots=True)
class Stopped:
    """What was stopped: the run's id, None when it had none yet; `killed`: it did not end by itself."""

    run: str | None
    process: int
    killed: bool


def stop(store: Store, grace: float | None, waiting: Callable[[Owner, float], None]) -> Stopped | None:
    """Ask the run at work to stop and wait until it has ended, saved what it could, and left no process behind.

    It is killed with all its workers after `grace` seconds, at once when that is 0; by default when neither it nor a
    worker has shown life for as long as a worker may need. `waiting` hears again and again for how many seconds it has
    been. Returns None when no run is at work. DocutuneError when it cannot be stopped from here.
    """
    owner = _found(store)
    if owner is None:
        return None
    known = set(family(owner.process))
    killed = grace == 0 or not _ended_when_asked(store, owner, known, grace, waiting)
    if killed:
        _kill(owner.process, known)
    _end_the_rest(known)
    return Stopped(owner.run, owner.process.pid, killed)


def _found(store: Store) -> Owner | None:
    """Who is to be stopped. DocutuneError when that is no run, or one that cannot be reached."""
    until = time.monotonic() + _SAYING_SECONDS
    owner = store.owner()
    while owner is None and store.busy():
        if time.monotonic() > until:
            raise DocutuneError(f"{store.folder}: somebody is at work here who has not said who it is", "look with ps")
        time.sleep(_POLL_SECONDS)
        owner = store.owner()
    if owner is None:
        return None
    who = f"process {owner.process.pid}"
    if owner.command == "clean":
        raise DocutuneError(f"{store.folder}: docutune clean is at work here ({who})", "it ends soon by itself")
    if owner.process.elsewhere:
        raise DocutuneError(f"{store.folder}: the run works in another container, as {who} there", "stop it there")
    return owner


def _ended_when_asked(
    store: Store,
    owner: Owner,
    known: set[Process],
    grace: float | None,
    waiting: Callable[[Owner, float], None],
) -> bool:
    """Whether it ended by itself; `known` takes the processes that it has meanwhile."""
    asked, clock = time.time(), time.monotonic()
    _send(owner.process, signal.SIGTERM)
    while owner.process.alive:
        seconds = time.monotonic() - clock
        if seconds > (_patience(store, owner, asked) if grace is None else grace):
            return False
        known |= set(family(owner.process))
        waiting(owner, seconds)
        time.sleep(_POLL_SECONDS)
    return True


def _patience(store: Store, owner: Owner, asked: float) -> float:
    """Seconds since it was asked until it counts as hung; what it or a worker writes down is a sign of life."""
    folder = store.folder / "runs" / (owner.run or "-")
    files = [folder / EVENTS, *folder.glob(f"jobs/*/{EVENTS}")]
    last = max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
    return (last - asked + HEARD_GRACE if last > asked else UNHEARD_GRACE) + _OWN_SECONDS


def _kill(process: Process, known: set[Process]) -> None:
    known |= set(family(process))
    _send(process, signal.SIGKILL)
    _await_end({process})


def _end_the_rest(known: set[Process]) -> None:
    """No process that it had is left: workers end with their owner, whatever else they started is killed."""
    for process in known:
        _send(process, signal.SIGKILL)
    _await_end(known)


def _await_end(processes: set[Process]) -> None:
    until = time.monotonic() + _DYING_SECONDS
    while left := [process for process in processes if process.alive]:
        if time.monotonic() > until:
            names = ", ".join(str(process.pid) for process in left)
            raise DocutuneError(f"killed and still there: process {names}", "a disk or a driver holds it: see dmesg")
        time.sleep(_POLL_SECONDS)


def _send(process: Process, signum: int) -> None:
    try:
        process.send(signum)
    except PermissionError:
        raise DocutuneError(f"process {process.pid} belongs to another user", "ask them, or use sudo") from None
