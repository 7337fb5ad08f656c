"""Two dataset versions side by side: rows that came, went, or say the same fact otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from docutune.corpus import Dataset, Row

What: TypeAlias = Literal["added", "removed", "changed"]
_Pair: TypeAlias = "tuple[Row, Row]"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is only in the later version, only in the earlier one, or in both with another text or split."""

    before: Row | None
    after: Row | None

    @property
    def what(self) -> What:
        """Which of the three."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    @property
    def moved(self) -> bool:
        """Whether the very same sample is in another split."""
        return self.before is not None and self.after is not None and _id(self.before) == _id(self.after)


def compare(before: Dataset, after: Dataset) -> list[Difference]:
    """Every difference: changed ones first, then those that went, then those that came; each by its fact."""
    old, new = {_id(row): row for row in before.rows}, {_id(row): row for row in after.rows}
    moved = [(old[name], new[name]) for name in old.keys() & new.keys() if _place(old[name]) != _place(new[name])]
    gone = {name: row for name, row in old.items() if name not in new}
    come = {name: row for name, row in new.items() if name not in old}
    changed = [*moved, *_pairs(gone, come)]
    paired = {_id(row) for pair in changed for row in pair}
    found = [
        *(Difference(first, second) for first, second in changed),
        *(Difference(row, None) for name, row in gone.items() if name not in paired),
        *(Difference(None, row) for name, row in come.items() if name not in paired),
    ]
    order = ("changed", "removed", "added")
    return sorted(found, key=lambda item: (order.index(item.what), _order(item)))


def question(row: Row) -> str:
    """What the user says first."""
    return next((message.content for message in row.made.sample.messages if message.role == "user"), "")


def answer(row: Row) -> str:
    """What the assistant says last."""
    said = [message.content for message in row.made.sample.messages if message.role == "assistant"]
    return said[-1] if said else ""


def _pairs(gone: Mapping[str, Row], come: Mapping[str, Row]) -> Iterator[_Pair]:
    """Rows that stand for each other: those of one fact by question, by answer and then in order; an edited row of a
    file by its answer, for its fact is its question.
    """
    left, right = dict(gone), dict(come)
    for key in (_by_question, _by_answer, _by_fact, _by_file):
        groups: dict[object, list[Row]] = defaultdict(list)
        for row in _sorted(right.values()):
            groups[key(row)].append(row)
        for row in _sorted(left.values()):
            if others := groups.get(key(row)):
                other = others.pop(0)
                del left[_id(row)], right[_id(other)]
                yield row, other


def _by_fact(row: Row) -> tuple[str, ...]:
    sample = row.made.sample
    return sample.kind, sample.language, sample.fact


def _by_question(row: Row) -> tuple[str, ...]:
    return *_by_fact(row), question(row)


def _by_answer(row: Row) -> tuple[str, ...]:
    return *_by_fact(row), answer(row)


def _by_file(row: Row) -> tuple[str, ...]:
    """Where a ready-made row stands, with its answer; nothing that others share for generated ones."""
    spans = row.made.origin.spans
    if not spans or not row.made.origin.producer.startswith("pairs@"):
        return (_id(row),)
    return spans[0].source, answer(row)


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (*_by_question(row), _id(row)))


def _order(item: Difference) -> tuple[str, ...]:
    row = item.after or item.before
    assert row is not None
    return *_by_question(row), _id(row)


def _id(row: Row) -> str:
    return row.made.sample.id


def _place(row: Row) -> tuple[str | None, str | None]:
    return row.split, row.held_out
