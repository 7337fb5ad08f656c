"""TinyDB for what has no fixed form: texts of prompts, ratings. Atomic and locked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from tinydb import TinyDB
from tinydb.storages import Storage

from docutune import atomic
from docutune.atomic import writing
from docutune.errors import DocutuneError
from docutune.records import Variant, from_json, to_json
from docutune.workspace import Store

_EXCHANGES = "exchanges"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to a model and its answer; `time` is ISO 8601 in UTC. Chats keep them now: see chats.former."""

    time: str
    model: str
    variant: Variant
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Wording:
    """A text of a prompt template ("langchain/en/how-to").

    `time` is ISO 8601 in UTC, `sha256` the text's; `by` says what brought it into force or found it there.
    """

    time: str
    template: str
    sha256: str
    by: Literal["edit", "reset", "run", "before"]
    text: str


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

    def add_wordings(self, wordings: Iterable[Wording], unknown_only: bool = False) -> None:
        """Write down texts of templates; with `unknown_only` those that the notebook does not have yet."""
        wordings = tuple(wordings)
        if unknown_only:  # a look first: most runs have nothing new to say
            known = {(item.template, item.sha256) for item in self.wordings()}
            wordings = tuple(item for item in wordings if (item.template, item.sha256) not in known)
        if not wordings:
            return
        self._store.create()
        with self._lock, TinyDB(storage=AtomicStorage, path=self._path) as database:
            database.table("wordings").insert_multiple([dict(_fields(item)) for item in wordings])

    def wordings(self, template: str | None = None) -> list[Wording]:
        """The texts of one template, or of all, oldest first."""
        with TinyDB(storage=AtomicStorage, path=self._path) as database:
            found = [from_json(Wording, dict(document)) for document in database.table("wordings").all()]
        return [item for item in found if template in (None, item.template)]

    def exchanges(self) -> list[Exchange]:
        """What was not moved yet, oldest first. Needs no lock, for the file is replaced in one step."""
        with TinyDB(storage=AtomicStorage, path=self._path) as database:
            return [from_json(Exchange, dict(document)) for document in database.table(_EXCHANGES).all()]

    @contextmanager
    def emptying(self) -> Iterator[list[Exchange]]:
        """The same; they are taken out when the block ends well."""
        with writing(self._path), self._lock:
            yield self.exchanges()
            with TinyDB(storage=AtomicStorage, path=self._path) as database:
                database.drop_table(_EXCHANGES)


def wordings(texts: Mapping[str, str], by: Literal["edit", "reset", "run", "before"]) -> Iterator[Wording]:
    """Texts of templates by their names, as they are at this time."""
    time = datetime.now(UTC).isoformat(timespec="seconds")
    for template, text in texts.items():
        yield Wording(time, template, hashlib.sha256(text.encode()).hexdigest(), by, text)


def _fields(record: Wording) -> dict[str, Any]:
    fields = to_json(record)
    assert isinstance(fields, dict)
    return fields
