"""QLoRA (arXiv:2305.14314): the base frozen in NF4, low-rank adapters on every linear layer, through SFTTrainer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.hf.load import Device, load_base
from docutune.plugins.trainers.sft import attention, course
from docutune.plugins.trainers.sft.adapters import lora_options, make_plain
from docutune.plugins.trainers.sft.collate import Collate
from docutune.plugins.trainers.trl.plugin import REVISION, Config
from docutune.records import ModelRef


class Trl:
    """Implements contracts.Trainer, and sft.backend.Backend with transformers and peft."""

    name = "trl"
    revision = REVISION

    def __init__(self, config: Config) -> None:
        self._config = config

    def train(self, train: Path, validation: Path | None, base: ModelRef, context: Context) -> ModelRef:
        """Train; the adapter, its template.json and its model card go to `context.folder`/adapter."""
        return course.train(self, self._config, train, validation, base, context)

    def load(self, base: Path, where: Device, checkpointing: bool) -> Any:
        """The base with fresh adapters; its embeddings and head keep the device's dtype: float32 would double them.

        With `tuning: full` the base itself.
        """
        config = self._config
        if config.lora_variant == "dora" and config.quantization == "int8" and where.name == "cpu":
            raise DocutuneError(
                "DoRA on a base in int8 does not train on the CPU: peft and bitsandbytes lose the scales of weights",
                "set quantization: nf4 or none, or train on a GPU",
            )
        loaded = load_base(base, config.quantization, where)
        if config.tuning == "full":
            return loaded
        return make_plain(
            get_peft_model(loaded, LoraConfig(task_type="CAUSAL_LM", **lora_options(config))), config.model
        )

    def arguments(self) -> Mapping[str, Any]:
        """How rows are drawn."""
        return {"train_sampling_strategy": "group_by_length" if self._config.trl.group_by_length else "random"}

    def collate(self, model: Any, where: Device, pad: int) -> Collate:
        """Packed rows as transformers' attention takes them."""
        return attention.collate(model, where, pad)
