"""What the trainer `unsloth` is."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator

from docutune import Registration, TrainingConfig, hookimpl

REVISION = 1
"""Raised whenever the same input would give another adapter."""


class Config(TrainingConfig):
    """The options of every trainer; unsloth adds none, and leaves what its kernels do not know to `trl`."""

    fuses: ClassVar[bool] = True

    @model_validator(mode="after")
    def _possible(self) -> Config:
        if self.tuning == "full":
            raise ValueError("unsloth trains adapters here; for tuning: full write `uses: trl`")
        if self.lora_variant == "dora":
            raise ValueError("unsloth's kernels know no DoRA; for lora_variant: dora write `uses: trl`")
        return self


@hookimpl
def docutune_trainers() -> list[Registration]:
    """The trainer `unsloth`."""
    return [
        Registration(
            name="unsloth",
            revision=REVISION,
            summary="QLoRA with unsloth's kernels under TRL's SFTTrainer, on an NVIDIA GPU",
            config=Config,
            load="docutune.plugins.trainers.unsloth.train:Unsloth",
            requires=(
                "torch",
                "transformers",
                "peft",
                "trl",
                "bitsandbytes",
                "datasets",
                "accelerate",
                "tensorboard",
                "unsloth",
                "unsloth_zoo",
            ),
            extra="docutune[unsloth]",
            needs_gpu=True,
            instead="trl",
        )
    ]
