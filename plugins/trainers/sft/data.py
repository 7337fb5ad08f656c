"""Encoded rows as the dataset that SFTTrainer takes as it is."""

from __future__ import annotations

from typing import Any

from datasets import Dataset

from docutune.hf.encode import Encoding


def dataset(encoding: Encoding) -> Any:
    """Rows with labels of their own."""
    columns = {"input_ids": [row.input_ids for row in encoding.rows], "labels": [row.labels for row in encoding.rows]}
    return Dataset.from_dict(columns)
