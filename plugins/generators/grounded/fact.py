"""One fact: what is said, in slots that the phrasings put into words; and the facts of a task, as its payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docutune.records import Span


@dataclass(frozen=True, slots=True)
class Telling:
    """What it takes to put a fact into words. `key` names it across phrasings and languages, `form` its templates."""

    key: str
    kind: str
    form: str
    slots: Mapping[str, str | Sequence[str]]
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Payload:
    """What a task's payload holds: everything that decides its samples."""

    languages: tuple[str, ...]
    phrasings: int
    facts: tuple[Telling, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """A fact with its place in the library.

    `owner` is the symbol or section that the fact is about: facts of one owner and the same spans are one task.
    """

    key: str
    kind: str
    form: str
    slots: Mapping[str, str | Sequence[str]]
    owner: str
    spans: tuple[Span, ...]
    symbols: tuple[str, ...] = ()

    @property
    def telling(self) -> Telling:
        """The fact without its place."""
        return Telling(self.key, self.kind, self.form, self.slots, self.symbols)
