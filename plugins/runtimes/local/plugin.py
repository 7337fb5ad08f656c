"""What the runtime `local` is."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, hookimpl


class Config(BaseModel):
    """How the model is held and how it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decides_no_completion: ClassVar[frozenset[str]] = frozenset({"batch_size", "max_new_tokens", "max_length"})
    """Options that change nothing of what the model writes for generators: their requests say how long a reply is."""

    quantization: Annotated[
        Literal["nf4", "int8", "none"],
        Field(description="how the model is held in memory, as in training; none suits one that was tuned in full"),
    ] = "nf4"
    batch_size: Annotated[int, Field(ge=1, description="prompts answered, or replies streamed, at once")] = 16
    max_new_tokens: Annotated[int, Field(ge=1, description="longest reply in tokens")] = 512
    max_length: Annotated[int, Field(ge=16, description="longest prompt in tokens; longer ones are refused")] = 8192


@hookimpl
def docutune_runtimes() -> list[Registration]:
    """The runtime `local`."""
    return [
        Registration(
            name="local",
            revision=2,
            summary="transformers on this machine's GPU or CPU; base and adapter from one load",
            config=Config,
            load="docutune.plugins.runtimes.local.serve:Local",
            requires=("torch", "transformers", "peft", "bitsandbytes", "accelerate"),
            extra="docutune[trl]",
        )
    ]
