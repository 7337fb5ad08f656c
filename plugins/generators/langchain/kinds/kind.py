"""What makes a kind of sample: what it asks about, the form of its replies, its own checks, what a fact is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.kinds.told import Told
from docutune.plugins.generators.langchain.topics.survey import Survey
from docutune.plugins.generators.langchain.topics.topic import Topic


def nothing(part: BaseModel, payload: Payload) -> Iterable[str]:
    """No check besides those of every kind."""
    return ()


def whole(reply: BaseModel, payload: Payload) -> tuple[BaseModel, ...]:
    """A reply that says one thing."""
    return (reply,)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. Its prompt is the template of its name, its replies are objects of `form`.

    `topics` finds what to ask about, `parts` are the pieces of a reply, each right or wrong for itself, `told` says
    what a part tells, `mistakes` what is wrong with it (one line per mistake, its kind before a colon) beside what
    `checks.mistakes` sees, and `fact` names what all wordings share.
    """

    name: str
    form: type[BaseModel]
    topics: Callable[[Survey], Iterator[Topic]]
    told: Callable[[Any, Payload], Told]
    fact: Callable[[Told, Payload], str]
    mistakes: Callable[[Any, Payload], Iterable[str]] = nothing
    parts: Callable[[Any, Payload], Sequence[BaseModel]] = whole
    asks_several: bool = False
    needs_parameters: bool = False
