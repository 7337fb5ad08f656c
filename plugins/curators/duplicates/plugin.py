"""What the curator `duplicates` is: its options and its registration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, hookimpl


class Config(BaseModel):
    """Options of the curator `duplicates`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(
        0.85,
        ge=0.5,
        le=1.0,
        description="Jaccard similarity of character n-grams (0.5 to 1) from which two samples are the same.",
    )


@hookimpl
def docutune_curators() -> list[Registration]:
    """The curator `duplicates`."""
    return [
        Registration(
            name="duplicates",
            revision=3,
            summary="Leaves out exact and near duplicates, contradicting answers and empty answers",
            config=Config,
            load="docutune.plugins.curators.duplicates.curate:Duplicates",
            requires=("rensa",),
        )
    ]
