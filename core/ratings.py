"""What people think of samples and of models' answers: kept in the notebook, and a file of it that a pipeline reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from filelock import FileLock
from tinydb import TinyDB
from tinydb.queries import QueryInstance, where

from docutune import atomic
from docutune.errors import DocutuneError
from docutune.interrupts import undisturbed
from docutune.notebook import AtomicStorage
from docutune.records import from_json, to_json
from docutune.workspace import Store

Verdict: TypeAlias = Literal["good", "bad", "tuned", "base", "same", "skip"]
"""Of a sample: good or bad. Of two answers: which one is better. Either may be passed over."""

_TABLE = "ratings"


@dataclass(frozen=True, slots=True)
class Rating:
    """One judgement; `time` is ISO 8601 in UTC.

    `id` is the sample's or, of answers, a hash of the model and both texts: another answer is another thing to judge.
    `sample` is the sample that is asked. `verdict` is None while there is only a note. `rater` is None for whoever gave
    no name.
    """

    time: str
    subject: Literal["sample", "answers"]
    id: str
    sample: str
    kind: str
    question: str
    verdict: Verdict | None = None
    note: str = ""
    rater: str | None = None
    model: str | None = None


class Ratings:
    """The ratings in the notebook of one workspace; safe for several processes at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path = store.folder / "notebook.json"
        self._lock = FileLock(store.folder / "notebook.lock", timeout=30)

    def put(self, rating: Rating) -> None:
        """Keep a rating in place of the same person's former one of the same thing; no Ctrl-C comes between."""
        fields = to_json(rating)
        assert isinstance(fields, dict)
        with undisturbed(), self._opened() as database:
            table = database.table(_TABLE)
            table.remove(_same(rating))
            table.insert(fields)

    def take_back(self, rating: Rating) -> None:
        """Forget a rating."""
        with undisturbed(), self._opened() as database:
            database.table(_TABLE).remove(_same(rating))

    def all(self) -> list[Rating]:
        """All ratings, the one given last at the end. Needs no lock, for the file is replaced in one step."""
        with TinyDB(storage=AtomicStorage, path=self._path) as database:
            return [from_json(Rating, dict(document)) for document in database.table(_TABLE).all()]

    @contextmanager
    def _opened(self) -> Iterator[TinyDB]:
        self._store.create()
        with self._lock, TinyDB(storage=AtomicStorage, path=self._path) as database:
            yield database


def export(ratings: Iterable[Rating], file: Path) -> int:
    """Write ratings as JSON Lines, oldest first; how many there are."""
    lines = [json.dumps(to_json(rating), ensure_ascii=False) for rating in ratings]
    atomic.write_text(file, "".join(f"{line}\n" for line in lines))
    return len(lines)


def rejected(file: Path) -> dict[str, str]:
    """Ids of the samples that a file of ratings calls bad more often than good, with what was noted of them.

    DocutuneError names the line that holds no rating.
    """
    balance: Counter[str] = Counter()
    notes: dict[str, list[str]] = {}
    for rating in _read(file):
        if rating.subject == "sample" and rating.verdict in ("good", "bad"):
            balance[rating.id] += 1 if rating.verdict == "bad" else -1
            if rating.verdict == "bad" and rating.note:
                notes.setdefault(rating.id, []).append(rating.note)
    return {name: "; ".join(notes.get(name, ())) for name, count in sorted(balance.items()) if count > 0}


def _read(file: Path) -> Iterator[Rating]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise DocutuneError(f"{file}: cannot be read: {error.strerror or error}", _WRITE) from error
    for number, line in enumerate(lines, start=1):
        try:
            value: Any = json.loads(line)
            yield from_json(Rating, value)
        except ValueError as error:
            raise DocutuneError(f"{file}:{number}: no rating: {error}", _WRITE) from error


_WRITE = "docutune dataset rate --export FILE writes such a file"


def _same(rating: Rating) -> QueryInstance:
    """The same person's rating of the same thing."""
    name = where("rater") == rating.rater if rating.rater is not None else ~(where("rater").exists())
    same: QueryInstance = (where("subject") == rating.subject) & (where("id") == rating.id) & name
    return same
