"""Which rows go through which device in which pass: the same optimizer steps, however many devices there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from docutune.hf.encode import IGNORED
from docutune.plugins.trainers.sft.passes import Passes

Order = Callable[[int], Sequence[int]]
"""The rows of an epoch, in the order in which they are trained on."""


def shuffled(rows: int, seed: int) -> Order:
    """Anew in each epoch."""
    return lambda epoch: torch.randperm(rows, generator=_generator(seed, epoch)).tolist()


def by_length(lengths: Sequence[int], batch: int, seed: int) -> Order:
    """Rows of similar length stand together, the longest of all first; anew in each epoch."""
    grouped: Callable[..., list[int]] = get_length_grouped_indices
    return lambda epoch: grouped(lengths, batch, generator=_generator(seed, epoch))


def in_turn(rows: int) -> Order:
    """As they are."""
    return lambda epoch: range(rows)


class Batches(Sampler[list[int]]):
    """The rows of each forward pass of one device; index `rows` stands for a blank row.

    An optimizer step takes the next batch of rows, on however many devices. Each batch is cut into as many parts of
    equal size, give or take a row, as there are devices and passes; so the last, smaller batch of an epoch is shared
    too, no row counts twice, and every device makes as many passes as the others, which wait for each other in each.
    """

    def __init__(self, rows: int, passes: Passes, device: int, order: Order) -> None:
        self._rows = rows
        self._passes = passes
        self._device = device
        self._order = order
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called before each pass over the data, also by transformers and accelerate."""
        self._epoch = epoch

    def __len__(self) -> int:
        full, rest = divmod(self._rows, self._passes.batch)
        return full * self._passes.accumulation + self._passes_for(rest)

    def __iter__(self) -> Iterator[list[int]]:
        order = self._order(self._epoch)
        for start in range(0, self._rows, self._passes.batch):
            yield from self._mine(order[start : start + self._passes.batch])

    def _mine(self, batch: Sequence[int]) -> Iterator[list[int]]:
        devices = self._passes.devices
        parts = devices * self._passes_for(len(batch))
        for part in range(self._device, parts, devices):
            yield list(batch[len(batch) * part // parts : len(batch) * (part + 1) // parts]) or [self._rows]

    def _passes_for(self, rows: int) -> int:
        return -(-rows // (self._passes.devices * self._passes.micro))


class WithBlank:
    """A dataset, and after its last row a blank one: a token that bears no loss, for devices that get no row."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._blank = _blank(dataset[0])

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Any:
        return self._blank if index == len(self) else self._dataset[index]


def _blank(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {"input_ids": row["input_ids"][:1], "labels": [IGNORED], "seq_lengths": [1]}
    return {name: value for name, value in values.items() if name in row}


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed + epoch)
