"""What the curator `judge` is: its options and its registration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from docutune import ChatConfig, Registration, hookimpl


class Config(ChatConfig):
    """Options of the curator `judge`: those of every chat model, and how strict to be."""

    temperature: Annotated[float, Field(ge=0, le=2, description="randomness of the replies")] = 0.0
    threshold: Annotated[
        int, Field(ge=1, le=5, description="samples with a lower score, from 1 to 5, are left out")
    ] = 3
    share: Annotated[
        float, Field(gt=0, le=1, description="share of the samples to judge, chosen by their ids; the others stay")
    ] = 1.0
    prompts: SkipJsonSchema[Mapping[str, str]] = Field(
        default_factory=dict, description="filled by core: by files, not by this option"
    )


@hookimpl
def docutune_curators() -> list[Registration]:
    """The curator `judge`."""
    return [
        Registration(
            name="judge",
            revision=1,
            summary="Leaves out samples that a chat model gives a low score",
            config=Config,
            load="docutune.plugins.curators.judge.curate:Judge",
            prompts="docutune.plugins.curators.judge.prompts",
        )
    ]
