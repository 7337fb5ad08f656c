"""The options that every trainer understands, so that the backend is one word in the pipeline file."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

TINY = "builtin/tiny"
"""The embedded base model: made on the spot from the sources, for smoke tests and machines without a network."""

TINY_REVISION = 2
"""Raised whenever the same sources would give another embedded base."""


class TrainingConfig(BaseModel):
    """What a trainer's `with:` may say. A backend adds its own options in a field named after itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decides_nothing: ClassVar[frozenset[str]] = frozenset(
        {"fit", "max_memory_gib", "max_left_out", "devices", "save_steps", "keep_checkpoints"}
    )

    shown_first: ClassVar[frozenset[str]] = frozenset(
        {"model", "tuning", "quantization", "lora_rank", "learning_rate", "epochs", "max_steps", "max_length"}
        | {"batch_size", "fit"}
    )
    """What a form shows before all else."""

    fuses: ClassVar[bool] = False
    """Whether the trainer's kernels recompute inside of layers, hold no logits in float32 and keep checkpointed
    activations in main memory: what memory.estimate has to know of it."""

    model: Annotated[
        str, Field(min_length=1, description="base model: a hub name, a folder, or builtin/tiny (made here)")
    ]
    tuning: Annotated[
        Literal["lora", "full"],
        Field(
            description="train low-rank adapters, or every weight of the model (for small ones; needs no quantization)"
        ),
    ] = "lora"
    quantization: Annotated[
        Literal["nf4", "int8", "none"],
        Field(description="how the frozen base is held in memory; nf4 (4 bit, doubly quantized) is QLoRA"),
    ] = "nf4"
    lora_rank: Annotated[int, Field(ge=1, le=1024, description="rank of the adapter's matrices")] = 16
    lora_alpha: Annotated[float | None, Field(gt=0, description="scale of the adapter; unset: twice the rank")] = None
    lora_dropout: Annotated[float, Field(ge=0, lt=1, description="share of adapter inputs dropped in training")] = 0.0
    lora_variant: Annotated[
        Literal["lora", "rslora", "dora"],
        Field(description="lora; rslora: scale by the root of the rank; dora: train magnitudes apart from directions"),
    ] = "lora"
    optimizer: Annotated[
        Literal["adamw_torch", "adamw_8bit", "paged_adamw_8bit"],
        Field(description="AdamW; the 8-bit ones save memory on a GPU, the paged one moves its state out when short"),
    ] = "adamw_torch"
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
    max_left_out: Annotated[
        float,
        Field(ge=0, le=1, description="largest share of samples longer than max_length; with more no training begins"),
    ] = 0.1
    batch_size: Annotated[
        int, Field(ge=1, description="rows per optimizer step on all devices together (the effective batch size)")
    ] = 8
    micro_batch_size: Annotated[
        int | None, Field(ge=1, description="rows per forward pass; divides batch_size; unset: all of it")
    ] = None
    packing: Annotated[
        bool, Field(description="fill rows of max_length with several whole samples, which do not see each other")
    ] = False
    gradient_checkpointing: Annotated[bool, Field(description="recompute activations to save memory")] = False
    fit: Annotated[
        Literal["check", "auto"],
        Field(
            description="before the first step: check that the longest row fits into memory, or also choose "
            "micro_batch_size and gradient_checkpointing so that it does, at the same effective batch size"
        ),
    ] = "check"
    max_memory_gib: Annotated[
        float | None, Field(gt=0, description="most memory of the GPU to use, in GiB; unset: all that is free")
    ] = None
    devices: Annotated[
        int | Literal["all"], Field(description="number of GPUs to train on, or all; the effective batch size stays")
    ] = 1
    system_prompt: Annotated[
        str | None, Field(min_length=1, description="put before conversations that have no system message of their own")
    ] = None
    thinking: Annotated[
        bool, Field(description="train and answer in the template's thinking mode, where it has one (Qwen3)")
    ] = False
    eval_steps: Annotated[
        int | None, Field(ge=1, description="optimizer steps between validation losses; unset: four times in all")
    ] = None
    early_stopping: Annotated[
        int | None, Field(ge=1, description="stop after so many validation losses without improvement; unset: never")
    ] = None
    keep: Annotated[
        Literal["best", "last"] | None,
        Field(description="weights to keep: of the best validation loss or the last; unset: best with early_stopping"),
    ] = None
    save_steps: Annotated[
        int | None, Field(ge=1, description="optimizer steps between checkpoints; unset: ten times in all")
    ] = None
    keep_checkpoints: Annotated[int, Field(ge=1, description="newest checkpoints to keep while training")] = 2
    seed: Annotated[int, Field(ge=0, lt=2**32, description="decides initialisation, order and dropout")] = 0

    @model_validator(mode="after")
    def _consistent(self) -> TrainingConfig:
        if self.epochs is not None and self.max_steps is not None:
            raise ValueError("give epochs or max_steps, not both")
        if self.micro_batch_size and self.batch_size % self.micro_batch_size:
            raise ValueError(f"micro_batch_size {self.micro_batch_size} does not divide batch_size {self.batch_size}")
        if self.tuning == "full" and self.quantization != "none":
            raise ValueError("tuning: full trains the weights themselves, so it needs quantization: none")
        if isinstance(self.devices, int) and self.devices < 1:
            raise ValueError("devices is a number of GPUs from 1 on, or all")
        return self

    @property
    def keeps_best(self) -> bool:
        """Whether the weights of the best validation loss are kept, not the last ones."""
        return self.keep == "best" or (self.keep is None and self.early_stopping is not None)

    @property
    def alpha(self) -> float:
        """The adapter's scale in force."""
        return self.lora_alpha if self.lora_alpha is not None else 2.0 * self.lora_rank

    def steps(self, rows: int) -> int:
        """Optimizer steps for that many rows of training data; the last, smaller batch of a pass counts as one."""
        if self.max_steps is not None:
            return self.max_steps
        epochs = self.epochs if self.epochs is not None else 3.0
        return max(1, round(epochs * -(-rows // self.batch_size)))
