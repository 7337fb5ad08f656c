"""Whether a model keeps packed samples apart: asked of the model itself, before it trains."""

from __future__ import annotations

from typing import Any

import torch

from docutune.errors import DocutuneError
from docutune.plugins.trainers.sft.collate import Collate
from docutune.plugins.trainers.sft.steady import aside

_SAMPLE = 8  # tokens
_ROUNDING = 1e-5  # share of the largest logit; where samples are apart, the difference is 0
_ROUNDING_INT8 = 0.02  # LLM.int8 chooses the columns to round by all rows of a batch


def check_apart(model: Any, collate: Collate, name: str) -> None:
    """DocutuneError when what a sample says changes with the sample before it in the same row.

    Attention that takes no note of positions, and layers with a state of their own (convolutions, recurrence), would
    train every sample as the continuation of a stranger, and no figure would show it.
    """
    with aside(model):
        difference = _difference(model, collate)
    if difference > (_ROUNDING_INT8 if getattr(inner(model), "is_loaded_in_8bit", False) else _ROUNDING):
        raise DocutuneError(f"the model {name} does not keep samples of one row apart", "set packing: false")


def inner(model: Any) -> Any:
    """The model itself, without PEFT's wrapping."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _difference(model: Any, collate: Collate) -> float:
    """How far the logits of a row's second sample move with the first, as a share of the largest."""
    where = model.get_input_embeddings().weight.device
    said = []
    for first in (1, 2):
        ids = [*[first] * _SAMPLE, *range(3, 3 + _SAMPLE)]
        batch = collate([{"input_ids": ids, "labels": ids, "seq_lengths": [_SAMPLE, _SAMPLE]}])
        given = {key: _moved(value, where) for key, value in batch.items() if key != "labels"}
        said.append(model(**given, use_cache=False).logits[0, _SAMPLE:].float())
    return float((said[0] - said[1]).abs().max() / said[0].abs().max().clamp(min=1e-6))


def _moved(value: Any, where: torch.device) -> Any:
    return value.to(where) if isinstance(value, torch.Tensor) else value
