"""What a training leaves: an adapter in PEFT format, or a whole model that needs no other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune.hf.load import Device
from docutune.hf.save import saving
from docutune.training import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def folder_of(config: TrainingConfig, model_folder: Path) -> Path:
    """Where in the model's folder it stands."""
    return model_folder / ("model" if config.tuning == "full" else "adapter")


def save(config: TrainingConfig, model: Any, tokenizer: PreTrainedTokenizerBase, where: Device, folder: Path) -> None:
    """Write what was trained. A whole model gets the numbers that it computes in, and its tokenizer beside it.

    DocutuneError when the disk is full.
    """
    if config.tuning == "lora":
        with saving(folder, (weights for weights in model.parameters() if weights.requires_grad)):
            model.save_pretrained(str(folder), save_embedding_layers=False)  # they are never trained
        return
    model.to(where.dtype)
    model.config.use_cache = True  # training needs no cache and turns it off
    with saving(folder, model.parameters()):
        model.save_pretrained(str(folder))
        tokenizer.save_pretrained(str(folder))
