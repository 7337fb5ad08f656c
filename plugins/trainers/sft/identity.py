"""What a training must agree on with the checkpoint that it goes on from, field by field."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from docutune.hf.load import Device
from docutune.plugins.trainers.sft.backend import Backend
from docutune.plugins.trainers.sft.data import Data
from docutune.plugins.trainers.sft.passes import Passes
from docutune.records import JsonValue, ModelRef, to_json
from docutune.template import Template
from docutune.training import TrainingConfig

_ELSEWHERE = {"model", "epochs", "max_steps"}  # the base's digest and the number of steps say what these decide


def identity(
    backend: Backend,
    config: TrainingConfig,
    data: Data,
    template: Template,
    base: ModelRef,
    where: Device,
    passes: Passes,
) -> dict[str, JsonValue]:
    """Every option that decides something, and what the options do not say: data, template, base and machine."""
    options = config.model_dump(mode="json", exclude={*_ELSEWHERE, *config.decides_nothing})
    return {
        "training rows": _digest(data.train),
        "validation rows": _digest(data.validation) if data.validation is not None else None,
        "chat template": template.digest,
        "base model": base.digest,
        "trainer": backend.name,
        "trainer's revision": backend.revision,
        "steps": config.steps(len(data.train)),
        **dict(_flat(options)),
        "lora_alpha": config.alpha,
        "micro_batch_size": passes.micro,
        "accumulation": passes.accumulation,
        "gradient_checkpointing": passes.checkpointing,
        "processes": passes.devices,
        "device": where.name.partition(":")[0],
        "dtype": str(where.dtype).removeprefix("torch."),
    }


def passes_of(identity: Mapping[str, JsonValue]) -> Passes:
    """How the training of a checkpoint cut its steps."""
    return Passes(
        micro=int(str(identity["micro_batch_size"])),
        accumulation=int(str(identity["accumulation"])),
        checkpointing=bool(identity["gradient_checkpointing"]),
        devices=int(str(identity["processes"])),
    )


def _flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, to_json(value)


def _digest(rows: Any) -> str:
    """SHA-256 of a dataset of integer columns: every column of every row, in their order."""
    digest = hashlib.sha256()
    for row in rows:
        for name in sorted(row):
            digest.update(f"{name} {len(row[name])}:".encode() + array("q", row[name]).tobytes())
    return digest.hexdigest()
