"""The curator `min-length`: leaves out samples whose answer is short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, hookimpl
from docutune.contracts import Context
from docutune.records import Made


class Config(BaseModel):
    """How long an answer must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chars: Annotated[int, Field(ge=1, description="shortest answer in characters that is kept")] = 40


class MinLength:
    """Rejects samples by the length of their last message, which is the answer."""

    def __init__(self, config: Config) -> None:
        self._chars = config.chars

    async def reject(self, samples: Sequence[Made], context: Context) -> list[tuple[int, str]]:
        """Index and reason of each sample to leave out; what stands before the reason's colon is counted."""
        lengths = [len(made.sample.messages[-1].content) for made in samples]
        return [
            (index, f"short answer: {length} characters")
            for index, length in enumerate(lengths)
            if length < self._chars
        ]


@hookimpl
def docutune_curators() -> list[Registration]:
    """Offer the curator."""
    return [
        Registration(
            name="min-length",
            revision=1,
            summary="Leaves out samples whose answer is short",
            config=Config,
            load="docutune_min_length:MinLength",
        )
    ]
