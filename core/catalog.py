"""SQLite index of runs, models, figures and chats. Their files are the truth: it can be rebuilt from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from docutune.atomic import writing
from docutune.errors import DocutuneError
from docutune.workspace import Store, read_manifest

SCHEMA_VERSION = 2
_WITHOUT_CHATS = 1  # of an earlier docutune: may be read as it is, and gets the table when something is written
Result = TypeVar("Result")
_REBUILD = "rebuild the index from the runs with: docutune status --rebuild"
_SCHEMA = """
create table runs (
    id text primary key, project text not null, started text not null, finished text, outcome text not null,
    seconds real not null, dataset text
);
create table steps (
    run text not null references runs(id) on delete cascade, position integer not null, name text not null,
    plugin text not null, key text not null, status text not null, seconds real not null, primary key (run, position)
);
create table models (
    run text not null references runs(id) on delete cascade, name text not null, key text not null,
    trainer text not null, base text not null, primary key (run, name)
);
create table figures (
    run text not null references runs(id) on delete cascade, model text not null, evaluator text not null,
    metric text not null, count integer not null, base real not null, tuned real not null, difference real not null,
    low real not null, high real not null, verdict text not null, primary key (run, model, evaluator, metric)
);
"""
_CHATS = """
create table chats (
    id text primary key, started text not null, changed text not null, title text not null, turns integer not null,
    models text not null, bytes integer not null
);
"""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as `docutune status` lists it; times are ISO 8601 in UTC. `step` is the one that a live run is in.

    `failed` names the steps that failed: of one model, or the one that ended the run.
    """

    id: str
    project: str
    started: str
    finished: str | None
    outcome: str
    seconds: float
    dataset: str | None
    models: tuple[str, ...]
    step: str | None = None
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRow:
    """A chat as `docutune chats list` shows it; times are ISO 8601 in UTC, `turns` counts answered questions.

    `title` is its first question, `models` who answered, `bytes` the size of its file when this was entered.
    """

    id: str
    started: str
    changed: str
    title: str
    turns: int
    models: str
    bytes: int


class _DamagedError(DocutuneError):
    """The file is no index that this version can use."""


