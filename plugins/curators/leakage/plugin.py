"""What the curator `leakage` is: its options and its registration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, hookimpl


class Config(BaseModel):
    """Options of the curator `leakage`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float | None = Field(
        0.85,
        ge=0.5,
        le=1.0,
        description="Jaccard similarity of character n-grams (0.5 to 1) from which two questions are one; null: only "
        "questions that are the same after normalisation.",
    )


@hookimpl
def docutune_curators() -> list[Registration]:
    """The curator `leakage`."""
    return [
        Registration(
            name="leakage",
            revision=1,
            summary="Leaves out training samples whose question stands in a held-out split of the files",
            config=Config,
            load="docutune.plugins.curators.leakage.curate:Leakage",
            requires=("rensa",),
        )
    ]
