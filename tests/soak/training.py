"""Trainings are killed at random moments, and their checkpoints damaged: all go on, and end to the bit the same.

transformers' own Trainer, with its own checkpoints, goes through the same: it must fail, or the loops prove nothing.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

if TYPE_CHECKING:
    from stock import Stock
    from tiny import Bench


@dataclass
class Tally:
    """What was done to one trainer and what came of it. `wrong`: ends that differ, and trainings that did not go on."""

    name: str
    resumes: int = 0
    damages: int = 0
    accepted: int = 0
    kills: int = 0
    in_saves: int = 0
    chains: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.resumes} stops and resumes; {self.damages} damaged checkpoints, {self.accepted} taken"
            f" for sound; {self.kills} kills ({self.in_saves} while one was written) of {self.chains} trainings;"
            f" {len(self.wrong)} losses"
        )


def main(short: bool, seed: int) -> list[str]:
    """Both trainers through both loops; returns what docutune lost, and that the other lost nothing if it did not."""
    os.environ["OMP_NUM_THREADS"] = "1"  # set before torch is imported; children are forked from this process
    from stock import Stock
    from tiny import Bench

    ours, theirs = Tally("docutune's checkpoints"), Tally("transformers' own checkpoints (control)")
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "ours")
        stock = Stock(Path(folder) / "theirs", bench)
        ends = {name: _unbroken(trainer) for name, trainer in (("ours", bench), ("theirs", stock))}
        _resumes(bench, ends["ours"], 1 if short else 12, ours, chance)
        _damages(bench, ends["ours"], short, ours, chance)
        _kills(bench, 2 if short else 100, ours, chance)
        print(ours, flush=True)
        _damages(stock, ends["theirs"], short, theirs, chance)
        if not short:
            _kills(stock, 20, theirs, chance)
        print(theirs, flush=True)
    losses = [f"training: {loss}" for loss in ours.wrong]
    return losses if theirs.wrong else [*losses, "training: the control lost nothing: these loops prove nothing"]


def _unbroken(trainer: Bench | Stock) -> tuple[str, ...]:
    _succeeds(lambda: trainer.go("whole"))
    return trainer.made("whole")


def _resumes(bench: Bench, end: tuple[str, ...], count: int, tally: Tally, chance: random.Random) -> None:
    """Stop in the midst of a step or a validation, and go on."""
    for number in range(count):
        name, at = f"stopped-{number}", chance.randrange(4, 40)
        tally.resumes += 1
        if not _succeeds(lambda name=name, at=at: bench.stopped(name, at) and bench.go(name)):
            tally.wrong.append(f"stopped at report {at}, it did not go on")
        elif bench.made(name) != end:
            tally.wrong.append(f"stopped at report {at}, it ended otherwise")


def _damages(trainer: Bench | Stock, end: tuple[str, ...], short: bool, tally: Tally, chance: random.Random) -> None:
    """Damage each file of the newest of two checkpoints in each way, and go on; in the short form the largest file."""
    from tiny import DAMAGES, damage

    _succeeds(lambda: trainer.half("half"))
    files = sorted(trainer.checkpoints("half")[-1].iterdir(), key=lambda path: path.stat().st_size)
    cases = [(path.name, how) for path in files[-1 if short else 0 :] for how in DAMAGES]
    for number, (file, how) in enumerate(cases):
        name = f"damaged-{number}"
        newest = trainer.again("half", name)
        damage(newest / file, how, chance)
        tally.damages += 1
        tally.accepted += trainer.takes(newest)
        if not _succeeds(lambda name=name: trainer.go(name)):
            tally.wrong.append(f"with {file} {how} it did not go on")
        elif trainer.made(name) != end:
            tally.wrong.append(f"with {file} {how} it ended otherwise, and did not say so")
        shutil.rmtree(trainer.path(name))


def _kills(trainer: Bench | Stock, count: int, tally: Tally, chance: random.Random) -> None:
    """SIGKILL at random moments of trainings that save after each step, each training until it ends."""
    began = time.monotonic()
    _succeeds(lambda: trainer.go("often", save_steps=1))
    seconds, end = time.monotonic() - began, trainer.made("often")
    while tally.kills < count:
        name = f"killed-{tally.chains}"
        code, begun = None, 0
        while code is None:
            begun += 1
            began = time.monotonic()
            child = _forked(lambda name=name: trainer.go(name, save_steps=1))
            code = _ended(child, chance.uniform(0.05, seconds) if tally.kills < count else 3600)
            tally.kills += code is None
            tally.in_saves += code is None and trainer.unfinished(name)
        if begun == 1:  # a whole training: the machine may have been busy when the first was measured
            seconds = time.monotonic() - began
        tally.chains += 1
        if code:
            tally.wrong.append(f"chain {tally.chains}: killed, it did not go on")
        elif trainer.made(name) != end:
            tally.wrong.append(f"chain {tally.chains}: killed, it ended otherwise")
        shutil.rmtree(trainer.path(name))


def _succeeds(work: Callable[[], object]) -> bool:
    child = _forked(work)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _forked(work: Callable[[], object]) -> int:
    """A child that starts at once, for all is imported here; it says nothing and ends with 1 when `work` raises."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        work()
        code = 0
    finally:
        os._exit(code)


def _ended(child: int, patience: float) -> int | None:
    """The exit code of a child that ends by itself within `patience` seconds; if it does not, it is killed."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
