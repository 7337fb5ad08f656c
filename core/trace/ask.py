"""What the user means by a word: a sample, a document, a symbol, a model, a dataset version or a run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docutune.errors import UsageError
from docutune.suggestions import did_you_mean, listed
from docutune.trace.answers import Answer, Trace
from docutune.trace.history import History, Run
from docutune.trace.rows import Row
from docutune.trace.sources import Sources
from docutune.trace.symbols import Entry, symbols_of
from docutune.trace.tell import Lines, Teller
from docutune.workspace import Store, read_manifest

_RUN = re.compile(r"\d{8}-\d{6}(-\d+)?")
_DIGITS = re.compile(r"[0-9a-f]{6,64}")
_LINES = re.compile(r"(?P<path>.+):(?P<first>\d+)(?:-(?P<last>\d+))?")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Found:
    """Something that the word may mean; `exact` when it is its whole name."""

    kind: str
    name: str
    exact: bool
    tell: Callable[[], Answer]


def trace(store: Store, what: str, run: str | None = None, here: Path | None = None) -> Trace:
    """Trace WHAT, in the eyes of the newest run that knows it or of the one named. Paths may start from `here`.

    "KIND:NAME" says what is meant where a word means two things. Raises UsageError when nothing or more than one thing
    bears the name.
    """
    history = History(store)
    only = None if run is None else _run(history, run)
    finder = _Finder(history, only, (here or Path.cwd()).resolve())
    kind, _, rest = what.partition(":")
    kinds = finder.kinds()
    asked = {kind: kinds[kind]} if kind in kinds and rest else kinds
    name = rest if kind in kinds and rest else what
    if not name.strip():
        raise UsageError("there is no name to trace", "e.g. docutune trace docs/guide.md")
    found = [item for find in asked.values() for item in find(name)]
    if not found and asked is not kinds:
        raise finder.unknown_of(kind, name)
    chosen = _one(name, found, finder)
    return Trace(chosen.tell(), tuple(dict.fromkeys(history.notes)))


def _run(history: History, name: str) -> Run:
    folder = history.store.run_folder(name)
    run = next((run for run in history.runs if run.folder == folder), None)
    if run is None:
        read_manifest(folder)  # says what is wrong with it
        raise UsageError(f"{folder / 'manifest.json'} is damaged", "choose another run: docutune status lists them")
    return run


def _one(name: str, found: list[Found], finder: _Finder) -> Found:
    exact = [item for item in found if item.exact]
    choice = exact or found
    if not choice:
        raise finder.unknown(name)
    if len(choice) > 1:
        names = [f"{item.kind} {item.name[:24]}" for item in choice[:_SHOWN]]
        more = [f"{len(choice) - _SHOWN} more"] if len(choice) > _SHOWN else []
        ways = f"docutune trace {choice[0].kind}:{name}" if exact else "give more digits"
        raise UsageError(f"{name!r} may mean {', '.join([*names, *more])}", f"say which: {ways}")
    return choice[0]


@dataclass(frozen=True)
class _Finder:
    """Looks a word up, kind by kind, in all runs or in the chosen one."""

    history: History
    only: Run | None
    here: Path

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that may answer, newest first."""
        return self.history.runs if self.only is None else (self.only,)

    @property
    def teller(self) -> Teller:
        """Tells of what is found."""
        return Teller(self.history, Sources(self._project), self.only)

    @property
    def _project(self) -> Path:
        return self.history.store.folder.parent

    def kinds(self) -> Mapping[str, Callable[[str], Iterator[Found]]]:
        """Every kind with its search, quick ones first."""
        return {
            "run": self._run,
            "document": self._document,
            "model": self._model,
            "dataset": self._dataset,
            "symbol": self._symbol,
            "sample": self._sample,
        }

    def unknown(self, name: str) -> UsageError:
        """The way out of a word that nothing bears."""
        known = sorted(set().union(*self._names().values()))
        return self._unknown("sample, document, symbol, model, dataset version or run", name, known)

    def unknown_of(self, kind: str, name: str) -> UsageError:
        """The way out of a word that nothing of this kind bears: what does, where something does."""
        noun = "dataset version" if kind == "dataset" else kind
        bearers = [item.kind for other, find in self.kinds().items() if other != kind for item in find(name)]
        if not bearers:
            return self._unknown(noun, name, sorted(self._names().get(kind, ())))
        return UsageError(f"{name!r} is no {noun} but a {bearers[0]}", f"docutune trace {bearers[0]}:{name}")

    def _unknown(self, nouns: str, name: str, known: list[str]) -> UsageError:
        if not self.history.runs:
            self.history.store.run_folder(None)  # says so when there is no run
        where = f"run {self.only.id}" if self.only else "this workspace"
        message = f"{name!r} is no {nouns} of {where}"
        tails = [item for item in known if item.endswith((f"/{name}", f".{name}"))][:3]
        meant = f"; did you mean {listed(tails)}?" if tails else did_you_mean(name, known)
        return UsageError(f"{message}{meant}", "an id may be shortened to 6 digits; docutune status lists the runs")

    def _names(self) -> Mapping[str, set[str]]:
        run = next((run for run in self.runs if run.documents), None)
        symbols = symbols_of(run, self.history.notes) if run else ()
        return {
            "run": {run.id for run in self.runs},
            "document": {source for run in self.runs for source in run.documents},
            "model": {model.name for run in self.runs for model in run.models},
            "symbol": {entry.name for entry in symbols},
        }

    def _run(self, name: str) -> Iterator[Found]:
        if name == "latest" or _RUN.fullmatch(name):
            run = _run(self.history, name)
            if self.only not in (None, run):
                raise UsageError(f"--run {self.only.id} and {name} are two runs", "leave one of them out")
            yield Found("run", run.id, True, lambda: self.teller.run(run))

    def _document(self, name: str) -> Iterator[Found]:
        lines: Lines | None = None
        source = self._source(name)
        if source is None and (match := _LINES.fullmatch(name)):
            source = self._source(match["path"])
            lines = _lines(name, match) if source else None
        if source is not None:
            run = self._knowing(source)
            self._check_lines(source, lines, run)
            yield Found("document", source, True, lambda: self.teller.document(source, lines, run))

    def _check_lines(self, source: str, lines: Lines | None, run: Run) -> None:
        count = self.teller.sources.line_count(source, run) if lines else None
        if lines and count is not None and lines[0] > count:
            has = "1 line" if count == 1 else f"{count:,} lines"
            raise UsageError(
                f"{source} has {has}, so there is no line {lines[0]}", "name one that it has, or only the document"
            )

    def _source(self, path: str) -> str | None:
        """The document of that path, from the current folder or from the pipeline file's."""
        typed = os.path.relpath((self.here / path).resolve(), self._project.resolve())
        ways = (PurePosixPath(typed).as_posix(), os.path.normpath(path))
        return next((way for way in ways for run in self.runs if way in run.documents), None)

    def _knowing(self, source: str) -> Run:
        """The newest run that read the document, one that came to a dataset first."""
        runs = [run for run in self.runs if source in run.documents]
        return next((run for run in runs if run.dataset), runs[0])

    def _symbol(self, name: str) -> Iterator[Found]:
        if "/" in name:
            return
        for run in sorted(self.runs, key=lambda run: run.dataset is None):
            entries = symbols_of(run, self.history.notes, name)
            if entries:
                yield self._found_symbol(next((entry for entry in entries if entry.name == name), entries[0]), run)
                return

    def _found_symbol(self, entry: Entry, run: Run) -> Found:
        return Found("symbol", entry.name, True, lambda: self.teller.symbol(entry, run))

    def _model(self, name: str) -> Iterator[Found]:
        keys: set[str] = set()
        named = False
        for run in self.runs:
            for model in run.models:
                exact = model.name == name and not named
                short = bool(_DIGITS.fullmatch(name)) and model.key.startswith(name)
                if (exact or short) and model.key not in keys:
                    keys.add(model.key)
                    named = named or exact
                    yield self._found_model(model.key, run, exact)

    def _found_model(self, key: str, run: Run, exact: bool) -> Found:
        return Found("model", key, exact, lambda: self.teller.model(key, run))

    def _dataset(self, name: str) -> Iterator[Found]:
        if not _DIGITS.fullmatch(name):
            return
        for version in self.history.versions:
            if version.startswith(name) and self.only in (None, *self.history.versions[version]):
                yield self._found_dataset(version, version == name)

    def _found_dataset(self, version: str, exact: bool) -> Found:
        return Found("dataset", version, exact, lambda: self.teller.dataset(version))

    def _sample(self, name: str) -> Iterator[Found]:
        if not _DIGITS.fullmatch(name):
            return
        hits: dict[str, dict[str, Row]] = {}
        for version in self.history.versions:
            for row in self.history.rows(version, f'{{"id": "{name}'):
                hits.setdefault(row.id, {})[version] = row
        for sample, rows in hits.items():
            if self.only is None or self.only.dataset in rows:
                yield self._found_sample(sample, rows, sample == name)

    def _found_sample(self, name: str, rows: Mapping[str, Row], exact: bool) -> Found:
        return Found("sample", name, exact, lambda: self.teller.sample(name, rows))


def _lines(name: str, match: re.Match[str]) -> Lines:
    first, last = int(match["first"]), int(match["last"] or match["first"])
    if not 1 <= first <= last:
        raise UsageError(f"{name}: lines count from 1 and go up", "e.g. docs/guide.md:3 or docs/guide.md:3-9")
    return first, last
