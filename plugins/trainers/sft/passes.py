"""How an optimizer step is cut into forward passes."""

from __future__ import annotations

from dataclasses import dataclass

from docutune.training import TrainingConfig


@dataclass(frozen=True, slots=True)
class Passes:
    """`micro` rows a forward pass on each of `devices`, `accumulation` passes a step; their product is the batch."""

    micro: int
    accumulation: int
    checkpointing: bool
    devices: int = 1

    @staticmethod
    def asked(config: TrainingConfig, devices: int = 1) -> Passes:
        """As the options say."""
        micro = config.micro_batch_size or config.batch_size
        return Passes(micro, config.batch_size // micro, config.gradient_checkpointing, devices)
