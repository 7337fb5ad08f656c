"""The samples of dataset versions as a page turns them over, and what people say of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

from docutune import versions
from docutune.corpus import ROWS, Dataset, Row
from docutune.errors import UsageError
from docutune.rated import Rating, Verdict
from docutune.ratings import Ratings
from docutune.records import Sample
from docutune.version_names import resolve
from docutune.workspace import Store

Judged: TypeAlias = Literal["good", "bad", "skip", "unrated"]

_KEPT = 2  # versions in memory: two pages may look at different ones


@dataclass(frozen=True, slots=True)
class Filter:
    """Which samples to show; None: all. `split` "none" are those of no split.

    `text` stands somewhere in a sample: in what is said, its symbols, its sources or its id; case counts for nothing.
    """

    split: str | None = None
    kind: str | None = None
    text: str = ""
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some samples of a version; `matching` counts all that fit, `number` is the page from 1, of `pages`."""

    rows: tuple[Row, ...]
    ratings: Mapping[str, tuple[Rating, ...]]
    matching: int
    number: int
    pages: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What may be filtered for in a version, and how many samples there are of each."""

    splits: Mapping[str, int]
    kinds: Mapping[str, int]


@dataclass
class Samples:
    """Reads versions, the last ones only once; any thread may ask."""

    store: Store
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _read: dict[tuple[str, int], Dataset] = field(default_factory=dict)

    def counts(self, version: str) -> Counts:
        """How many samples of each split and kind."""
        rows = self.dataset(version).rows
        splits = Counter(row.split or "none" for row in rows)
        return Counts(dict(splits.most_common()), dict(Counter(row.made.sample.kind for row in rows).most_common()))

    def page(self, version: str, wanted: Filter, number: int, size: int) -> Page:
        """A page of those that fit, in the order of their ids; the last one for a number beyond it."""
        judged = self._ratings()
        rows = [row for row in self.dataset(version).rows if _fits(row, wanted, judged)]
        pages = max(1, -(-len(rows) // size))
        number = min(max(number, 1), pages)
        shown = tuple(rows[(number - 1) * size : number * size])
        return Page(shown, judged, len(rows), number, pages)

    def search(self, version: str, number: int, size: int, *boxes: str | None) -> Page:
        """As `page`, for the fields of a Filter as boxes hold them, in their order: "" or None is unset."""
        split, kind, text, judged = (box or None for box in boxes)
        return self.page(version, Filter(split, kind, text or "", _judged(judged)), number, size)

    def one(self, version: str, sample: str) -> Row:
        """The sample with that id; UsageError when the version has none."""
        found = next((row for row in self.dataset(version).rows if row.made.sample.id == sample), None)
        if found is None:
            raise UsageError(f"version {version} has no sample {sample!r}", "choose another one")
        return found

    def ratings(self, sample: str) -> tuple[Rating, ...]:
        """What people said of a sample, the latest last."""
        return self._ratings().get(sample, ())

    def rate(self, version: str, sample: str, verdict: Verdict, note: str) -> None:
        """Judge a sample of a version, in place of what was said of it before without a name."""
        self.judge(self.one(version, sample).made.sample, verdict, note)

    def judge(self, sample: Sample, verdict: Verdict | None, note: str) -> None:
        """As `rate`, of a sample that need not be in a version yet; without a verdict it is a note alone."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        asked = next((message.content for message in sample.messages if message.role == "user"), "")
        Ratings(self.store).put(Rating(time, "sample", sample.id, sample.id, sample.kind, asked, verdict, note.strip()))

    def said(self, sample: str) -> Rating | None:
        """What was said of a sample without a name."""
        return next((rating for rating in self.ratings(sample) if rating.rater is None), None)

    def dataset(self, version: str) -> Dataset:
        """A version by any of its names; DocutuneError when it is gone or was changed."""
        name = resolve(self.store, version).version
        rows = self.store.dataset_folder(name) / ROWS
        with self._lock:
            key = name, rows.stat().st_mtime_ns if rows.is_file() else 0
            if key not in self._read:
                while len(self._read) >= _KEPT:
                    del self._read[next(iter(self._read))]
                self._read[key] = versions.read(self.store, name)
            return self._read[key]

    def _ratings(self) -> dict[str, tuple[Rating, ...]]:
        found: dict[str, tuple[Rating, ...]] = {}
        for rating in Ratings(self.store).all():
            if rating.subject == "sample":
                found[rating.id] = (*found.get(rating.id, ()), rating)
        return found


def _judged(name: str | None) -> Judged | None:
    return next((known for known in get_args(Judged) if known == name), None)


def _fits(row: Row, wanted: Filter, judged: Mapping[str, tuple[Rating, ...]]) -> bool:
    sample = row.made.sample
    if wanted.split is not None and (row.split or "none") != wanted.split:
        return False
    if wanted.kind is not None and sample.kind != wanted.kind:
        return False
    if wanted.judged is not None and wanted.judged not in _verdicts(judged.get(sample.id, ())):
        return False
    text = wanted.text.strip().casefold()
    return not text or any(text in part.casefold() for part in _texts(row))


def _verdicts(ratings: tuple[Rating, ...]) -> set[str]:
    return {rating.verdict for rating in ratings if rating.verdict is not None} or {"unrated"}


def _texts(row: Row) -> Iterator[str]:
    sample = row.made.sample
    yield from (message.content for message in sample.messages)
    yield from sample.symbols
    yield from map(str, row.made.origin.spans)
    yield sample.id
