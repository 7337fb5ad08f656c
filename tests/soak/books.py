"""Writers of the notebook and the catalog are killed at random moments; what they acknowledged must be there."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout
from tinydb import TinyDB

from docutune.catalog import Catalog
from docutune.notebook import Notebook, wordings
from docutune.workspace import Store

WRITERS = 4
KILLS_A_ROUND = 50
KILLS_A_LOOK = 10
LONGEST_WAIT = 0.08  # seconds between two kills
Write = Callable[[Path, str], None]
Read = Callable[[Path], set[str]]


@dataclass
class Tally:
    """What was done and found."""

    kills: int = 0
    within: int = 0
    acknowledged: int = 0
    looks: int = 0
    lost: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    crashed: int = 0

    @property
    def wrong(self) -> list[str]:
        """One line for everything that must not be."""
        crashed = [f"{self.crashed} writers failed by themselves"] if self.crashed else []
        return [*(f"acknowledged and not there: {name}" for name in self.lost), *self.torn, *crashed]

    def __str__(self) -> str:
        return (
            f"{self.kills} kills ({self.within} within a write) of {WRITERS} writers, {self.acknowledged} entries"
            f" acknowledged, looked {self.looks} times: {len(self.lost)} lost, {len(self.torn)} times unreadable,"
            f" {self.crashed} writers failed"
        )


# ---- what is written, and how it is read back


def write_both(folder: Path, name: str) -> None:
    """One text into the notebook and one run into the catalog, through docutune's own doors."""
    store = Store(folder)
    Notebook(store).add_wordings(wordings({name: "answer " * 20}, "edit"))
    Catalog(store).record(_manifest(name))


def read_both(folder: Path) -> set[str]:
    """The names that stand whole in both; ValueError when a file is damaged or a lock is held by nobody alive."""
    store = Store(folder)
    noted = {item.template for item in Notebook(store).wordings()}
    json.loads((store.folder / "notebook.json").read_text("utf-8"))
    rows = {row.id for row in Catalog(store).runs() if row.models == ("smoke", "spare")}
    with sqlite3.connect(store.folder / "catalog.sqlite", timeout=30) as database:
        said = database.execute("pragma integrity_check").fetchall()
        whole = {run for run, count in database.execute("select run, count(*) from steps group by run") if count == 7}
    database.close()
    if said != [("ok",)]:
        raise ValueError(f"catalog: {said}")
    return noted & rows & whole


def locks_are_free(folder: Path) -> None:
    """ValueError when a lock outlived its owner."""
    for name in ("notebook.lock", "catalog.lock"):
        try:
            with FileLock(folder / ".docutune" / name, timeout=0):
                pass
        except Timeout:
            raise ValueError(f"{name} is held, and all writers are dead") from None


def write_default(folder: Path, name: str) -> None:
    """The same text through TinyDB's own default storage."""
    with TinyDB(folder / "default.json") as database:
        database.table("exchanges").insert({"question": name, "answer": "answer " * 20})


def read_default(folder: Path) -> set[str]:
    """The names in TinyDB's default storage; ValueError when it is torn."""
    tables = json.loads((folder / "default.json").read_text("utf-8"))
    return {row["question"] for row in tables.get("exchanges", {}).values()}


def _manifest(name: str) -> dict[str, object]:
    steps = [
        {"name": f"step-{n}", "plugin": "core", "key": "ab" * 32, "status": "made", "seconds": 1.0} for n in range(7)
    ]
    models = [{"name": model, "key": "cd" * 32, "trainer": "trl", "base": "tiny"} for model in ("smoke", "spare")]
    facts = {"project": "acme", "started": "2026-01-01T00:00:00+00:00", "finished": None, "outcome": "finished"}
    return {"run": name, **facts, "seconds": 1.0, "dataset": "d" * 16, "steps": steps, "models": models}


# ---- the loop


