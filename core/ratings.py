"""What people think of samples and of models' answers, kept in the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock
from tinydb import TinyDB
from tinydb.queries import QueryInstance, where

from docutune.interrupts import undisturbed
from docutune.notebook import AtomicStorage
from docutune.rated import Rating
from docutune.records import from_json, to_json
from docutune.workspace import Store

_TABLE = "ratings"


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


def _same(rating: Rating) -> QueryInstance:
    """The same person's rating of the same thing."""
    name = where("rater") == rating.rater if rating.rater is not None else ~(where("rater").exists())
    same: QueryInstance = (where("subject") == rating.subject) & (where("id") == rating.id) & name
    return same
