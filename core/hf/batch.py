"""Replies that are written in one batch, one token each at a time; they come and go at any token."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch.nn.functional import pad
from transformers.cache_utils import DynamicLayer

_CHUNK = 512  # tokens of a prompt that are read while other replies wait


class Row(Protocol):
    """One reply: `ids` are prompt and reply so far, `read` how many of them are in its own `cache`."""

    ids: list[int]
    read: int
    cache: Any

    def go_on(self, scores: torch.Tensor) -> None:
        """Choose the next token by the scores of shape (vocabulary,), and add it to `ids`."""


RowOf = TypeVar("RowOf", bound=Row)


class Batch(Generic[RowOf]):
    """Replies with one cache. Each began in a batch of its own, when its prompt had been read.

    `mask`, of shape (rows, tokens), is 0 before the beginning of a row that is shorter than another.
    """

    def __init__(self, row: RowOf) -> None:
        self.rows = [row]
        self._cache = row.cache
        self._mask = torch.ones((1, row.read), dtype=torch.long)

    @property
    def open(self) -> bool:
        """Whether others may join: where a layer keeps a window or a state, rows of other lengths do not fit beside."""
        return all(type(layer) is DynamicLayer for layer in self._cache.layers)

    def step(self, forward: Forward) -> None:
        """One more token for every row."""
        last = torch.tensor([[row.ids[-1]] for row in self.rows])
        self._mask = pad(self._mask, (0, 1), value=1)
        positions = self._mask.sum(dim=1, keepdim=True) - 1
        scores = forward(last, self._mask, positions, self._cache)
        for row, of_row in zip(self.rows, scores, strict=True):
            row.go_on(of_row)

    def join(self, other: Batch[RowOf]) -> None:
        """Take in the rows of another batch."""
        width = max(self._mask.shape[1], other._mask.shape[1])
        for mine, theirs in zip(self._cache.layers, other._cache.layers, strict=True):
            mine.keys = torch.cat([_widened(mine.keys, width), _widened(theirs.keys, width)])
            mine.values = torch.cat([_widened(mine.values, width), _widened(theirs.values, width)])
        masks = (self._mask, other._mask)
        self._mask = torch.cat([pad(mask, (width - mask.shape[1], 0)) for mask in masks])
        self.rows += other.rows

    def keep(self, wanted: Callable[[RowOf], bool]) -> None:
        """Drop the rows that are not wanted, and the columns that nobody needs any more."""
        chosen = [index for index, row in enumerate(self.rows) if wanted(row)]
        if len(chosen) == len(self.rows):
            return
        self.rows = [self.rows[index] for index in chosen]
        if not self.rows:
            return
        indices = torch.tensor(chosen)
        self._mask = self._mask[indices]
        self._cache.batch_select_indices(indices)
        unused = int(self._mask.any(dim=0).int().argmax())
        if unused:
            self._mask = self._mask[:, unused:]
            for layer in self._cache.layers:
                layer.keys, layer.values = layer.keys[:, :, unused:], layer.values[:, :, unused:]


class Forward:
    """A model's forward pass over a cache, with what this model takes of the usual arguments."""

    def __init__(self, model: Any) -> None:
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._takes = frozenset(inspect.signature(inner.forward).parameters)
        self._model = model

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any) -> torch.Tensor:
        """Scores of shape (rows, vocabulary) for what follows the last column of `ids`."""
        device = self._model.device
        usual = {"attention_mask": mask.to(device), "position_ids": positions.to(device), "logits_to_keep": 1}
        taken = {name: value for name, value in usual.items() if name in self._takes}
        made = self._model(input_ids=ids.to(device), past_key_values=cache, use_cache=True, **taken)
        scores: torch.Tensor = made.logits[:, -1]
        return scores


def read_on(forward: Forward, row: Row) -> torch.Tensor | None:
    """Read the next part of a row's prompt into its cache; the scores for its first token once all of it is read."""
    part = row.ids[row.read : row.read + _CHUNK]
    start, row.read = row.read, row.read + len(part)
    mask, positions = torch.ones((1, row.read), dtype=torch.long), torch.arange(start, row.read).unsqueeze(0)
    scores = forward(torch.tensor([part]), mask, positions, row.cache)
    return scores[0] if row.read == len(row.ids) else None


def _widened(states: torch.Tensor, width: int) -> torch.Tensor:
    """States of shape (rows, heads, tokens, size) with as many tokens as `width`, the new ones in front."""
    return pad(states, (0, 0, width - states.shape[2], 0))
