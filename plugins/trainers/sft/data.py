"""Encoded rows as the datasets that SFTTrainer takes as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from docutune.contracts import Context
from docutune.hf.encode import Encoded, Encoding
from docutune.plugins.trainers.sft.packing import Packed, pack
from docutune.training import TrainingConfig


@dataclass(frozen=True, slots=True)
class Data:
    """Datasets of input_ids and labels; with packing also of seq_lengths, which says where a row's samples end."""

    train: Any
    validation: Any | None


def prepared(config: TrainingConfig, encoded: Encoding, held_out: Encoding | None, context: Context) -> Data:
    """The rows to train on and those of the validation loss: packed or not, it is the mean over the same tokens."""
    if not config.packing:
        return Data(_dataset(encoded.rows), _dataset(held_out.rows) if held_out else None)
    validation = _with_lengths(pack(held_out.rows, config.max_length)) if held_out else None
    rows = pack(encoded.rows, config.max_length)
    context.note(f"{len(encoded.rows):,} samples packed into {len(rows):,} rows of at most {config.max_length} tokens")
    return Data(_with_lengths(rows), validation)


def _with_lengths(rows: Sequence[Packed]) -> Any:
    return Dataset.from_dict({**_columns(rows), "seq_lengths": [row.lengths for row in rows]})


def _dataset(rows: Sequence[Encoded]) -> Any:
    return Dataset.from_dict(_columns(rows))


def _columns(rows: Sequence[Encoded] | Sequence[Packed]) -> dict[str, Any]:
    return {"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]}
