"""Low-rank adapters as the options describe them, the same under every backend, and what is trained without any."""

from __future__ import annotations

from typing import Any

from docutune.training import TrainingConfig


def lora_options(config: TrainingConfig) -> dict[str, Any]:
    """Arguments of peft's LoraConfig: LoRA (arXiv:2106.09685), rsLoRA (arXiv:2312.03732) or DoRA (arXiv:2402.09353)."""
    return {
        "r": config.lora_rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.lora_dropout,
        "target_modules": "all-linear",
        "use_rslora": config.lora_variant == "rslora",
        "use_dora": config.lora_variant == "dora",
    }


def make_plain(model: Any, name: str) -> Any:
    """The PeftModel with a configuration that plain PEFT reads anywhere: the base's name, and no path of this machine.

    A set's order differs from process to process: the module names are sorted.
    """
    adapter = model.peft_config["default"]
    adapter.base_model_name_or_path = name
    adapter.target_modules = sorted(adapter.target_modules)
    return model
