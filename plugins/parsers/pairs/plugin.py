"""The parser of question-answer files: what it is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from docutune import ParserRegistration, hookimpl


class Config(BaseModel):
    """Names of columns that no one can guess, and what is the same for all samples."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Annotated[
        str | None,
        Field(min_length=1, description="column or field of the question, tried before the usual names"),
    ] = None
    answer: Annotated[
        str | None, Field(min_length=1, description="column or field of the answer, tried before the usual names")
    ] = None
    system_column: Annotated[
        str | None,
        Field(min_length=1, description="column or field of the system prompt, tried before the usual"),
    ] = None
    system: Annotated[
        str | None, Field(min_length=1, description="system prompt put before every sample that has none of its own")
    ] = None
    encoding: Annotated[
        str | None, Field(description="encoding of files that are not UTF-8, such as cp1252; unset: found out")
    ] = None

    listed: Annotated[
        int, Field(ge=1, description="how many rows that give no sample are listed one by one; the others are counted")
    ] = 20

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        try:
            b" ".decode(value or "utf-8", "replace")
        except (LookupError, ValueError):
            raise ValueError(f"no text encoding is called {value!r}") from None
        return value


@hookimpl
def docutune_parsers() -> list[ParserRegistration]:
    """Offer the parser."""
    return [
        ParserRegistration(
            name="pairs",
            revision=3,
            summary="Question-answer pairs and conversations from JSON, JSON Lines, CSV, TSV and XLSX files",
            config=Config,
            load="docutune.plugins.parsers.pairs.parse:Pairs",
            suffixes=(".jsonl", ".json", ".csv", ".tsv", ".xlsx"),
            reads="samples",
        )
    ]
