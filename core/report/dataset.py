"""What the report says of a dataset version: counts by split, kind, language and reason, and how long samples are."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from docutune.corpus import Dataset
from docutune.records import Role, Sample
from docutune.report.facts import DatasetFacts, LengthBin, Lengths

_SHORTEST_BIN = 15  # characters; texts below that are one bin


def dataset_facts(dataset: Dataset, rejected: Iterable[str], page: str | None = None) -> DatasetFacts:
    """The facts of a dataset; `rejected` holds the reason of each sample that was left out before, `page` says more."""
    samples = [row.made.sample for row in dataset.rows]
    return DatasetFacts(
        version=dataset.version,
        samples=len(samples),
        facts=len({sample.fact for sample in samples}),
        train=len(dataset.of("train")),
        validation=len(dataset.of("validation")),
        test=len(dataset.of("test")),
        by_kind=_counted(sample.kind for sample in samples),
        by_language=_counted(sample.language for sample in samples),
        rejected=_counted(rejected),
        left_out=sum(row.split is None for row in dataset.rows),
        held_out=_counted(row.held_out for row in dataset.rows if row.split == "test" and row.held_out),
        lengths=tuple(_lengths(samples)),
        page=page,
    )


def _counted(values: Iterable[str]) -> Mapping[str, int]:
    return dict(Counter(values).most_common())


def _lengths(samples: Sequence[Sample]) -> Iterator[Lengths]:
    parts: tuple[tuple[str, Role], ...] = (("question", "user"), ("answer", "assistant"))
    for part, role in parts:
        found = [_characters(sample, role) for sample in samples]
        if found:
            yield Lengths(part, min(found), round(statistics.median(found)), max(found), tuple(_bins(found)))


def _characters(sample: Sample, role: Role) -> int:
    return sum(len(message.content) for message in sample.messages if message.role == role)


def _bins(lengths: Sequence[int]) -> Iterator[LengthBin]:
    """0 to 15, 16 to 31, 32 to 63 and so on, from the first to the last that holds a sample."""
    counts = Counter(max(length, _SHORTEST_BIN).bit_length() for length in lengths)
    for bits in range(min(counts), max(counts) + 1):
        shortest = 0 if bits == _SHORTEST_BIN.bit_length() else 2 ** (bits - 1)
        yield LengthBin(shortest, 2**bits - 1, counts[bits])
