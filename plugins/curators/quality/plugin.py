"""What the curator `quality` is: its options and its registration."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from docutune import Registration, hookimpl


class Config(BaseModel):
    """Options of the curator `quality`: one for each rule. Lengths are characters, a Chinese one counts as three."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_question: int = Field(2, ge=0, description="Shortest question that stays.")
    max_question: int | None = Field(24_000, ge=1, description="Longest question that stays; null: no limit.")
    min_answer: int = Field(3, ge=0, description="Shortest answer that stays.")
    max_answer: int | None = Field(24_000, ge=1, description="Longest answer that stays; null: no limit.")
    language: Literal["off", "script", "strict"] = Field(
        "script",
        description="script: an answer in letters that the sample's language is not written in goes; strict: an answer "
        "without Chinese in a Chinese sample, too, which quotations of English documents are.",
    )
    repeated_question: bool = Field(True, description="Leave out answers that say the question again.")
    assistant_phrases: bool = Field(True, description="Leave out 'As an AI language model', 'Certainly! Here is'.")
    refusals: bool = Field(True, description="Leave out answers that refuse to answer.")
    unseen_documents: bool = Field(True, description="Leave out 'according to the document above' and its kin.")
    page_furniture: bool = Field(True, description="Leave out licence headers and the navigation of web pages.")
    phrases: tuple[str, ...] = Field((), description="More phrases, in any case, that no answer may hold.")
    repetition: bool = Field(True, description="Leave out answers that repeat lines or words without end.")
    max_compression: float | None = Field(
        4.0, gt=1, description="Bytes of an answer for each byte of it compressed by zlib; null: no limit."
    )
    truncated: bool = Field(True, description="Leave out answers that surely break off.")

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        for what, least, most in (
            ("question", self.min_question, self.max_question),
            ("answer", self.min_answer, self.max_answer),
        ):
            if most is not None and least > most:
                raise ValueError(f"min_{what} {least} is more than max_{what} {most}: no {what} would stay")
        return self


@hookimpl
def docutune_curators() -> list[Registration]:
    """The curator `quality`."""
    return [
        Registration(
            name="quality",
            revision=2,
            summary="Leaves out answers of odd length or language, boilerplate, endless repetition, broken-off answers",
            config=Config,
            load="docutune.plugins.curators.quality.curate:Quality",
        )
    ]
