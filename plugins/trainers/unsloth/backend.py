"""The base and its adapters by unsloth's FastLanguageModel; imported once unsloth is (see train.py)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig
from unsloth import FastLanguageModel

from docutune.errors import DocutuneError
from docutune.hf.damage import naming_damage
from docutune.hf.load import Device
from docutune.plugins.trainers.sft.adapters import lora_options, make_plain
from docutune.plugins.trainers.sft.collate import Collate, Rows, joined, lengths
from docutune.plugins.trainers.unsloth.plugin import REVISION, Config


class Fast:
    """Implements sft.backend.Backend with unsloth."""

    name = "unsloth"
    revision = REVISION

    def __init__(self, config: Config) -> None:
        self._config = config

    def load(self, base: Path, where: Device, checkpointing: bool) -> Any:
        """The base with fresh adapters, as unsloth patches them; its checkpointing keeps activations in main memory."""
        config = self._config
        _check_positions(base, config)
        recompute = "unsloth" if checkpointing else False
        with naming_damage(base):
            model, _ = FastLanguageModel.from_pretrained(
                str(base),
                max_seq_length=config.max_length,
                dtype=where.dtype,
                load_in_4bit=config.quantization == "nf4",
                load_in_8bit=config.quantization == "int8",
                load_in_16bit=config.quantization == "none",
                device_map={"": where.name},
                use_exact_model_name=True,  # never a quantized copy from the hub in place of the base
                fix_tokenizer=False,  # the tokenizer is loaded by the course, as it is
                trust_remote_code=False,
                use_gradient_checkpointing=recompute,
                offload_embedding=False,
                random_state=config.seed,
                local_files_only=True,
            )
        adapted = FastLanguageModel.get_peft_model(
            model,
            **lora_options(config),
            use_gradient_checkpointing=recompute,
            random_state=config.seed,
        )
        adapted.peft_config["default"].auto_mapping = None  # nothing of unsloth
        _answer_in_passing(adapted)
        return make_plain(adapted, config.model)

    def arguments(self) -> Mapping[str, Any]:
        """The plain loss: TRL's own default replaces the model's head, which unsloth has replaced already."""
        return {"loss_type": "nll", "padding_free": False}

    def collate(self, model: Any, where: Device, pad: int) -> Collate:
        """All samples in one row; unsloth's attention reads where they end under a name of its own."""

        def collated(rows: Rows) -> dict[str, Any]:
            return {**joined(rows), "packed_seq_lengths": torch.tensor(lengths(rows), dtype=torch.int32)}

        return collated


def _check_positions(base: Path, config: Config) -> None:
    """unsloth would stretch the rotary embedding of the base without a word, and only while it trains."""
    described = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
    positions = getattr(described, "max_position_embeddings", None)
    if positions is not None and config.max_length > positions:
        raise DocutuneError(
            f"max_length {config.max_length} is more than the {positions} positions of {config.model}",
            f"lower max_length to {positions}",
        )


def _answer_in_passing(model: Any) -> None:
    """After answers, go on recomputing activations: unsloth stops that to generate, and resumes it only sometimes."""
    generate, recompute = model.generate, model._unsloth_gradient_checkpointing

    def generate_and_return(*arguments: Any, **named: Any) -> Any:
        try:
            return generate(*arguments, **named)
        finally:
            model.for_training(use_gradient_checkpointing=recompute)

    model.generate = generate_and_return
