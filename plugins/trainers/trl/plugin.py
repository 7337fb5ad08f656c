"""What the trainer `trl` is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, TrainingConfig, hookimpl

REVISION = 3
"""Raised whenever the same input would give another adapter."""


class TrlOptions(BaseModel):
    """What only this trainer has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group_by_length: Annotated[
        bool, Field(description="put samples of similar length into one batch: less padding, less random order")
    ] = False


class Config(TrainingConfig):
    """The options of every trainer, and those of this one under `trl:`."""

    trl: Annotated[TrlOptions, Field(description="options of this trainer alone")] = TrlOptions()


@hookimpl
def docutune_trainers() -> list[Registration]:
    """The trainer `trl`."""
    return [
        Registration(
            name="trl",
            revision=REVISION,
            summary="QLoRA with TRL's SFTTrainer, on a GPU or the CPU",
            config=Config,
            load="docutune.plugins.trainers.trl.train:Trl",
            requires=("torch", "transformers", "peft", "trl", "bitsandbytes", "datasets", "accelerate", "tensorboard"),
            extra="docutune[trl]",
            several_devices=True,
        )
    ]
