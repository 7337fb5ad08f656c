"""What the exporter `ollama` is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, hookimpl


class Config(BaseModel):
    """What the Modelfile says beside the template."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    num_ctx: Annotated[
        int, Field(ge=128, description="longest conversation in tokens; never more than the model's own context")
    ] = 8192
    temperature: Annotated[float, Field(ge=0, description="0 answers as docutune does: the likeliest token")] = 0.0
    template: Annotated[
        str | None,
        Field(min_length=1, description="file with a TEMPLATE of your own, in place of the one that is worked out"),
    ] = None


@hookimpl
def docutune_exporters() -> list[Registration]:
    """The exporter `ollama`."""
    return [
        Registration(
            name="ollama",
            revision=1,
            summary="merged weights with a Modelfile: template, stop tokens, parameters, system prompt",
            config=Config,
            load="docutune.plugins.exporters.ollama.export:Ollama",
            requires=("transformers",),
            extra="docutune[trl]",
        )
    ]
