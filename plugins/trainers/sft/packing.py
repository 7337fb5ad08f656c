"""Several whole samples in one row: best fit, longest first, so that the same samples always make the same rows."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from docutune.hf.encode import IGNORED, Encoded


@dataclass(frozen=True, slots=True)
class Packed:
    """A row of samples one after the other: ids, labels, and the length of each sample in tokens."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]
    lengths: tuple[int, ...]


def pack(rows: Sequence[Encoded], max_length: int) -> list[Packed]:
    """Rows of at most `max_length` tokens that hold every one of `rows` once and whole.

    Best fit decreasing (Johnson, 1973, doi:10.1145/800152.804907): each, from the longest to the shortest, goes where
    it leaves the least room; at most 11/9 of the fewest possible rows, and nothing is left to chance.
    """
    return [_joined([rows[index] for index in sorted(group)]) for group in _groups(rows, max_length)]


def _groups(rows: Sequence[Encoded], max_length: int) -> list[list[int]]:
    groups: list[list[int]] = []
    with_room: defaultdict[int, list[int]] = defaultdict(list)  # groups by the tokens that they can still take
    rooms: list[int] = []  # the keys of `with_room`, in order
    for index in sorted(range(len(rows)), key=lambda index: -len(rows[index].input_ids)):
        length = len(rows[index].input_ids)
        place = bisect_left(rooms, length)
        if place == len(rooms):
            groups.append([])
            room, group = max_length, len(groups) - 1
        else:
            room = rooms[place]
            group = with_room[room].pop()
            if not with_room[room]:
                rooms.pop(place)
        groups[group].append(index)
        if not with_room[room - length]:
            insort(rooms, room - length)
        with_room[room - length].append(group)
    return groups


def _joined(rows: Sequence[Encoded]) -> Packed:
    """No loss on a sample's first token: what stands before it is another sample."""
    return Packed(
        tuple(chain.from_iterable(row.input_ids for row in rows)),
        tuple(chain.from_iterable((IGNORED, *row.labels[1:]) for row in rows)),
        tuple(len(row.input_ids) for row in rows),
    )