class Catalog:
    """One writer at a time under a file lock, with a rollback journal: safe under several processes on any SQLite."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path = store.folder / "catalog.sqlite"
        self._lock = FileLock(store.folder / "catalog.lock", timeout=30)

    def record(self, manifest: Mapping[str, Any]) -> None:
        """Enter a run, or enter it anew."""
        self._healed(lambda: self._record_all([manifest]))

    def forget(self, runs: Collection[str]) -> None:
        """Take runs out of the index."""
        if runs:
            self._healed(lambda: self._forget(runs))

    def _forget(self, runs: Collection[str]) -> None:
        with self._writing() as database:
            database.executemany("delete from runs where id = ?", [(run,) for run in runs])

    def _record_all(self, manifests: Sequence[Mapping[str, Any]]) -> None:
        with self._writing() as database:
            for manifest in manifests:
                _record(database, manifest)

    def _healed(self, work: Callable[[], Result]) -> Result:
        """Do the work; over a damaged file once more after it was made anew, for it is an index and no more."""
        try:
            return work()
        except _DamagedError:
            self.rebuild()
            return work()

    def rebuild(self) -> int:
        """Make the index again from the manifests; the number of runs in it."""
        with writing(self._path), self._lock:
            for leftover in (self._path, self._path.with_name(f"{self._path.name}-journal")):
                leftover.unlink(missing_ok=True)
        manifests = list(_manifests(self._store.runs()))
        self._record_all(manifests)
        return len(manifests)

    def runs(self, limit: int | None = None) -> list[RunRow]:
        """The runs, newest first."""
        return self._healed(lambda: self._runs(limit))

    def _runs(self, limit: int | None) -> list[RunRow]:
        with self._looking() as database:
            rows = database.execute(
                "select id, project, started, finished, outcome, seconds, dataset from runs order by started desc, id"
                " desc limit ?",
                (-1 if limit is None else limit,),
            ).fetchall()
            models = database.execute("select run, name from models order by run, name").fetchall()
            failed = database.execute(
                "select run, name from steps where status = 'failed' order by position"
            ).fetchall()
        names, failures = _by_run(models), _by_run(failed)
        return [RunRow(*(*row, names.get(row[0], ()), None, failures.get(row[0], ()))) for row in rows]

    def record_chats(self, rows: Sequence[ChatRow]) -> None:
        """Enter chats, or enter them anew."""
        if rows:
            self._healed(lambda: self._record_chats(rows))

    def _record_chats(self, rows: Sequence[ChatRow]) -> None:
        with self._writing() as database:
            database.executemany("replace into chats values (?, ?, ?, ?, ?, ?, ?)", map(astuple, rows))

    def forget_chats(self, ids: Collection[str]) -> None:
        """Take chats out of the index."""
        if ids and self._path.exists():
            self._healed(lambda: self._forget_chats(ids))

    def _forget_chats(self, ids: Collection[str]) -> None:
        with self._writing() as database:
            database.executemany("delete from chats where id = ?", [(name,) for name in ids])

    def chats(self) -> list[ChatRow]:
        """The chats that were entered; their files may tell of more, and of others that are gone."""
        return self._healed(self._chats) if self._path.exists() else []

    def _chats(self) -> list[ChatRow]:
        with self._reading() as database:
            if _version(database) == _WITHOUT_CHATS:
                return []
            return [ChatRow(*row) for row in database.execute("select * from chats order by id")]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with writing(self._path), self._lock, self._reading() as database, database:
            if _version(database) == _WITHOUT_CHATS:
                database.executescript(f"begin; {_CHATS} pragma user_version = {SCHEMA_VERSION}; commit;")
            yield database

    @contextmanager
    def _looking(self) -> Iterator[sqlite3.Connection]:
        """The index; where there is none, one in memory, for a look makes nothing."""
        if self._path.exists():
            with self._reading() as database:
                yield database
            return
        with closing(sqlite3.connect(":memory:")) as database:
            database.executescript(_SCHEMA)
            for manifest in _manifests(self._store.runs()):
                _record(database, manifest)
            yield database

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=30)) as database:
                database.execute("pragma foreign_keys = on")
                self._ensure_schema(database)
                yield database
        except sqlite3.OperationalError as error:
            raise DocutuneError(
                f"{self._path}: {error}",
                "check that you may write there and that the disk has room; docutune status --rebuild makes it anew",
            ) from error
        except sqlite3.DatabaseError as error:
            raise _DamagedError(f"{self._path}: {error}", _REBUILD) from error

    def _ensure_schema(self, database: sqlite3.Connection) -> None:
        version = _version(database)
        if version in (SCHEMA_VERSION, _WITHOUT_CHATS):
            return
        if version != 0:
            raise _DamagedError(f"{self._path}: written by another version of docutune", _REBUILD)
        with writing(self._path), self._lock, database:
            if _version(database) == 0:
                database.executescript(f"begin; {_SCHEMA} {_CHATS} pragma user_version = {SCHEMA_VERSION}; commit;")


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("pragma user_version").fetchone()[0])


def _by_run(pairs: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Run -> names, in their order."""
    found: dict[str, tuple[str, ...]] = {}
    for run, name in pairs:
        found[run] = (*found.get(run, ()), name)
    return found


def _manifests(runs: list[Path]) -> Iterator[dict[str, Any]]:
    for run in runs:
        try:
            yield read_manifest(run)
        except DocutuneError:
            continue  # a run killed before its first manifest has nothing to index


def _record(database: sqlite3.Connection, manifest: Mapping[str, Any]) -> None:
    run = manifest["run"]
    database.execute("delete from runs where id = ?", (run,))
    fields = ("run", "project", "started", "finished", "outcome", "seconds")
    row = [manifest[field] for field in fields]
    database.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?)", [*row, manifest.get("dataset")])
    steps = [
        (run, position, step["name"], step["plugin"], step["key"], step["status"], step["seconds"])
        for position, step in enumerate(manifest["steps"])
    ]
    database.executemany("insert into steps values (?, ?, ?, ?, ?, ?, ?)", steps)
    models = [
        (run, model["name"], model["key"], model["trainer"], model["base"]) for model in manifest.get("models", ())
    ]
    database.executemany("insert into models values (?, ?, ?, ?, ?)", models)
    figures = [
        (run, model, evaluator, *(item[field] for field in _FIGURE_FIELDS))
        for model, evaluators in manifest.get("figures", {}).items()
        for evaluator, items in evaluators.items()
        for item in items
    ]
    database.executemany("insert into figures values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", figures)


_FIGURE_FIELDS = ("metric", "count", "base", "tuned", "difference", "low", "high", "verdict")
