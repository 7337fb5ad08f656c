"""TinyDB for what has no fixed form: the questions asked of a model and its answers. Atomic and locked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from tinydb import TinyDB
from tinydb.storages import Storage

from docutune import atomic
from docutune.errors import DocutuneError
from docutune.records import Variant, from_json, to_json
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to a model of the workspace and its answer; `time` is ISO 8601 in UTC."""

    time: str
    model: str
    variant: Variant
    question: str
    answer: str


class AtomicStorage(Storage):
    """The whole database as one JSON file that is replaced in one step; callers hold the notebook's lock."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The tables, or None before the first write."""
        try:
            tables: dict[str, dict[str, Any]] = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DocutuneError(
                f"{self._path}: not readable as JSON: {error}", "move the file away: docutune starts a new one"
            ) from error
        return tables

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """Replace the file."""
        atomic.write_text(self._path, json.dumps(data, ensure_ascii=False, indent=1) + "\n")


class Notebook:
    """notebook.json of one workspace; safe for several processes at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path = store.folder / "notebook.json"
        self._lock = FileLock(store.folder / "notebook.lock", timeout=30)

    def add(self, exchange: Exchange) -> None:
        """Write down a question and its answer."""
        self._store.create()
        with self._lock, TinyDB(storage=AtomicStorage, path=self._path) as database:
            database.table("exchanges").insert(dict(_fields(exchange)))

    def exchanges(self) -> list[Exchange]:
        """All questions and answers, oldest first. Needs no lock, for the file is replaced in one step."""
        with TinyDB(storage=AtomicStorage, path=self._path) as database:
            return [from_json(Exchange, dict(document)) for document in database.table("exchanges").all()]


def _fields(exchange: Exchange) -> dict[str, Any]:
    fields = to_json(exchange)
    assert isinstance(fields, dict)
    return fields
