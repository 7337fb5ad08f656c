"""Questions about what the library does not have: the answer says so and points to what exists."""

from __future__ import annotations

from collections.abc import Iterator

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Pair, Told, of_pair
from docutune.plugins.generators.langchain.mentions import spoken_of
from docutune.plugins.generators.langchain.topics.symbols import absent


def _mistakes(reply: Pair, payload: Payload) -> Iterator[str]:
    """Core sees to it that the answer says that there is no such name."""
    for question in reply.questions:
        if not spoken_of(question, (payload.absent,)):
            yield f"the question does not name what it asks for: `{payload.absent}`"
    if "```" in reply.answer and payload.absent in reply.answer.partition("```")[2]:
        yield f"the code uses what does not exist: `{payload.absent}`"


def _fact(told: Told, payload: Payload) -> str:
    return f"{payload.kind}:{payload.absent}"


KIND = Kind("negative", Pair, absent, of_pair, _fact, _mistakes)
