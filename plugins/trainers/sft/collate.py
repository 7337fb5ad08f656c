"""Packed rows as a batch: positions begin anew at each sample, which is how a model keeps samples apart.

transformers makes a mask for that of positions where a batch has no attention mask; so no batch here has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

import torch

from docutune.hf.encode import IGNORED

Rows = Sequence[Mapping[str, Sequence[int]]]
"""Rows of data.packed: input_ids, labels, seq_lengths."""

Collate = Callable[[Rows], dict[str, Any]]


def padded(pad: int) -> Collate:
    """Batches of (rows, longest row): a mask of one row's square per row. Padding stands apart, like a sample."""

    def collate(rows: Rows) -> dict[str, Any]:
        longest = max(len(row["input_ids"]) for row in rows)

        def filled(row: Sequence[int], value: int) -> list[int]:
            return [*row, *[value] * (longest - len(row))]

        each = ([*row["seq_lengths"], longest - len(row["input_ids"])] for row in rows)
        return {
            "input_ids": torch.tensor([filled(row["input_ids"], pad) for row in rows]),
            "labels": torch.tensor([filled(row["labels"], IGNORED) for row in rows]),
            "position_ids": torch.tensor([positions(parts) for parts in each]),
        }

    return collate


def joined(rows: Rows) -> dict[str, Any]:
    """Batches of (1, all tokens): no padding, no mask."""
    return {
        "input_ids": torch.tensor([list(chain.from_iterable(row["input_ids"] for row in rows))]),
        "labels": torch.tensor([list(chain.from_iterable(row["labels"] for row in rows))]),
        "position_ids": torch.tensor([positions(lengths(rows))]),
    }


def flat(rows: Rows) -> dict[str, Any]:
    """The same with the boundaries of samples, under the names that transformers hands to flash attention."""
    each = lengths(rows)
    starts = torch.tensor([0, *accumulate(each)], dtype=torch.int32)
    ends = {"cu_seq_lens_q": starts, "cu_seq_lens_k": starts, "max_length_q": max(each), "max_length_k": max(each)}
    return {**joined(rows), **ends}


def lengths(rows: Rows) -> list[int]:
    """The length of every sample of a batch, in tokens."""
    return list(chain.from_iterable(row["seq_lengths"] for row in rows))


def positions(each: Sequence[int]) -> list[int]:
    """The position of every token in its own sample, of samples of these lengths."""
    return list(chain.from_iterable(range(length) for length in each))
