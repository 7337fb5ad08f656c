"""The answers: from something found to all that hangs together with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docutune.activity import true_state
from docutune.records import Span
from docutune.trace import uses
from docutune.trace.answers import (
    DatasetTrace,
    DocumentTrace,
    ModelTrace,
    RunTrace,
    SampleTrace,
    Share,
    SymbolBrief,
    SymbolTrace,
)
from docutune.trace.history import History, Run
from docutune.trace.rows import Row, quoted
from docutune.trace.sources import Sources
from docutune.trace.symbols import Entry, symbols_of

Lines = tuple[int, int]


@dataclass(frozen=True)
class Teller:
    """Tells of what was found. `only` is the run that the user chose to answer."""

    history: History
    sources: Sources
    only: Run | None

    def sample(self, name: str, hits: Mapping[str, Row]) -> SampleTrace:
        """A sample; `hits` are its rows by dataset version, those of the newest run first."""
        version, row = next(iter(hits.items()))
        run = self.only or self.history.source(version)[0]
        if self.only:
            row = next(self.history.own_rows(self.only, f'{{"id": {quoted(name)}'), row)
        shares = [uses.share(self.history, version, [found]) for version, found in hits.items()]
        return SampleTrace(
            id=name,
            split=row.split,
            kind=row.kind,
            fact=row.fact,
            symbols=row.symbols,
            language=row.language,
            messages=row.messages,
            producer=row.producer,
            task=row.task,
            model=row.model,
            run=run.id if run else None,
            places=tuple(self.sources.place(span, run) for span in row.spans),
            datasets=tuple(shares),
            models=uses.models(self.history, shares),
            runs=self._runs(shares),
        )

    def document(self, source: str, lines: Lines | None, run: Run) -> DocumentTrace:
        """A document as that run saw it."""
        seen = run.seen(source)
        assert seen is not None, "the run was chosen because it names the document"
        here = [row for row in self._from(source, run) if _touches(row.spans, source, lines)]
        wanted = None if lines is None else {row.id for row in here}
        shares = self._shares_of(source, wanted)
        symbols = [entry for entry in symbols_of(run, self.history.notes) if _touches([entry.span], source, lines)]
        return DocumentTrace(
            source=source,
            lines=lines,
            sha256=seen.sha256,
            state=self.sources.state(source, run),
            problems=seen.problems,
            run=run.id,
            symbols=tuple(
                SymbolBrief(entry.name, entry.kind, entry.public, entry.span.first_line, entry.span.last_line)
                for entry in symbols
            ),
            samples=uses.briefs(here),
            datasets=shares,
            models=uses.models(self.history, shares),
            runs=tuple(found.id for found in self.history.runs if source in found.documents),
        )

    def symbol(self, entry: Entry, run: Run) -> SymbolTrace:
        """A symbol as that run saw it."""
        needle = quoted(entry.name)
        rows = {
            version: [row for row in self.history.rows(version, needle) if entry.name in row.symbols]
            for version in self.history.versions
        }
        shares = [uses.share(self.history, version, found) for version, found in rows.items() if found]
        own = [row for row in self.history.own_rows(run, needle) if entry.name in row.symbols]
        return SymbolTrace(
            name=entry.name,
            kind=entry.kind,
            signature=entry.signature,
            public=entry.public,
            aliases=entry.aliases,
            place=self.sources.place(entry.span, run),
            run=run.id,
            samples=uses.briefs(own),
            datasets=tuple(shares),
            models=uses.models(self.history, shares),
            runs=self._runs(shares),
        )

    def model(self, key: str, run: Run) -> ModelTrace:
        """A model, as that run's manifest names it."""
        model = next(found for found in run.models if found.key == key)
        version = run.dataset or ""
        rows = list(self.history.rows(version)) if version in self.history.versions else []
        trained = [row for row in rows if row.split == "train"]
        source = self.history.source(version)[0] if version in self.history.versions else None
        described = self._described(model.adapter)
        return ModelTrace(
            name=model.name,
            key=key,
            trainer=model.trainer,
            base=model.base,
            base_digest=model.base_digest,
            folder=str((self.history.store.folder / model.adapter).parent),
            dataset=uses.share(self.history, version, rows),
            run=run.id,
            trained=uses.runs_of(self.history, key, "made") or tuple(described.get("run", "").split()),
            reused=uses.runs_of(self.history, key, "reused"),
            options=described.get("options", {}),
            training=described.get("figures", {}),
            figures=run.facts.get("figures", {}).get(model.name, {}),
            documents=uses.documents(trained, source, self.sources),
            samples=uses.briefs(row for row in rows if row.split),
        )

    def dataset(self, version: str) -> DatasetTrace:
        """A dataset version."""
        rows = list(self.history.rows(version))
        run = self.history.source(version)[0]
        if self.only:
            rows, run = list(self.history.own_rows(self.only)) or rows, self.only
        found = uses.share(self.history, version, rows)
        return DatasetTrace(
            version=version,
            splits=found.splits,
            run=run.id if run else None,
            documents=uses.documents((row for row in rows if row.split), run, self.sources),
            models=uses.models(self.history, [found]),
            runs=found.runs,
            samples=uses.briefs(rows),
        )

    def run(self, run: Run) -> RunTrace:
        """A run."""
        rows = list(self.history.own_rows(run)) or list(self.history.rows(run.dataset) if run.dataset else ())
        found = uses.share(self.history, run.dataset, rows) if run.dataset else None
        own = {model.key for model in run.models}
        facts = true_state(dict(run.facts), run.folder, self.history.store.live_run() == run.id)
        return RunTrace(
            id=run.id,
            project=run.project,
            docutune=str(facts.get("docutune", "")),
            started=str(facts.get("started", "")),
            outcome=str(facts.get("outcome", "")),
            pipeline=str(facts.get("pipeline", {}).get("file", "")),
            documents=uses.all_documents((row for row in rows if row.split), run, self.sources),
            dataset=found,
            models=tuple(model for model in uses.models(self.history, [found] if found else []) if model.key in own),
            trainings=tuple(facts.get("trainings", ())),
            failures=tuple(facts.get("failures", ())),
            figures=facts.get("figures", {}),
        )

    def _runs(self, shares: Sequence[Share]) -> tuple[str, ...]:
        """The runs of those versions, newest first."""
        known = {run for found in shares for run in found.runs}
        return tuple(run.id for run in self.history.runs if run.id in known)

    def _from(self, source: str, run: Run) -> list[Row]:
        rows = self.history.own_rows(run, f'"source": {quoted(source)}')
        return [row for row in rows if _touches(row.spans, source, None)]

    def _shares_of(self, source: str, wanted: set[str] | None) -> tuple[Share, ...]:
        """The versions with samples of the document, or with the wanted ones of them."""
        shares = []
        for version, runs in self.history.versions.items():
            run = next((run for run in runs if source in run.documents), None)
            rows = [row for row in self._from(source, run) if wanted is None or row.id in wanted] if run else []
            if rows:
                shares.append(uses.share(self.history, version, rows))
        return tuple(shares)

    def _described(self, adapter: str) -> Mapping[str, Any]:
        """What the model's folder says of itself; the manifest is enough where it is gone."""
        path = (self.history.store.folder / adapter).parent / "model.json"
        try:
            described = json.loads(path.read_text("utf-8"))
            return described if isinstance(described, dict) else {}
        except (OSError, ValueError) as error:
            self.history.notes.append(f"{path}: cannot be read: {error}")
            return {}


def _touches(spans: Sequence[Span], source: str, lines: Lines | None) -> bool:
    """Whether one of the spans is of that document and, where lines are given, has one of them."""
    first, last = lines or (0, 1 << 62)
    return any(span.source == source and span.first_line <= last and span.last_line >= first for span in spans)
