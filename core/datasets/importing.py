"""Question-answer files of other people into a samples file of the pipeline: looked at first, then added."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docutune import atomic
from docutune.config import SourceConfig
from docutune.corpus import SPLITS
from docutune.datasets.curating import in_words, reasons_for_new
from docutune.datasets.drawing import drawn
from docutune.datasets.reading import (
    Remark,
    SampleFile,
    every_sample,
    places,
    rank,
    read_files,
    renamed,
    row_for,
    where,
)
from docutune.datasets.restore import recognised, restore
from docutune.datasets.samples_file import append, lines, writer
from docutune.datasets.sources import Sources
from docutune.errors import DocutuneError, UsageError
from docutune.records import Made, Origin, Span, Split, fingerprint
from docutune.registry import Registry
from docutune.steps.sources import SourceFile
from docutune.suggestions import listed
from docutune.versions import Version
from docutune.workspace import Store

TARGET = Path("samples/imported.jsonl")


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Files (and folders of files) to import, how to read them, and the shares to hold out of rows without a split.

    `question`, `answer` and `system_column` name columns; `system` is put before rows that have no system prompt;
    `encoding` None: found out. `to` None: the imported.jsonl that the pipeline lists, else samples/imported.jsonl.
    """

    files: tuple[Path, ...]
    to: Path | None = None
    question: str | None = None
    answer: str | None = None
    system_column: str | None = None
    system: str | None = None
    encoding: str | None = None
    validation: float = 0.1
    test: float = 0.05
    seed: int = 0

    @property
    def options(self) -> dict[str, str | None]:
        """Those of the parser."""
        named = {"question": self.question, "answer": self.answer, "system_column": self.system_column}
        return {**named, "system": self.system}


@dataclass(frozen=True, slots=True)
class Fresh:
    """A row to add; `number` is that of the row, where several stand on its line."""

    made: Made
    place: Span
    number: int = 0

    @property
    def where(self) -> str:
        """Its place as users read it."""
        return where(self.place, self.number)

    @property
    def split(self) -> Split | None:
        """Its split, as the file says or as was drawn."""
        return self.made.split


@dataclass(frozen=True)
class Preview:
    """What an import would do. `already` counts rows that stand in files of the pipeline; `exports` are files of whole
    dataset versions, which come back as such; `seen` names the state of those files.
    """

    files: tuple[SampleFile, ...]
    exports: tuple[Path, ...]
    target: Path
    fresh: tuple[Fresh, ...]
    already: int
    left_out: tuple[Remark, ...]
    remarks: tuple[Remark, ...]
    seen: str = field(repr=False)

    @property
    def sizes(self) -> dict[str, int]:
        """Rows to add, by split."""
        counts = Counter(item.split for item in self.fresh)
        return {split: counts[split] for split in SPLITS}


