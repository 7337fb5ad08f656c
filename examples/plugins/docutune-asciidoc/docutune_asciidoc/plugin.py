"""The AsciiDoc parser: what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docutune import ParserRegistration, hookimpl


class Config(BaseModel):
    """How long a section may be, and what the documents' attributes are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_section_chars: Annotated[
        int, Field(ge=1, description="longest section in characters; longer ones are cut between blocks")
    ] = 4000
    attributes: Annotated[
        Mapping[str, str], Field(description="attributes set from outside; they win over those of a document")
    ] = {}


@hookimpl
def docutune_parsers() -> list[ParserRegistration]:
    """Offer the parser."""
    return [
        ParserRegistration(
            name="asciidoc",
            revision=1,
            summary="AsciiDoc with attributes, conditions, admonitions, tables and source blocks, cut at headings",
            config=Config,
            load="docutune_asciidoc.parse:AsciiDoc",
            suffixes=(".adoc", ".asciidoc"),
        )
    ]
