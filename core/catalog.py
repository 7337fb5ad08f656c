"""SQLite index of runs, dataset versions, models and figures. Manifests are the truth: it can be rebuilt from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from docutune.atomic import writing
from docutune.errors import DocutuneError
from docutune.workspace import Store, read_manifest

SCHEMA_VERSION = 1
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

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with writing(self._path), self._lock, self._reading() as database, database:
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
        version = database.execute("pragma user_version").fetchone()[0]
        if version == SCHEMA_VERSION:
            return
        if version != 0:
            raise _DamagedError(f"{self._path}: written by another version of docutune", _REBUILD)
        with writing(self._path), self._lock, database:
            if database.execute("pragma user_version").fetchone()[0] == 0:
                database.executescript(f"begin; {_SCHEMA} pragma user_version = {SCHEMA_VERSION}; commit;")


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
