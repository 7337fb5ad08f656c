"""What the hub `modelscope` is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from docutune import Registration, hookimpl


class Config(BaseModel):
    """No options: MODELSCOPE_ENDPOINT, MODELSCOPE_CACHE and MODELSCOPE_API_TOKEN are for the hub's library."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@hookimpl
def docutune_hubs() -> list[Registration]:
    """The hub `modelscope`."""
    return [
        Registration(
            name="modelscope",
            revision=1,
            summary="ModelScope, or the server that MODELSCOPE_ENDPOINT names: modelscope:owner/name",
            config=Config,
            load="docutune.plugins.hubs.modelscope.fetch:ModelScope",
            requires=("modelscope_hub",),
            extra="docutune[modelscope]",
        )
    ]
