"""Files of samples as their parsers read them: every row with its lines, and every row that gives none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from docutune.config import StepConfig
from docutune.encodings import decoded
from docutune.errors import UsageError
from docutune.records import Given, JsonValue, Made, Origin, Parsed, Sample, Span, Split, from_json, to_json
from docutune.steps.parse import shown
from docutune.steps.parse_file import Work, parse_all
from docutune.steps.sources import SourceFile

_OF_ROWS = re.compile(r"lines? (\d+)(?:-(\d+))?(?: \(row (\d+)\))?: (.+)", re.DOTALL)
_LINE_END = re.compile(r"\r\n|\r|\n")
_EVERY_ROW = 10**9
_BINARY = {".xlsx"}
_HELD_OUT_FIRST: tuple[Split | None, ...] = ("test", "validation", "train", None)


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong at a place of a file; `row` is what stands there, as text or as its messages.

    `lost`: nothing of the row is used. `number`: that of the row, where several stand on its line.
    """

    place: Span
    reason: str
    row: JsonValue = None
    lost: bool = True
    number: int = 0

    @property
    def where(self) -> str:
        """File and line as users read them."""
        return where(self.place, self.number)

    def facts(self) -> dict[str, JsonValue]:
        """For a program."""
        lines = {"line": self.place.first_line, "last_line": self.place.last_line}
        row = {"row_number": self.number} if self.number else {}
        return {"file": self.place.source, **lines, **row, "reason": self.reason}


@dataclass(frozen=True)
class SampleFile:
    """A file of samples that was read. `lines` are those of its text, none where it is not one.

    `trouble` is why nothing can be read.
    """

    file: SourceFile
    encoding: str
    parsed: Parsed
    lines: Sequence[str] = field(default=(), repr=False)
    trouble: str | None = None

    @property
    def rows(self) -> int:
        """How many rows there are, bad ones too."""
        lost = {(remark.place, remark.number) for remark in self.remarks() if remark.lost}
        return len(self.parsed.samples) + len(lost)

    def remarks(self) -> Iterator[Remark]:
        """What the parser found wrong, row by row; a word on a row that gave a sample says that it is not lost."""
        if self.trouble is not None:
            yield Remark(Span(self.file.shown, 1, 1), f"nothing can be read: {self.trouble}", lost=False)
            return
        used = {(given.span.first_line, given.row) for given in self.parsed.samples}
        for problem in self.parsed.problems:
            found = _OF_ROWS.fullmatch(problem)
            first = int(found[1]) if found else 1
            last = int(found[2] or first) if found else 1
            number = int(found[3] or 0) if found else 0
            reason = found[4] if found else problem
            row = "\n".join(self.lines[first - 1 : last]) if found and not number else None
            lost = bool(found) and (first, number) not in used
            yield Remark(Span(self.file.shown, first, last), reason, row, lost, number)

    def split_of(self, given: Given) -> Split | None:
        """What the row says, else the pipeline or the file's name."""
        return given.split or self.file.split


def read_files(
    files: Sequence[SourceFile],
    parsers: Mapping[str, StepConfig],
    options: Mapping[str, str | None] | None = None,
    encoding: str | None = None,
) -> list[SampleFile]:
    """Parse files of samples in child processes, every bad row told.

    With `options` (those of the parsers, None: unset) in place of the pipeline's the encoding of text is found out,
    unless it is named. Without, files are read just as a run reads them.
    """
    opened = [_opened(file, options is not None, encoding) for file in files]
    readable = [(file, text.content) for file, text in zip(files, opened, strict=True) if text.trouble is None]
    work = [_work(parsers[file.claim[1]], file, content, options) for file, content in readable]
    values = parse_all(work, min(4, os.cpu_count() or 1, len(work))) if work else iter(())
    return [
        SampleFile(file, text.encoding, Parsed(), text.lines, text.trouble)
        if text.trouble is not None
        else _read(file, text, from_json(Parsed, next(values)[0]))
        for file, text in zip(files, opened, strict=True)
    ]


