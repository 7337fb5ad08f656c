"""What a trainer on SFTTrainer adds to the course that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from docutune.hf.load import Device
from docutune.plugins.trainers.sft.collate import Collate


class Backend(Protocol):
    """Loads the model to train. Everything else of a training is the same for all."""

    name: str
    revision: int

    def load(self, base: Path, where: Device, checkpointing: bool) -> Any:
        """The model of that folder, ready to train: a PeftModel with fresh adapters, or the whole model.

        The seed is set before. `checkpointing`: recompute activations.
        """

    def arguments(self) -> Mapping[str, Any]:
        """SFTConfig's arguments that this backend alone knows better."""

    def collate(self, model: Any, where: Device, pad: int) -> Collate:
        """How packed rows become batches that this backend's attention keeps apart; `pad` is the padding token."""