@dataclass(frozen=True, slots=True)
class Written:
    """What an import did. `listed`: "already", "added" or "by hand" (`lines` are what to write), "" without a pipeline.

    `kept`: the file with every row that was left out.
    """

    preview: Preview
    versions: tuple[Version, ...] = ()
    kept: Path | None = None
    listed: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Importing:
    """Imports into the pipeline of one file, which need not exist."""

    pipeline: Path
    store: Store
    registry: Registry

    @property
    def project(self) -> Path:
        """The folder of the pipeline file."""
        return self.pipeline.absolute().parent

    def refuse_unwritable(self, request: ImportRequest) -> None:
        """DocutuneError when nothing can be written here: what takes long is then not begun."""
        self.store.refuse_unwritable()
        folder = self._target(request, Sources(self.pipeline, self.registry)).parent
        if folder.is_dir() and not os.access(folder, os.W_OK):
            raise DocutuneError(f"{folder}: cannot be written to", "name another file with --to")

    def preview(self, request: ImportRequest) -> Preview:
        """Read the files and decide row by row; nothing is written. UsageError when a file gives nothing at all."""
        sources = Sources(self.pipeline, self.registry)
        exports = tuple(path for path in request.files if path.is_file() and recognised(path))
        rest = [path for path in request.files if path not in exports]
        files = read_files(_found(rest, sources), sources.parsers, request.options, request.encoding)
        _refuse(files, request)
        target = self._target(request, sources)
        there = read_files(sources.own_files(target), sources.parsers)
        return _decided(files, there, exports, target, request, sources)

    def write(self, request: ImportRequest, shown: Preview) -> Written:
        """Do what was shown; where the pipeline's samples have changed since, what is right now."""
        with writer(self.store):
            sources = Sources(self.pipeline, self.registry)
            now = _named(sources.own_files(shown.target))
            preview = shown if now == shown.seen else self.preview(request)
            project = sources.project
            versions = tuple(restore(path, self.store, project) for path in preview.exports)
            if preview.fresh:
                append(preview.target, [self._row(item) for item in preview.fresh])
            kept = self._keep(preview.left_out)
            listing = list_in_pipeline(self.pipeline, preview.target, self.registry)
        return Written(preview, versions, kept, *listing)

    def _target(self, request: ImportRequest, sources: Sources) -> Path:
        if request.to is not None:
            if request.to.suffix.lower() != ".jsonl":
                raise UsageError(f"--to {request.to}: no JSON Lines file", "name one that ends in .jsonl")
            refuse_missing_folder(request.to)
            return request.to.absolute()
        files = (file.path for file in sources.files() if file.path.name == TARGET.name)
        return next(files, self.project / TARGET)

    def _row(self, item: Fresh) -> dict[str, Any]:
        return row_for(item.made.sample, item.split, self._source(item.place))

    def _source(self, place: Span) -> str:
        """Where a row came from; of a file elsewhere the name alone: whose folder it was in is nobody's business."""
        path = Path(place.source).absolute()
        shown = path.relative_to(self.project).as_posix() if path.is_relative_to(self.project) else path.name
        return f"{shown}:{place.first_line}"

    def _keep(self, left_out: Sequence[Remark]) -> Path | None:
        if not left_out:
            return None
        content = lines([{**item.facts(), "row": item.row} for item in left_out])
        path = self.store.folder / "imports" / f"{hashlib.sha256(content).hexdigest()[:16]}.jsonl"
        atomic.write_bytes(path, content)
        return path


def list_in_pipeline(pipeline: Path, file: Path, registry: Registry) -> tuple[str, tuple[str, ...]]:
    """See to it that the pipeline reads a samples file: see Written."""
    sources = Sources(pipeline, registry)
    if not sources.exists or not file.exists():
        return "", ()
    if sources.reads(file):
        return "already", ()
    project = pipeline.absolute().parent
    place = (file.relative_to(project) if file.is_relative_to(project) else file).as_posix()
    if sources.add(place):
        return "added", ()
    return "by hand", sources.lines_for(place)


def refuse_missing_folder(file: Path) -> None:
    """UsageError when the folder that a user named is not there."""
    if not file.absolute().parent.is_dir():
        raise UsageError(f"--to {file}: no such folder: {file.parent}", "make it first, or name another file")


def _found(paths: Sequence[Path], sources: Sources) -> list[SourceFile]:
    """The files of samples in what was named, each under the name that the user gave it."""
    found: list[SourceFile] = []
    for path in paths:
        here = sources.files([SourceConfig(samples=path.absolute())])
        if not here:
            suffixes = listed(sorted(sources.parsers))
            raise UsageError(f"{path}: no file of questions and answers", f"files of samples end in {suffixes}")
        found += [renamed(file, _as_named(path, file.path)) for file in here]
    return found


def _as_named(path: Path, file: Path) -> str:
    return str(path / file.relative_to(path.resolve())) if path.is_dir() else str(path)


def _refuse(files: Sequence[SampleFile], request: ImportRequest) -> None:
    """UsageError when a file that was named gives nothing, all of a folder do, or a column is nowhere.

    One bad file in a folder is told, and the others are read.
    """
    named = {path.resolve() for path in request.files if path.is_file()}
    readable = [item for item in files if item.trouble is None]
    for item in files:
        if item.trouble is not None and (not readable or item.file.path.resolve() in named):
            raise UsageError(f"{item.file.shown}: {item.trouble}", _way_out(item))
    columns = list(dict.fromkeys(name for item in readable for name in item.parsed.fields))
    there = {name.strip().casefold() for name in columns}
    for name in (request.question, request.answer, request.system_column) if readable else ():
        if name and name.strip().casefold() not in there:
            raise UsageError(f"no column {name!r}; columns: {', '.join(columns)}", "name one of these")


