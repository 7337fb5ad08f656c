"""The Python parser: what it is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from docutune import ParserRegistration, hookimpl


class Config(BaseModel):
    """Nothing to choose: the code says what it is, and each docstring's style is recognised."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@hookimpl
def docutune_parsers() -> list[ParserRegistration]:
    """Offer the parser."""
    return [
        ParserRegistration(
            name="python",
            revision=3,
            summary="Python modules and stubs, never imported: symbols, signatures, docstrings, aliases",
            config=Config,
            load="docutune.plugins.parsers.python.parse:Python",
            requires=("griffe",),
            suffixes=(".py", ".pyi"),
        )
    ]
