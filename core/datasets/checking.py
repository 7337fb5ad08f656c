"""Looks at every row of the files of samples, the way a run will, before anything is made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.chat.options import ChatConfig
from docutune.config import SourceConfig, StepConfig
from docutune.datasets.curating import in_words, reasons
from docutune.datasets.reading import Remark, SampleFile, chosen, every_sample, places, read_files, where
from docutune.datasets.sources import Sources
from docutune.errors import UsageError
from docutune.hubs import Hubs
from docutune.records import Given, Sample
from docutune.registry import Registry
from docutune.steps.replay import as_replay
from docutune.suggestions import listed
from docutune.training import TINY, TrainingConfig


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: `rows` by file and split ("" where none is named), every problem, and what was not looked at."""

    rows: Mapping[str, Mapping[str, int]]
    problems: tuple[Remark, ...]
    notes: tuple[str, ...]


def check(pipeline: Path, files: Sequence[Path], registry: Registry) -> Checked:
    """Check the named files, or all files of samples that the pipeline reads.

    UsageError when there is none. Problems stand in the order of files and lines.
    """
    sources = Sources(pipeline, registry)
    entries = [SourceConfig(samples=path.absolute()) for path in files]
    found = sources.files(entries) if files else sources.files()
    if not found:
        hint = f"files of samples end in {listed(sorted(sources.parsers))}"
        where_from = " ".join(map(str, files)) or f"`sources:` of {pipeline}"
        raise UsageError(f"{where_from}: no file of questions and answers", hint)
    read = read_files(found, sources.parsers)
    problems = [remark for file in read for remark in file.remarks()]
    problems += [*_copies(read), *_curated(read, sources)]
    notes = [f"{step.uses} asks a chat model and was not tried" for step in sources.curators if _asks(step)]
    long: dict[str, Remark] = {}
    for training in {(item.model, item.max_length): item for item in sources.trainings}.values():
        for remark in _too_long(read, training, sources, notes):
            long.setdefault(remark.where, remark)  # small models of one kind have one tokenizer: once is enough
    problems += long.values()
    order = {file.file.shown: number for number, file in enumerate(read)}
    problems.sort(key=lambda item: (order[item.place.source], item.place.first_line, item.number))
    return Checked({file.file.shown: _by_split(file) for file in read}, tuple(problems), tuple(notes))


def _by_split(file: SampleFile) -> Mapping[str, int]:
    return Counter(file.split_of(given) or "" for given in file.parsed.samples)


def _copies(files: Sequence[SampleFile]) -> Iterator[Remark]:
    first: dict[str, tuple[Given, str | None]] = {}
    for file in files:
        for given in file.parsed.samples:
            split = file.split_of(given)
            known, other = first.setdefault(given.sample.id, (given, split))
            if known is not given:
                leak = f", which is in {other or 'no split'}" if other != split else ""
                same = where(known.span, known.row)
                yield Remark(given.span, f"duplicate: the same row as {same}{leak}", number=given.row)


def _asks(step: StepConfig) -> bool:
    return isinstance(step.options, ChatConfig)


def _curated(files: Sequence[SampleFile], sources: Sources) -> Iterator[Remark]:
    """What the curators of a run say; of those that ask a chat model nothing is known."""
    samples = every_sample(files)
    for given in (given for file in files if file.file.replay for given in file.parsed.samples):
        samples[given.sample.id] = as_replay(samples[given.sample.id])
    shown = places(files)
    rows = chosen(files)
    for name, (curator, reason) in reasons(list(samples.values()), sources.offline_curators, sources.registry).items():
        given = rows[name]
        yield Remark(given.span, f"{curator}: {in_words(reason, shown.get)}", number=given.row)


def _too_long(
    files: Sequence[SampleFile], training: TrainingConfig, sources: Sources, notes: list[str]
) -> Iterator[Remark]:
    """Rows whose text alone has more tokens than a training takes; the template adds a few more."""
    tokenizer = _tokenizer(training, sources, notes)
    if tokenizer is None:
        return
    for given in (given for file in files for given in file.parsed.samples):
        tokens = _tokens(tokenizer, given.sample)
        if tokens > training.max_length:
            limit = f"max_length {training.max_length:,} of {training.model}"
            yield Remark(given.span, f"too long: {tokens:,} tokens and more, {limit}", number=given.row)


def _tokenizer(training: TrainingConfig, sources: Sources, notes: list[str]) -> Any:
    """The base's tokenizer, or None and a note."""
    folder = sources.path.absolute().parent
    place = None if training.model == TINY else Hubs(sources.registry).on_disk(training.model, folder)
    if place is None or not (place / "tokenizer.json").is_file():
        notes.append(f"lengths in tokens were not looked at: the tokenizer of {training.model} is not on this disk")
        return None
    try:
        from tokenizers import Tokenizer
    except ImportError:
        notes.append("lengths in tokens were not looked at: pip install 'docutune[trl]'")
        return None
    return Tokenizer.from_file(str(place / "tokenizer.json"))


def _tokens(tokenizer: Any, sample: Sample) -> int:
    texts = [message.content for message in sample.messages]
    return sum(len(found.ids) for found in tokenizer.encode_batch(texts, add_special_tokens=False))
