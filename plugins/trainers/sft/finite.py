"""Stops a training whose loss or gradient is no number before the weights are touched, and saves the batch."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from docutune import atomic
from docutune.errors import DocutuneError
from docutune.hf.encode import IGNORED, encode, read_conversations
from docutune.plugins.trainers.sft import ranks
from docutune.records import JsonValue
from docutune.template import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FILE = "not-finite.json"

Ids = tuple[int, ...]
Lines = Callable[[], Mapping[Ids, Sequence[int]]]


def lines_of(tokenizer: PreTrainedTokenizerBase, template: Template, data: Path) -> dict[Ids, list[int]]:
    """Token ids of a row -> the lines (from 1) of the file that it comes from."""
    found: dict[Ids, list[int]] = {}
    for number, messages in enumerate(read_conversations(data), 1):
        for row in encode(tokenizer, template, messages):
            found.setdefault(tuple(row.input_ids), []).append(number)
    return found


class Watch:
    """Looks at every optimizer step between its gradient and its update; one look at the device each."""

    def __init__(self, folder: Path, data: Path, tokenizer: PreTrainedTokenizerBase, lines: Lines) -> None:
        """`lines` is asked only when something is wrong with a batch of `data`, which then goes into `folder`."""
        self._folder = folder
        self._data = data
        self._tokenizer = tokenizer
        self._lines = lines
        self._seen: list[tuple[Mapping[str, Any], torch.Tensor]] = []

    def begin(self) -> None:
        """A step begins."""
        self._seen = []

    def saw(self, inputs: Mapping[str, Any], loss: torch.Tensor) -> None:
        """A pass of the step, with its share of the loss."""
        self._seen.append((inputs, loss.detach()))

    def check(self, norm: torch.Tensor | float, step: int, scaled: bool) -> None:
        """DocutuneError when the loss or the gradient's norm of `step` is no number.

        `scaled`: the loss scale of float16 is being sought; the optimizer leaves such a step out by itself.
        """
        losses = torch.stack([loss.float().mean() for _, loss in self._seen])
        norms = torch.as_tensor(0.0 if scaled else norm, device=losses.device).float()
        if bool(torch.isfinite(losses).all() & torch.isfinite(norms)):
            return
        loss, gradient = float(losses.sum()), float(norms)
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"the gradient's norm is {gradient}"
        place = self._save(step, loss, gradient, losses.tolist())
        if ranks.count() > 1:  # each has saved its share, and any of them may hold the cause
            place = place.with_name(f"{Path(FILE).stem}*.json")
        damaged = "the weights of the base model may be damaged; else " if step == 1 else ""
        shared = "; each process has saved its own share of it there" if ranks.count() > 1 else ""
        raise DocutuneError(
            f"{what} at step {step}, whose batch is in {place}",
            f"{damaged}lower learning_rate, raise warmup_ratio, or leave out samples of that batch; "
            f"no weights were touched by this step, and earlier checkpoints stay{shared}",
        )

    def _save(self, step: int, loss: float, norm: float, losses: Sequence[float]) -> Path:
        number = ranks.number()
        place = self._folder / (f"{Path(FILE).stem}-{number}.json" if number else FILE)
        lines = self._lines()
        passes = [
            {"loss": str(part), "rows": self._rows(inputs, lines)}
            for (inputs, _), part in zip(self._seen, losses, strict=True)
        ]
        facts = {"step": step, "loss": str(loss), "gradient_norm": str(norm), "data": str(self._data), "passes": passes}
        atomic.write_text(place, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
        return place

    def _rows(self, inputs: Mapping[str, Any], lines: Mapping[Ids, Sequence[int]]) -> list[JsonValue]:
        rows: list[JsonValue] = []
        for ids, labels in _samples(inputs):
            trained = [label for label in labels if label != IGNORED]
            if trained:  # the rest is padding
                rows.append(
                    {
                        "lines": [*lines.get(tuple(ids), ())],
                        "text": str(self._tokenizer.decode(ids)),
                        "trained_text": str(self._tokenizer.decode(trained)),
                        "input_ids": [*ids],
                    }
                )
        return rows


def _samples(inputs: Mapping[str, Any]) -> list[tuple[list[int], list[int]]]:
    """Token ids and labels of every sample in a batch: without padding, and packed ones each by itself."""
    ids, labels = inputs["input_ids"].tolist(), inputs["labels"].tolist()
    if (mask := inputs.get("attention_mask")) is not None:
        kept = mask.bool().tolist()
        return [
            ([token for token, keep in zip(row, keeps, strict=True) if keep], _kept(said, keeps))
            for row, said, keeps in zip(ids, labels, kept, strict=True)
        ]
    return [
        (row[start:end], said[start:end])
        for row, said, positions in zip(ids, labels, inputs["position_ids"].tolist(), strict=True)
        for start, end in _segments(positions)
    ]


def _kept(labels: Sequence[int], keeps: Sequence[bool]) -> list[int]:
    return [label for label, keep in zip(labels, keeps, strict=True) if keep]


def _segments(positions: Sequence[int]) -> list[tuple[int, int]]:
    starts = [place for place, position in enumerate(positions) if position == 0]
    return list(zip(starts, [*starts[1:], len(positions)], strict=True))