class Writers:
    """Processes that write without end, each entry announced and acknowledged in a file of its own."""

    def __init__(self, folder: Path, write: Write) -> None:
        self._folder, self._write = folder, write
        self._alive: dict[int, str] = {}
        self._born = 0
        for _ in range(WRITERS):
            self.start()

    def start(self) -> None:
        """One more writer."""
        self._born += 1
        name = f"w{self._born}"
        pid = os.fork()
        if pid == 0:
            self._work(name)
        self._alive[pid] = name

    def _work(self, name: str) -> None:
        code = 1
        try:
            words = os.open(self._folder / f"{name}.words", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for number in range(10**6):
                os.write(words, f"begin {name}-{number}\n".encode())
                self._write(self._folder, f"{name}-{number}")
                os.write(words, f"done {name}-{number}\n".encode())
        except ValueError:
            code = 2
        finally:
            os._exit(code)

    def kill(self, chance: random.Random, tally: Tally) -> None:
        """SIGKILL one at random; another one takes its place."""
        pid = chance.choice(sorted(self._alive))
        self._end(pid, tally)
        self.start()

    def end(self, tally: Tally) -> None:
        """SIGKILL all."""
        for pid in sorted(self._alive):
            self._end(pid, tally)

    def _end(self, pid: int, tally: Tally) -> None:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        name = self._alive.pop(pid)
        if not os.WIFSIGNALED(status):
            tally.crashed += 1
            return
        tally.kills += 1
        words = self._words(f"{name}.words")
        tally.within += bool(words) and words[-1].startswith("begin")

    def acknowledged(self) -> set[str]:
        """Every entry whose call returned."""
        names = (path.name for path in self._folder.glob("*.words"))
        return {word.split()[1] for name in names for word in self._words(name) if word.startswith("done")}

    def _words(self, name: str) -> list[str]:
        path = self._folder / name
        return path.read_text().splitlines() if path.exists() else []


def rounds(kills: int, seed: int, write: Write, read: Read, check: Callable[[Path], None]) -> Tally:
    """Kill and look, in a fresh folder for each round, so that the files stay small and writes many."""
    tally, chance = Tally(), random.Random(seed)
    while tally.kills < kills and tally.crashed < kills:
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            _round(Path(folder), min(KILLS_A_ROUND, kills - tally.kills), chance, tally, write, read)
            check(Path(folder))
    return tally


def _round(folder: Path, kills: int, chance: random.Random, tally: Tally, write: Write, read: Read) -> None:
    writers = Writers(folder, write)
    try:
        for number in range(kills - WRITERS):
            time.sleep(chance.uniform(0, LONGEST_WAIT))
            writers.kill(chance, tally)
            if number % KILLS_A_LOOK == 0:
                _look(writers, folder, tally, read)
    finally:
        writers.end(tally)
    _look(writers, folder, tally, read)
    tally.acknowledged += len(writers.acknowledged())


def _look(writers: Writers, folder: Path, tally: Tally, read: Read) -> None:
    """What was acknowledged before the look must be seen by it."""
    expected = writers.acknowledged()
    tally.looks += 1
    if not expected:
        return
    try:
        found = read(folder)
    except ValueError as error:
        tally.torn.append(f"unreadable: {error}")
    else:
        tally.lost += sorted(expected - found)


def main(is_short: bool, seed: int) -> list[str]:
    """Run one form over the notebook and the catalog, print its counts, and return what is wrong."""
    tally = rounds(60 if is_short else 1000, seed, write_both, read_both, locks_are_free)
    print(f"notebook and catalog (SQLite {sqlite3.sqlite_version}): {tally}", flush=True)
    return tally.wrong


def main_default_storage(is_short: bool, seed: int) -> list[str]:
    """The same loop over TinyDB's default storage; it must lose something, or the loop proves nothing."""
    tally = rounds(60 if is_short else 200, seed, write_default, read_default, _no_locks)
    print(f"TinyDB's default storage, which must fail: {tally}", flush=True)
    return [] if tally.lost or tally.torn else ["TinyDB's default storage lost nothing: the loop proves nothing"]


def _no_locks(folder: Path) -> None:
    """The default storage has none."""
