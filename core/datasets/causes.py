"""Why a sample came, went or changed between two dataset versions, from what their runs say of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from docutune.corpus import Row
from docutune.datasets.compare import Difference
from docutune.datasets.making import Making, steps_of

READY_MADE = "pairs"
_MANY = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """What made the difference: a few words that many share, and what they mean here."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


@dataclass(frozen=True)
class Causes:
    """Finds the cause of each difference; the nearest one first."""

    before: Making
    after: Making
    _facts: dict[str, Any] = field(default_factory=dict)

    def of(self, difference: Difference) -> Cause:
        """The first cause that is found."""
        found = self._of_split(difference) if difference.moved else self._of_text(difference)
        return next(found, self._unknown)

    @property
    def _unknown(self) -> Cause:
        silent = [making.dataset.version for making in (self.before, self.after) if making.run is None]
        if silent:
            return Cause("no run tells why", f"{' and '.join(silent)} came from elsewhere, or the runs are gone")
        return Cause("no cause found", "documents, generators, prompts and options are the same")

    # ---- splits

    def _of_split(self, difference: Difference) -> Iterator[Cause]:
        yield from self._options("split", "split options changed")
        row = difference.after
        assert row is not None
        if "given" in (row.held_out, difference.before and difference.before.held_out):
            yield Cause("its file says another split", ", ".join(sorted(_sources(row))))
        if row.made.sample.fact in self._restless:
            yield Cause("other samples of its fact came or went")
        if self._is_pair(row):
            yield Cause("the held-out share was drawn anew", "rows came or went")

    @cached_property
    def _restless(self) -> frozenset[str]:
        """Facts that do not have the same samples in both versions."""
        samples = [[row.made.sample for row in making.dataset.rows] for making in self._both]
        old, new = ({(sample.fact, sample.id) for sample in group} for group in samples)
        return frozenset(fact for fact, _ in old ^ new)

    # ---- texts

    def _of_text(self, difference: Difference) -> Iterator[Cause]:
        before, after = difference.before, difference.after
        if after is None and before is not None:
            yield from self._left_out(self.after, before, "left out by")
        if before is None and after is not None:
            yield from self._left_out(self.before, after, "no longer left out by")
        yield from self._documents([row for row in (before, after) if row is not None])
        yield from self._producers(before, after)
        yield from self._elsewhere()

    def _left_out(self, making: Making, row: Row, words: str) -> Iterator[Cause]:
        if found := making.rejected.get(row.made.sample.id):
            producer, reason = found
            yield Cause(f"{words} {producer}", reason)

    def _documents(self, rows: list[Row]) -> Iterator[Cause]:
        pair = any(self._is_pair(row) for row in rows)
        for source in sorted(set().union(*(_sources(row) for row in rows))):
            old, new = self.before.documents.get(source), self.after.documents.get(source)
            if self.before.run is None or self.after.run is None or old == new:
                continue
            if old and new:
                place = next((str(span) for row in rows[::-1] for span in row.made.origin.spans), source)
                yield Cause("row edited in its file", place) if pair else Cause("document changed", source)
            else:
                yield Cause("document removed" if old else "document added", source)

    def _producers(self, before: Row | None, after: Row | None) -> Iterator[Cause]:
        old, new = (row.made.origin.producer.partition("@")[0] if row else "" for row in (before, after))
        if old and new and old != new:
            yield Cause("made by another generator", f"{old} -> {new}")
        name = new or old
        known = [self._revisions(making).get(name) for making in self._both]
        if None in known and name and self._runs_known:
            yield Cause("generator added" if known[0] is None else "generator removed", name)
        elif known[0] != known[1]:
            yield Cause("generator changed", f"{name}, revision {known[0]} -> {known[1]}")
        models = [self._models(making).get(name, "") for making in self._both]
        if models[0] != models[1]:
            yield Cause("model changed", f"{models[0] or '-'} -> {models[1] or '-'}")
        yield from self._prompts(name)
        yield from self._steps("generate", name, "options of the generator changed")

    def _prompts(self, name: str) -> Iterator[Cause]:
        old, new = self.before.prompts, self.after.prompts
        changed = sorted(key for key in {*old, *new} if key.startswith(f"{name}/") and old.get(key) != new.get(key))
        if changed:
            more = f" and {len(changed) - _MANY} more" if len(changed) > _MANY else ""
            yield Cause("prompt changed", ", ".join(changed[:_MANY]) + more)

    def _elsewhere(self) -> Iterator[Cause]:
        """What concerns all samples alike."""
        if not self._runs_known:
            return
        for section in ("parse", "curate"):
            plugins = {name for making in self._both for name, _ in steps_of(making.file, section)}
            for name in sorted(plugins):
                yield from self._steps(section, name, f"options of {section} changed")
        yield from self._options("language", "languages changed")
        yield from self._options("sources", "sources changed", shown=False)
        old, new = self.before.documents, self.after.documents
        changed = sorted(source for source in {*old, *new} if old.get(source) != new.get(source))
        if changed:
            more = f" and {len(changed) - _MANY} more" if len(changed) > _MANY else ""
            yield Cause("other documents changed", ", ".join(changed[:_MANY]) + more)

    # ---- what the runs say

    @property
    def _both(self) -> tuple[Making, Making]:
        return self.before, self.after

    @property
    def _runs_known(self) -> bool:
        return self.before.run is not None and self.after.run is not None

    def _options(self, key: str, words: str, shown: bool = True) -> Iterator[Cause]:
        old, new = self.before.file.get(key), self.after.file.get(key)
        if self._runs_known and old != new:
            yield Cause(words, _changes(old, new) if shown else "")

    def _steps(self, section: str, name: str, words: str) -> Iterator[Cause]:
        old, new = (
            [options for uses, options in steps_of(making.file, section) if uses == name] for making in self._both
        )
        if self._runs_known and old != new:
            yield Cause(words, f"{name}, {_changes(old[0] if old else {}, new[0] if new else {})}")

    def _revisions(self, making: Making) -> Mapping[str, str]:
        return self._once("revisions", making, lambda row: row.made.origin.producer.partition("@")[2])

    def _models(self, making: Making) -> Mapping[str, str]:
        return self._once("models", making, lambda row: row.made.origin.model or "")

    def _once(self, what: str, making: Making, of: Any) -> Mapping[str, str]:
        """Generator -> what its rows say, looked up once."""
        key = f"{what} {making.dataset.version}"
        if key not in self._facts:
            rows = making.dataset.rows
            self._facts[key] = {row.made.origin.producer.partition("@")[0]: of(row) for row in rows}
        found: Mapping[str, str] = self._facts[key]
        return found

    def _is_pair(self, row: Row) -> bool:
        return row.made.origin.producer.partition("@")[0] == READY_MADE


def _sources(row: Row) -> set[str]:
    return {span.source for span in row.made.origin.spans}


def _changes(old: object, new: object) -> str:
    """ "validation 0.05 -> 0.1" for each option that differs."""
    if not isinstance(old, dict) and not isinstance(new, dict):
        return f"{_said(old)} -> {_said(new)}"
    first, second = (value if isinstance(value, dict) else {} for value in (old, new))
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    return ", ".join(f"{name} {_said(first.get(name))} -> {_said(second.get(name))}" for name in names)


def _said(value: object) -> str:
    return "default" if value is None else str(value)
