"""SFTConfig from the options of a training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from trl.trainer.sft_config import SFTConfig

from docutune.hf.load import Device
from docutune.plugins.trainers.sft.passes import Passes
from docutune.training import TrainingConfig

_LOGS = 100  # points of the loss curve
_CHECKPOINTS = 10  # the last one at the end
_EVALUATIONS = 4  # of the validation loss, the last one at the end


def sft_arguments(
    config: TrainingConfig,
    passes: Passes,
    where: Device,
    rows: int,
    validates: bool,
    folder: Path,
    more: Mapping[str, Any],
) -> SFTConfig:
    """The arguments for that many rows of training data; `more` are those that the backend knows better."""
    steps = config.steps(rows)
    known: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": passes.micro,
        "per_device_eval_batch_size": passes.micro,
        "gradient_accumulation_steps": passes.accumulation,
        "gradient_checkpointing": passes.checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": round(config.warmup_ratio * steps),
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "optim": config.optimizer,
        "max_length": None,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "seed": config.seed,
        "data_seed": config.seed,
        "use_cpu": where.name == "cpu",
        "bf16": where.dtype == torch.bfloat16,
        "fp16": where.dtype == torch.float16,
        "eval_strategy": "steps" if validates else "no",
        "eval_steps": config.eval_steps or max(1, steps // _EVALUATIONS),
        "logging_steps": max(1, steps // _LOGS),
        "logging_nan_inf_filter": False,
        "include_num_input_tokens_seen": "non_padding",
        "save_strategy": "steps",
        "save_steps": config.save_steps or max(1, steps // _CHECKPOINTS),
        "report_to": "none",
        "disable_tqdm": True,
        "average_tokens_across_devices": True,
        "ddp_find_unused_parameters": False,
        "ddp_broadcast_buffers": False,
        "dataloader_pin_memory": where.name != "cpu",
    }
    return SFTConfig(**{**known, **more})
