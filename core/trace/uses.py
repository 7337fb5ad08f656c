"""What was made with samples: the dataset versions that hold them, the models trained on those, their runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from docutune.trace.answers import DocumentBrief, ModelBrief, SampleBrief, Share
from docutune.trace.history import History, Run
from docutune.trace.rows import Row
from docutune.trace.sources import Sources

LEFT_OUT = "left out"
_ORDER = ("train", "validation", "test", LEFT_OUT)


def share(history: History, version: str, rows: Iterable[Row]) -> Share:
    """The traced samples in one version."""
    counts = Counter(row.split or LEFT_OUT for row in rows)
    ordered = {split: counts[split] for split in sorted(counts, key=_place)}
    return Share(version, ordered, tuple(run.id for run in history.versions.get(version, ())))


def models(history: History, shares: Sequence[Share]) -> tuple[ModelBrief, ...]:
    """The models of those versions, newest run first. A version that left the samples out trained none on them."""
    held = {found.version: found.splits for found in shares if set(found.splits) != {LEFT_OUT}}
    keys = dict.fromkeys(model.key for run in history.runs if run.dataset in held for model in run.models)
    return tuple(_brief(history, key, held) for key in keys)


def runs_of(history: History, key: str, status: str) -> tuple[str, ...]:
    """The runs, newest first, that "made" or "reused" the model with this key."""
    return tuple(
        run.id for run in history.runs if any(model.key == key and model.status == status for model in run.models)
    )


def briefs(rows: Iterable[Row]) -> tuple[SampleBrief, ...]:
    """The samples in short, in the order of their ids."""
    return tuple(
        SampleBrief(row.id, row.split, row.kind, row.fact, row.said("user"), tuple(map(str, row.spans)))
        for row in sorted(rows, key=lambda row: row.id)
    )


def documents(rows: Iterable[Row], run: Run | None, sources: Sources) -> tuple[DocumentBrief, ...]:
    """The documents that the samples come from."""
    counts = Counter(source for row in rows for source in {span.source for span in row.spans})
    return tuple(_document(source, counts[source], run, sources) for source in sorted(counts))


def all_documents(rows: Iterable[Row], run: Run, sources: Sources) -> tuple[DocumentBrief, ...]:
    """Every document of a run."""
    counts = Counter(source for row in rows for source in {span.source for span in row.spans})
    return tuple(_document(source, counts[source], run, sources) for source in run.documents)


def _document(source: str, count: int, run: Run | None, sources: Sources) -> DocumentBrief:
    seen = run.seen(source) if run else None
    return DocumentBrief(source, seen.sha256 if seen else "", sources.state(source, run), count)


def _brief(history: History, key: str, held: Mapping[str, Mapping[str, int]]) -> ModelBrief:
    found = ((model, run.dataset or "") for run in history.runs for model in run.models if model.key == key)
    model, version = next((model, version) for model, version in found if version in held)
    return ModelBrief(
        model.name,
        key,
        model.trainer,
        model.base,
        version,
        held[version],
        runs_of(history, key, "made"),
        runs_of(history, key, "reused"),
    )


def _place(split: str) -> int:
    return _ORDER.index(split) if split in _ORDER else len(_ORDER)
