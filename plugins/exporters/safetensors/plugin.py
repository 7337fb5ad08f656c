"""What the exporter `safetensors` is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from docutune import Registration, hookimpl


class Config(BaseModel):
    """It has no options: in which numbers weights are written is for every exporter the same choice."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@hookimpl
def docutune_exporters() -> list[Registration]:
    """The exporter `safetensors`."""
    return [
        Registration(
            name="safetensors",
            revision=1,
            summary="one model of whole weights in the Hugging Face format, for transformers, vLLM and the like",
            config=Config,
            load="docutune.plugins.exporters.safetensors.export:Safetensors",
        )
    ]
