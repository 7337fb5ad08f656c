"""What the exporter `gguf` is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, hookimpl


class Config(BaseModel):
    """Where the converter is, and in which numbers it writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    llama_cpp: Annotated[
        str | None,
        Field(min_length=1, description="folder of llama.cpp, or its convert_hf_to_gguf.py; unset: looked for on PATH"),
    ] = None
    python: Annotated[
        str | None, Field(min_length=1, description="interpreter that has what the converter needs; unset: docutune's")
    ] = None
    outtype: Annotated[
        Literal["f32", "f16", "bf16", "q8_0"], Field(description="numbers of the weights; q8_0 is 8 bit, quantized")
    ] = "f16"


@hookimpl
def docutune_exporters() -> list[Registration]:
    """The exporter `gguf`."""
    return [
        Registration(
            name="gguf",
            revision=1,
            summary="one GGUF file for llama.cpp, Ollama and LM Studio, by llama.cpp's converter where it is installed",
            config=Config,
            load="docutune.plugins.exporters.gguf.export:Gguf",
        )
    ]
