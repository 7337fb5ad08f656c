"""SFTTrainer as docutune drives it."""

from __future__ import annotations

from trl.trainer.sft_trainer import SFTTrainer  # in a process that imported unsloth, unsloth's


class Trainer(SFTTrainer):
    """SFTTrainer on rows that are encoded and labelled already."""
