"""The processes of a job on several devices: the worker is rank 0, starts the others, and none outlives it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.atomic import writing
from docutune.errors import EXIT_FAILURE, EXIT_INTERRUPTED, DocutuneError
from docutune.jobs.processes import Worker, failure, start
from docutune.records import JsonValue

_POLL_SECONDS = 0.1
_OWN_REASON = 2.0  # seconds that rank 0 has to say itself why it ends, before another rank's reason counts
_OTHERS_REASON = 5.0  # seconds until a rank that died is seen as the cause of what rank 0 met
_WELL = (None, 0, EXIT_INTERRUPTED)  # at work, done, or stopped as all of them are
_END_GRACE = 60.0  # seconds to end after rank 0 has all that it needs

Lost = Callable[[int, DocutuneError], None]
"""Told of the rank that died, and why."""


@dataclass(frozen=True, slots=True)
class Rank:
    """Which of a job's processes this is, counted from 0, and the file through which they find each other."""

    number: int
    count: int
    meeting: Path

    @staticmethod
    def of(spec: Mapping[str, Any]) -> Rank | None:
        """The rank that a spec names; None for the worker that core itself started."""
        named = spec.get("rank")
        return Rank(named["number"], named["count"], Path(named["meeting"])) if named else None


class Crew:
    """The ranks from 1 on, watched: a rank that dies ends the job, for the others would wait for it forever."""

    def __init__(self, workers: Sequence[Worker], private: Path, lost: Lost) -> None:
        """`lost` tells why the job ends. It is called in a thread, after which the process is gone."""
        self._workers = workers
        self._private = private
        self._lost = lost
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, name="docutune-ranks", daemon=True)
        self._watch.start()

    def blame(self) -> None:
        """For an error that may come of another rank's death: gives `lost` the time to say so first."""
        self._watch.join(_OTHERS_REASON)

    def end(self, grace: float) -> None:
        """Let the others end by themselves for `grace` seconds, then kill them."""
        self._over.set()
        for worker in self._workers:
            try:
                worker.process.wait(grace)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.words.close()

    def _look(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            codes = {number: worker.process.poll() for number, worker in enumerate(self._workers, 1)}
            dead = [number for number, code in codes.items() if code not in _WELL]
            if dead and not self._over.wait(_OWN_REASON):
                self._lost(dead[0], failure(self._workers[dead[0] - 1]))
                for worker in self._workers:
                    worker.process.kill()
                shutil.rmtree(self._private, ignore_errors=True)
                os._exit(EXIT_FAILURE)  # the main thread may wait for the dead


@contextmanager
def crew(action: str, spec: Mapping[str, JsonValue], count: int, folder: Path, lost: Lost) -> Iterator[Rank]:
    """Start ranks 1 to count - 1 on the same spec, each with a folder of its own below the job's; gives rank 0.

    Whatever ends the block ends them. An error that is none of ours may be the echo of a death: then `lost` is called.
    """
    with writing(Path(tempfile.gettempdir())):  # mode 0700: nobody else meets them
        private = Path(tempfile.mkdtemp(prefix="docutune-"))
    meeting = private / "meeting"
    workers: list[Worker] = []
    try:
        for number in range(1, count):
            rank: dict[str, JsonValue] = {"number": number, "count": count, "meeting": str(meeting)}
            workers.append(start(action, {**spec, "rank": rank}, _folder(folder, number), own_session=False))
        members = Crew(workers, private, lost)
        try:
            yield Rank(0, count, meeting)
        except DocutuneError:
            members.end(_OWN_REASON)  # they may have the same to say, and write what it is about
            raise
        except BaseException:
            members.blame()
            members.end(0)
            raise
        members.end(_END_GRACE)
    finally:
        shutil.rmtree(private, ignore_errors=True)


def heed_rank_0_alone() -> None:
    """For a rank from 1 on: a stop reaches it through rank 0, which asks all of them to stop at the same place."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _folder(job: Path, number: int) -> Path:
    folder = job / f"device-{number}"
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
    with writing(folder):
        folder.mkdir(parents=True)
    return folder