def _read(file: SourceFile, text: _Text, parsed: Parsed) -> SampleFile:
    told = parsed.problems[0] if len(parsed.problems) == 1 and not parsed.samples else ""
    trouble = None if not told or _OF_ROWS.match(told) else told.removeprefix("not read: ")
    return SampleFile(file, text.encoding, shown(parsed, file.shown), text.lines, trouble)


@dataclass(frozen=True, slots=True)
class _Text:
    """What a parser is given of a file, the encoding's name, the lines, and why there is nothing to give."""

    content: bytes
    encoding: str = ""
    lines: Sequence[str] = ()
    trouble: str | None = None


def _opened(file: SourceFile, find_out: bool, encoding: str | None) -> _Text:
    if file.path.suffix.lower() in _BINARY:
        return _Text(file.content)
    try:
        text, name = decoded(file.content, encoding)
    except ValueError as error:
        if find_out:
            return _Text(b"", trouble=str(error))
        text, name = file.content.decode("utf-8", "replace"), ""
    return _Text(text.encode() if find_out else file.content, name, _LINE_END.split(text))


def _work(step: StepConfig, file: SourceFile, content: bytes, options: Mapping[str, str | None] | None) -> Work:
    registration = step.entry.registration
    chosen = step.options if options is None else _options(step, options)
    if "listed" in registration.config.model_fields:
        chosen = chosen.model_copy(update={"listed": _EVERY_ROW})
    plugin = f"{step.entry} of {step.entry.package} {step.entry.version}"
    return Work(plugin, registration.load, registration.config, chosen.model_dump_json(), content, file.path.name)


def _options(step: StepConfig, options: Mapping[str, str | None]) -> BaseModel:
    """The parser's options; UsageError when it does not take one of them."""
    config = step.entry.registration.config
    given = {name: value for name, value in options.items() if value is not None}
    unknown = sorted(given.keys() - config.model_fields.keys())
    if unknown:
        raise UsageError(f"{step.entry} has no option {unknown[0]!r}", f"docutune plugins info {step.uses}")
    try:
        return config.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def row_for(sample: Sample, split: Split | None, source: str) -> dict[str, Any]:
    """A sample as a row of a file: its messages, where it comes from, and all its fields if docutune had made it."""
    row: dict[str, Any] = {"messages": to_json(sample.messages)}
    if split is not None:
        row["split"] = split
    if sample.kind != "question-answer" or not sample.fact.startswith("pair:"):
        fields = {"kind": sample.kind, "fact": sample.fact, "symbols": list(sample.symbols)}
        row |= {**fields, "language": sample.language}
    return {**row, "source": source} if source else row


def every_sample(files: Sequence[SampleFile]) -> dict[str, Made]:
    """Every sample of some files once, with its place; of copies in several splits the held-out one counts."""
    return {name: made for name, (made, _) in _every(files).items()}


def places(files: Sequence[SampleFile]) -> dict[str, str]:
    """Where each sample of `every_sample` stands, as users read it."""
    return {name: where(given.span, given.row) for name, given in chosen(files).items()}


def chosen(files: Sequence[SampleFile]) -> dict[str, Given]:
    """The row of each sample of `every_sample`."""
    return {name: given for name, (_, given) in _every(files).items()}


def _every(files: Sequence[SampleFile]) -> dict[str, tuple[Made, Given]]:
    found: dict[str, tuple[Made, Given]] = {}
    for file, given in ((item, given) for item in files for given in item.parsed.samples):
        made = Made(given.sample, Origin((given.span,), "", "pairs"), file.split_of(given))
        known = found.get(given.sample.id)
        if known is None or rank(made) < rank(known[0]):
            found[given.sample.id] = made, given
    return found


def rank(made: Made) -> int:
    """The place of its split when the held-out copy is to come first."""
    return _HELD_OUT_FIRST.index(made.split)


def where(place: Span, number: int = 0) -> str:
    """File and line as users read them, and the number of the row where the line has several."""
    return f"{place.source}:{place.first_line}" + (f" (row {number})" if number else "")


def renamed(file: SourceFile, name: str) -> SourceFile:
    """The same under another name for users."""
    return replace(file, shown=name)