def _way_out(item: SampleFile) -> str:
    trouble = item.trouble or ""
    if "columns" in trouble:
        return "docutune dataset import --question COLUMN --answer COLUMN names the columns"
    if "encoding" in trouble:
        return "docutune dataset import --encoding NAME says which it is"
    return "nothing was written; import the other files without it"


def _decided(
    files: Sequence[SampleFile],
    there: Sequence[SampleFile],
    exports: tuple[Path, ...],
    target: Path,
    request: ImportRequest,
    sources: Sources,
) -> Preview:
    old = every_sample(there)
    stands = places(there)
    fresh, copies, already = _once(files, old, stands)
    splits = drawn([item.made for item in fresh], list(old.values()), request.validation, request.test, request.seed)
    fresh = [replace(item, made=replace(item.made, split=splits[item.made.sample.id])) for item in fresh]
    given = [item.made for item in fresh]
    told = reasons_for_new(list(old.values()), given, sources.offline_curators, sources.registry)
    stands |= {item.made.sample.id: item.where for item in fresh}
    left_out = [*copies, *_rejected(fresh, told, stands)]
    remarks = [remark for file in files for remark in file.remarks()]
    left_out += _one_a_row(remark for remark in remarks if remark.lost)
    order = {file.file.shown: number for number, file in enumerate(files)}
    left_out.sort(key=lambda item: (order[item.place.source], item.place.first_line, item.number))
    kept = (item for item in fresh if item.made.sample.id not in told)
    rows = sorted(kept, key=lambda item: (order[item.place.source], item.place.first_line, item.number))
    noted = tuple(remark for remark in remarks if not remark.lost)
    return Preview(
        tuple(files), exports, target, tuple(rows), already, tuple(left_out), noted, _named(item.file for item in there)
    )


def _one_a_row(remarks: Iterable[Remark]) -> list[Remark]:
    """The first remark on each row, with the reasons of all."""
    found: dict[str, Remark] = {}
    for remark in remarks:
        known = found.get(remark.where)
        reason = remark.reason if known is None else f"{known.reason}; {remark.reason}"
        found[remark.where] = replace(known or remark, reason=reason)
    return list(found.values())


def _once(
    files: Sequence[SampleFile], old: Mapping[str, Made], stands: Mapping[str, str]
) -> tuple[list[Fresh], list[Remark], int]:
    """Every new sample once, the held-out copy first; its copies; and how many of the rows are there already."""
    new: dict[str, Fresh] = {}
    copies: list[Remark] = []
    already = 0
    rows = [
        Fresh(Made(given.sample, Origin((given.span,), "", "import"), file.split_of(given)), given.span, given.row)
        for file in files
        for given in file.parsed.samples
    ]
    for item in sorted(rows, key=lambda item: rank(item.made)):
        name = item.made.sample.id
        if name in old:
            there = old[name]
            if item.split in (None, there.split) or there.split is None:
                already += 1
            else:
                copies.append(_remark(item, f"in {stands[name]} already, as {there.split}"))
        elif name in new:
            copies.append(_remark(item, f"duplicate: the same row as {new[name].where}"))
        else:
            new[name] = item
    return list(new.values()), copies, already


def _rejected(
    fresh: Sequence[Fresh], told: Mapping[str, tuple[str, str]], places: Mapping[str, str]
) -> Iterator[Remark]:
    for item in fresh:
        name = item.made.sample.id
        if name in told:
            curator, reason = told[name]
            yield _remark(item, f"{curator}: {in_words(reason, places.get)}")


def _remark(item: Fresh, reason: str) -> Remark:
    return Remark(item.place, reason, row_for(item.made.sample, item.split, ""), number=item.number)


def _named(files: Iterator[SourceFile] | Sequence[SourceFile]) -> str:
    return fingerprint([[file.shown, file.digest] for file in files])
