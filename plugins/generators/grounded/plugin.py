"""What the generator `grounded` is: its options and its registration."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, hookimpl

Kind = Literal[
    "purpose",
    "signature",
    "parameters",
    "returns",
    "usage",
    "lookup",
    "explanation",
    "inheritance",
    "members",
    "negative",
]


class Config(BaseModel):
    """Options of the generator `grounded`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    languages: tuple[Literal["en", "zh"], ...] | None = Field(
        None, min_length=1, description="Languages of the samples; left out: the pipeline's `language`."
    )
    phrasings: int = Field(4, ge=1, le=6, description="Number of phrasings of the question, per fact and language.")
    kinds: tuple[Kind, ...] | None = Field(
        None, min_length=1, description="Kinds of samples to make; left out: all of them."
    )
    max_facts: int | None = Field(
        None, ge=1, description="Number of facts to keep, the most useful first, spread over kinds and symbols."
    )
    max_answer_chars: int = Field(
        1200, ge=80, description="Longest answer in characters; code and sentences that do not fit are left out whole."
    )


@hookimpl
def docutune_generators() -> list[Registration]:
    """The generator `grounded`."""
    return [
        Registration(
            name="grounded",
            revision=3,
            summary="Questions and answers from docs, signatures and docstrings; offline, without an LLM",
            config=Config,
            load="docutune.plugins.generators.grounded.generate:Grounded",
        )
    ]
