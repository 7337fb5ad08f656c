"""What `docutune dataset show` shows: a version's facts, some of its samples, and what was left out of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docutune import versions
from docutune.corpus import Dataset, Row
from docutune.datasets.making import rejected_of
from docutune.datasets.uses import Users, Uses
from docutune.errors import UsageError
from docutune.reasons import kind_of
from docutune.records import Split
from docutune.version_names import Chosen
from docutune.versions import Version
from docutune.workspace import Store

_LEAST = 4  # digits of a sample's id


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which samples to show; `limit` None: all. At random, but always the same ones for one `seed`, or by their ids."""

    splits: Sequence[Split] = ()
    kinds: Sequence[str] = ()
    symbol: str | None = None
    sample: str | None = None
    limit: int | None = None
    shuffled: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A version, and the samples that were asked for; `matching` counts all that fit."""

    chosen: Chosen
    facts: Version
    uses: Uses
    kinds: Mapping[str, int]
    languages: Mapping[str, int]
    distinct_facts: int
    rejected: Mapping[str, int]
    matching: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was left out: a sample, or a task that gave none; as rejected.jsonl has it."""

    subject: str
    producer: str
    reason: str
    places: tuple[str, ...]
    sample: Mapping[str, Any] | None

    @property
    def kind(self) -> str:
        """Who left it out and why, without what differs from case to case."""
        return f"{self.producer}: {kind_of(self.reason)}"


def show(store: Store, chosen: Chosen, wanted: Wanted) -> Shown:
    """A version and its samples; DocutuneError when it is gone or was changed, UsageError when no sample is meant."""
    dataset = versions.read(store, chosen.version)
    facts = versions.describe(store, chosen.version)
    assert facts is not None, "its files were just read"
    rows = _fitting(dataset, wanted)
    samples = [row.made.sample for row in dataset.rows]
    return Shown(
        chosen=chosen,
        facts=facts,
        uses=Users(store).of(chosen.version),
        kinds=_counted([sample.kind for sample in samples]),
        languages=_counted([sample.language for sample in samples]),
        distinct_facts=len({sample.fact for sample in samples}),
        rejected=_counted([item.kind for item in left_out(store, chosen)]),
        matching=len(rows),
        rows=tuple(_some(rows, wanted)),
    )


def left_out(store: Store, chosen: Chosen, reason: str | None = None) -> list[LeftOut]:
    """What was left out when the version was first made or, where a run was named, by that run.

    `reason`: only those whose reason has this text in it, or whose kind it is ("secrets: secret").
    """
    lines = rejected_of(store.run_folder(chosen.run)) if chosen.run else versions.read_rejected(store, chosen.version)
    found = [_left_out(line) for line in lines]
    if reason is None:
        return found
    text = reason.casefold()
    return [item for item in found if text in item.reason.casefold() or text == item.kind.casefold()]


def _left_out(line: Mapping[str, Any]) -> LeftOut:
    places = (f"{span['source']}:{span['first_line']}-{span['last_line']}" for span in line.get("spans", ()))
    return LeftOut(line["subject"], line["producer"], line["reason"], tuple(places), line.get("sample"))


def _fitting(dataset: Dataset, wanted: Wanted) -> list[Row]:
    if wanted.sample is not None:
        return [_one(dataset, wanted.sample)]
    _known("--kind", wanted.kinds, {row.made.sample.kind for row in dataset.rows})
    tests: list[Callable[[Row], bool]] = []
    if wanted.splits:
        tests.append(lambda row: row.split in wanted.splits)
    if wanted.kinds:
        tests.append(lambda row: row.made.sample.kind in wanted.kinds)
    if symbol := wanted.symbol:
        tests.append(lambda row: any(_is_part(symbol, name) for name in row.made.sample.symbols))
    return [row for row in dataset.rows if all(test(row) for test in tests)]


def _is_part(asked: str, name: str) -> bool:
    """`fetch` and `acme.fetch` both mean acme.fetch, and `acme` all that is in it."""
    return asked == name or name.startswith(f"{asked}.") or name.endswith(f".{asked}")


def _one(dataset: Dataset, name: str) -> Row:
    rows = [row for row in dataset.rows if row.made.sample.id.startswith(name)]
    if len(name) < _LEAST or not rows:
        raise UsageError(
            f"version {dataset.version} has no sample {name!r}",
            f"name it by its id, {_LEAST} digits at least; docutune trace {name} looks in all versions",
        )
    if len(rows) > 1:
        ids = ", ".join(row.made.sample.id for row in rows)
        raise UsageError(f"{name!r} may mean {ids}", "give more digits")
    return rows[0]


def _known(option: str, asked: Sequence[str], known: set[str]) -> None:
    for name in asked:
        if name not in known:
            raise UsageError(f"{option} {name}: no sample is of that kind", f"there are {', '.join(sorted(known))}")


def _some(rows: Sequence[Row], wanted: Wanted) -> Sequence[Row]:
    if wanted.shuffled:
        count = len(rows) if wanted.limit is None else min(wanted.limit, len(rows))
        return random.Random(wanted.seed).sample(list(rows), count)
    return rows if wanted.limit is None else rows[: wanted.limit]


def _counted(values: Sequence[str]) -> Mapping[str, int]:
    return dict(Counter(values).most_common())
