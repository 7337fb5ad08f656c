"""What the processes of a training on several devices settle together; on one device every answer is its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import torch
from torch import distributed

T = TypeVar("T")


def number() -> int:
    """This process's, from 0; the first one alone writes and tells."""
    return distributed.get_rank() if _several() else 0


def count() -> int:
    """How many there are."""
    return distributed.get_world_size() if _several() else 1


def any_of(flag: bool) -> bool:
    """Whether `flag` is set in any of them. Every one has to ask, as often as the others."""
    return most(float(flag)) > 0


def most(value: float) -> float:
    """The largest of their values. Every one has to ask, as often as the others."""
    if not _several():
        return value
    values = torch.tensor([value], dtype=torch.float64)
    distributed.all_reduce(values, distributed.ReduceOp.MAX)
    return float(values)


def total(*values: float) -> tuple[float, ...]:
    """The sum of each of their values. Every one has to ask, as often as the others."""
    if not _several():
        return values
    sums = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(sums)
    return tuple(sums.tolist())


def gathered(value: T) -> list[T]:
    """Their values, in the order of their numbers. Every one has to ask, as often as the others."""
    if not _several():
        return [value]
    values: list[T] = [value] * count()
    distributed.all_gather_object(values, value)
    return values


def of_first(find: Callable[[], T]) -> T:
    """What the first of them finds; the others wait for it."""
    if not _several():
        return find()
    found = [None if number() else find()]
    distributed.broadcast_object_list(found)
    return cast(T, found[0])


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized()
