"""The Markdown parser: what it is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docutune import ParserRegistration, hookimpl


class Config(BaseModel):
    """How long a section may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_section_chars: Annotated[
        int,
        Field(ge=1, description="longest section in characters; longer ones are cut between blocks, never inside one"),
    ] = 4000


@hookimpl
def docutune_parsers() -> list[ParserRegistration]:
    """Offer the parser."""
    return [
        ParserRegistration(
            name="markdown",
            revision=2,
            summary="CommonMark with front matter, tables, admonitions and MyST directives, cut at headings",
            config=Config,
            load="docutune.plugins.parsers.markdown.parse:Markdown",
            requires=("markdown_it", "mdit_py_plugins"),
            suffixes=(".md", ".markdown"),
        )
    ]
