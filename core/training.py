"""The options that every trainer understands, so that the backend is one word in the pipeline file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

TINY = "builtin/tiny"
"""The embedded base model: made on the spot from the sources, for smoke tests and machines without a network."""

TINY_REVISION = 1
"""Raised whenever the same sources would give another embedded base."""


class TrainingConfig(BaseModel):
    """What a trainer's `with:` may say. A backend adds its own options in a field named after itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[
        str, Field(min_length=1, description="base model: a hub name, a folder, or builtin/tiny (made here)")
    ]
    quantization: Annotated[
        Literal["nf4", "none"], Field(description="how the frozen base is held in memory; nf4 is QLoRA")
    ] = "nf4"
    lora_rank: Annotated[int, Field(ge=1, le=1024, description="rank of the adapter's matrices")] = 16
    lora_alpha: Annotated[float | None, Field(gt=0, description="scale of the adapter; unset: twice the rank")] = None
    lora_dropout: Annotated[float, Field(ge=0, lt=1, description="share of adapter inputs dropped in training")] = 0.0
    learning_rate: Annotated[float, Field(gt=0, lt=1, description="peak learning rate")] = 2e-4
    schedule: Annotated[
        Literal["cosine", "linear", "constant"], Field(description="how the learning rate falls after the warm-up")
    ] = "cosine"
    warmup_ratio: Annotated[float, Field(ge=0, lt=1, description="share of the steps in which the rate rises")] = 0.03
    weight_decay: Annotated[float, Field(ge=0, lt=1, description="weight decay of AdamW")] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0, description="gradients are clipped to this norm")] = 1.0
    epochs: Annotated[float | None, Field(gt=0, description="passes over the data; 3 if max_steps is unset")] = None
    max_steps: Annotated[int | None, Field(ge=1, description="optimizer steps; instead of epochs")] = None
    max_length: Annotated[int, Field(ge=16, description="longest sample in tokens; longer ones are reported")] = 1024
    batch_size: Annotated[int, Field(ge=1, description="samples per optimizer step (the effective batch size)")] = 8
    micro_batch_size: Annotated[
        int | None, Field(ge=1, description="samples per forward pass; divides batch_size; unset: all of it")
    ] = None
    gradient_checkpointing: Annotated[bool, Field(description="recompute activations to save memory")] = False
    seed: Annotated[int, Field(ge=0, lt=2**32, description="decides initialisation, order and dropout")] = 0

    @model_validator(mode="after")
    def _consistent(self) -> TrainingConfig:
        if self.epochs is not None and self.max_steps is not None:
            raise ValueError("give epochs or max_steps, not both")
        if self.micro_batch_size and self.batch_size % self.micro_batch_size:
            raise ValueError(f"micro_batch_size {self.micro_batch_size} does not divide batch_size {self.batch_size}")
        return self

    @property
    def alpha(self) -> float:
        """The adapter's scale in force."""
        return self.lora_alpha if self.lora_alpha is not None else 2.0 * self.lora_rank

    @property
    def accumulation_steps(self) -> int:
        """Forward passes per optimizer step."""
        return self.batch_size // (self.micro_batch_size or self.batch_size)

    def steps(self, rows: int) -> int:
        """Optimizer steps for that many rows of training data; the last, smaller batch of a pass counts as one."""
        if self.max_steps is not None:
            return self.max_steps
        epochs = self.epochs if self.epochs is not None else 3.0
        return max(1, round(epochs * -(-rows // self.batch_size)))
