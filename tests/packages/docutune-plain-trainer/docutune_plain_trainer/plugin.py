"""What the trainer `plain` is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, TrainingConfig, hookimpl


class PlainOptions(BaseModel):
    """What only this trainer has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    optimizer: Annotated[Literal["adamw", "sgd"], Field(description="adamw, or plain gradient descent")] = "adamw"


class Config(TrainingConfig):
    """The options of every trainer, and those of this one under `plain:`."""

    plain: Annotated[PlainOptions, Field(description="options of this trainer alone")] = PlainOptions()


@hookimpl
def docutune_trainers() -> list[Registration]:
    """Offer the trainer."""
    return [
        Registration(
            name="plain",
            revision=1,
            summary="QLoRA in a plain PyTorch loop",
            config=Config,
            load="docutune_plain_trainer.train:Plain",
            requires=("torch", "transformers", "peft", "bitsandbytes"),
            extra="docutune[trl]",
        )
    ]
