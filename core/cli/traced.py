"""The text form of what `docutune trace` finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from itertools import islice

from docutune.trace import (
    Answer,
    DatasetTrace,
    DocumentTrace,
    ModelTrace,
    RunTrace,
    SampleTrace,
    SymbolTrace,
)
from docutune.trace.answers import DocumentBrief, ModelBrief, Place, SampleBrief, Share

_RUNS, _LINES, _SAMPLES, _DOCUMENTS = 3, 12, 20, 20
_QUESTION, _FIELD = 70, 400
_CONTROL = dict.fromkeys([*range(9), *range(10, 32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")


@singledispatch
def show(answer: Answer) -> Iterator[str]:
    """The lines to print; the JSON form has what is left out here."""
    raise TypeError(f"{type(answer).__name__} has no text form")


@show.register
def _(answer: SampleTrace) -> Iterator[str]:
    yield f"sample {answer.id}: {answer.kind}, {answer.language}, {answer.split or 'left out of the dataset'}"
    for role, name in (("user", "question"), ("assistant", "answer")):
        said = next((turn["content"] for turn in reversed(answer.messages) if turn["role"] == role), "")
        yield _field(name, said)
    yield _field("fact", answer.fact)
    yield _field("symbols", ", ".join(answer.symbols) or "-")
    writer = f", written by {answer.model}" if answer.model else ""
    yield _field("made by", f"{answer.producer or 'unknown'}{writer}, task {answer.task[:16] or '-'}")
    yield _field("as of", f"run {answer.run}" if answer.run else "its dataset alone: no run here tells its origin")
    for place in answer.places:
        yield from _place(place)
    yield from _uses(answer.datasets, answer.models, answer.runs)


@show.register
def _(answer: DocumentTrace) -> Iterator[str]:
    lines = "" if answer.lines is None else f":{answer.lines[0]}-{answer.lines[1]}"
    yield f"document {answer.source}{lines}: {_state(answer.state)} run {answer.run}"
    yield _field("sha256", answer.sha256 or "-")
    for problem in answer.problems:
        yield _field("problem", problem)
    for symbol in answer.symbols[:_SAMPLES]:
        hidden = "" if symbol.public else ", not public"
        yield _field("symbol", f"{symbol.name}, {symbol.kind}{hidden}, lines {symbol.first_line}-{symbol.last_line}")
    yield from _more(len(answer.symbols) - _SAMPLES, "symbol")
    yield from _samples(answer.samples)
    yield from _uses(answer.datasets, answer.models, answer.runs)


@show.register
def _(answer: SymbolTrace) -> Iterator[str]:
    hidden = "" if answer.public else ", not public"
    yield f"symbol {answer.name}: {answer.kind}{hidden}"
    yield _field("signature", answer.signature)
    if answer.aliases:
        yield _field("also", ", ".join(answer.aliases))
    yield _field("as of", f"run {answer.run}")
    yield from _place(answer.place)
    yield from _samples(answer.samples)
    yield from _uses(answer.datasets, answer.models, answer.runs)


@show.register
def _(answer: ModelTrace) -> Iterator[str]:
    yield f"model {answer.name}: {answer.trainer} on {answer.base}"
    yield _field("key", answer.key)
    yield _field("folder", answer.folder)
    yield _field("base", f"{answer.base}, digest {answer.base_digest}")
    yield _field("dataset", f"{answer.dataset.version}: {_counts(answer.dataset.splits)}")
    yield _field("trained", f"by run {_some(answer.trained)}" if answer.trained else "by a run that is not here")
    if answer.reused:
        yield _field("reused", f"by run {_some(answer.reused)}")
    yield from _figures(answer.name, answer.figures)
    yield from _documents("trained on", answer.documents)
    yield _field("samples", f"{answer.dataset.splits.get('train', 0):,} to train on; --json lists them")


@show.register
def _(answer: DatasetTrace) -> Iterator[str]:
    yield f"dataset {answer.version}: {_counts(answer.splits)}"
    yield _field("as of", f"run {answer.run}" if answer.run else "its own files: no run here tells the origins")
    yield from _documents("made of", answer.documents)
    yield from _uses((), answer.models, answer.runs)


@show.register
def _(answer: RunTrace) -> Iterator[str]:
    yield f"run {answer.id} of {answer.project}: {answer.outcome}"
    yield _field("started", f"{answer.started}, docutune {answer.docutune}")
    yield _field("pipeline", f"{answer.pipeline}, as it was: runs/{answer.id}/pipeline.yaml")
    yield from _documents("read", answer.documents)
    yield from _uses((answer.dataset,) if answer.dataset else (), answer.models, ())
    for failure in answer.failures:
        yield _field("failed", f"{failure.get('step')}: {failure.get('message')}")
    for name, figures in answer.figures.items():
        if isinstance(figures, Mapping):
            yield from _figures(name, figures)


def _uses(datasets: Sequence[Share], models: Sequence[ModelBrief], runs: Sequence[str]) -> Iterator[str]:
    for found in datasets:
        yield _field("dataset", f"{found.version}: {_counts(found.splits)}")
    for model in models:
        runs_of = model.trained or model.reused
        place = f"{model.trainer} on {model.base}, dataset {model.dataset}: {_counts(model.splits)}"
        yield _field("model", f"{model.name} {model.key[:16]}, {place}, run {_some(runs_of)}")
    if runs:
        yield _field("runs", _some(runs))


def _samples(samples: Sequence[SampleBrief]) -> Iterator[str]:
    if not samples:
        yield "no samples come from here"
        return
    yield _many(len(samples), "sample")
    for sample in samples[:_SAMPLES]:
        place = plain(", ".join(sample.spans[:2]))
        yield f"  {sample.id}  {sample.split or 'left out':<10}  {place}  {_short(sample.question, _QUESTION)}"
    yield from _more(len(samples) - _SAMPLES, "sample")


def _documents(title: str, documents: Sequence[DocumentBrief]) -> Iterator[str]:
    yield _field(title, _many(len(documents), "document"))
    for document in documents[:_DOCUMENTS]:
        state = "" if document.state == "unchanged" else f", {document.state} since"
        yield f"    {plain(document.source)}: {_many(document.samples, 'sample')}{state}"
    yield from _more(len(documents) - _DOCUMENTS, "document")


def _figures(name: str, evaluators: Mapping[str, object]) -> Iterator[str]:
    """One line a metric: base, tuned and what was made of the difference."""
    for evaluator, figures in evaluators.items():
        for figure in figures if isinstance(figures, list) else ():
            values = f"{figure['base']:.3f} -> {figure['tuned']:.3f}, {figure['verdict']}"
            yield _field("figure", f"{name}, {evaluator}, {figure['metric']}: {values}")


def _place(place: Place) -> Iterator[str]:
    title = f"from {plain(place.source)}:{place.first_line}-{place.last_line}"
    if place.state != "unchanged":
        yield f"{title}: {_state(place.state)} that run, so its lines are not shown"
        return
    yield title
    for number, line in islice(enumerate(place.lines, place.first_line), _LINES):
        yield f"{number:>6}  {plain(line)}".rstrip()
    yield from _more(len(place.lines) - _LINES, "line")


def _state(state: str) -> str:
    """The state before "run ...": the sentence goes on with the run."""
    words = {"unchanged": "as seen by", "changed": "changed since", "gone": "gone since"}
    return words.get(state, "cannot be compared with what was seen by")


def _counts(splits: Mapping[str, int]) -> str:
    """ "69 train, 2 validation", or the split alone of a single sample."""
    if sum(splits.values()) == 1:
        return next(split for split, count in splits.items() if count)
    return ", ".join(f"{count:,} {split}" for split, count in splits.items()) or "its rows are gone"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _some(runs: Sequence[str]) -> str:
    more = f" and {len(runs) - _RUNS} more" if len(runs) > _RUNS else ""
    return ", ".join(runs[:_RUNS]) + more


def _more(count: int, thing: str) -> Iterator[str]:
    if count > 0:
        yield f"  ... {count:,} more {thing}{'' if count == 1 else 's'}"


def _field(name: str, text: str) -> str:
    return f"  {name:<11}{_short(text, _FIELD)}"


def _short(text: str, width: int) -> str:
    line = plain(" ".join(text.split()))
    return line if len(line) <= width else f"{line[: width - 3]}..."


def plain(text: str) -> str:
    """The text without control characters: what stands in a source must not steer a terminal."""
    return text.translate(_CONTROL)
