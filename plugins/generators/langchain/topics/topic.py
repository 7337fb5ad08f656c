"""One thing to ask about, in any kind and language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from docutune.plugins.generators.langchain.asking import Stated
from docutune.records import Span

_MOST_PACKAGES = 3


@dataclass(frozen=True, slots=True)
class Topic:
    """What a task is about. `text` gives what the sources say of it with labels in a language; the rest as Payload."""

    subject: str
    span: Span
    text: Callable[[str], str]
    names: tuple[str, ...]
    packages: tuple[str, ...]
    code_language: str = ""
    parameters: tuple[Stated, ...] = ()
    absent: str = ""
    before: str = ""
    after: str = ""


def packages_of(names: Iterable[str]) -> tuple[str, ...]:
    """The top-level packages of these names, sorted; none where they are so many that they say nothing."""
    found = tuple(sorted({name.partition(".")[0] for name in names}))
    return found if len(found) <= _MOST_PACKAGES else ()
