"""What `docutune dataset diff` shows: every difference between two versions, with its cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from docutune.corpus import Row, row_fields
from docutune.datasets.causes import Cause, Causes
from docutune.datasets.compare import Difference, What, compare
from docutune.datasets.making import making, runs_between
from docutune.records import JsonValue
from docutune.trace.history import History, Run
from docutune.version_names import Chosen, resolve
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Explained:
    """A difference and its cause."""

    difference: Difference
    cause: Cause


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two versions, with the run that tells how it was made."""

    version: str
    run: str | None
    samples: int


@dataclass(frozen=True, slots=True)
class Diff:
    """All differences from one version to another; `same` counts the rows that both have."""

    before: Side
    after: Side
    found: tuple[Explained, ...]
    same: int

    def of(self, what: What) -> list[Explained]:
        """Those that were added, removed or changed."""
        return [item for item in self.found if item.difference.what == what]

    @property
    def causes(self) -> Mapping[str, int]:
        """Kinds of causes, the most frequent first."""
        return dict(Counter(item.cause.kind for item in self.found).most_common())

    def to_json(self) -> dict[str, JsonValue]:
        """Counts and causes, then every difference with its rows."""
        counts: dict[str, JsonValue] = {what: len(self.of(what)) for what in ("added", "removed", "changed")}
        return {
            **self.stat(),
            "differences": [_told(item) for item in self.found],
            "counts": {**counts, "same": self.same},
        }

    def stat(self) -> dict[str, JsonValue]:
        """Counts and causes alone."""
        sides = {"before": self.before, "after": self.after}
        return {
            **{
                name: {"version": side.version, "run": side.run, "samples": side.samples}
                for name, side in sides.items()
            },
            "counts": {
                "added": len(self.of("added")),
                "removed": len(self.of("removed")),
                "changed": len(self.of("changed")),
                "same": self.same,
            },
            "causes": dict(self.causes),
        }


def diff(store: Store, before: str, after: str) -> Diff:
    """The differences between two versions, each under any name that a version may have."""
    history = History(store)
    first, second = resolve(store, before), resolve(store, after)
    return between(history, first, second)


def between(history: History, first: Chosen, second: Chosen) -> Diff:
    """The differences between two versions; a run that was named is the one that tells how its version was made."""
    told = runs_between(history, first.version, second.version)
    runs = [_named(history, chosen) or run for chosen, run in zip((first, second), told, strict=True)]
    old, new = (making(history, chosen.version, run) for chosen, run in zip((first, second), runs, strict=True))
    causes = Causes(old, new)
    found = tuple(Explained(item, causes.of(item)) for item in compare(old.dataset, new.dataset))
    same = len(old.dataset.rows) - sum(item.difference.before is not None for item in found)
    sides = [Side(made.dataset.version, made.run, len(made.dataset.rows)) for made in (old, new)]
    return Diff(sides[0], sides[1], found, same)


def _named(history: History, chosen: Chosen) -> Run | None:
    return next((run for run in history.runs if run.id == chosen.run and not run.takes), None)


def _told(item: Explained) -> dict[str, JsonValue]:
    rows: dict[str, Row | None] = {"before": item.difference.before, "after": item.difference.after}
    return {
        "what": item.difference.what,
        "why": item.cause.kind,
        "detail": item.cause.detail,
        **{name: None if row is None else row_fields(row) for name, row in rows.items()},
    }
