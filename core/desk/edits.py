"""What somebody makes of a sample: versions never change, so the new one goes into a samples file of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from docutune.config import load
from docutune.corpus import Row
from docutune.datasets.curating import in_words, reasons_for_new
from docutune.datasets.importing import list_in_pipeline
from docutune.datasets.reading import every_sample, read_files, row_for, where
from docutune.datasets.samples_file import append, change, lines, writer
from docutune.datasets.sources import Sources
from docutune.desk import waiting
from docutune.desk.file import PipelineFile
from docutune.desk.samples import Samples
from docutune.desk.waiting import Waiting
from docutune.errors import UsageError
from docutune.rated import export, merged
from docutune.ratings import Ratings
from docutune.records import Made, Origin, Span
from docutune.steps.sources import SourceFile

TARGET = Path("samples/edited.jsonl")
RATINGS = Path("ratings.jsonl")


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of an edit: file and line of the new sample, and what else has to be written by hand.

    `by_hand`: lines for the pipeline file, where it could not be changed safely. `complaint`: why a run would leave the
    new sample out; nothing was written then. `back`: the old text was saved, so that the edit is gone.
    """

    place: str = ""
    by_hand: tuple[str, ...] = ()
    complaint: str | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class Edits:
    """Edits of samples, and ratings put into force, for the pipeline file of one workspace."""

    file: PipelineFile
    samples: Samples

    @property
    def taken(self) -> str | None:
        """The version that the pipeline file names with `dataset:`: while it does, no run takes up an edit."""
        if not self.file.path.is_file():
            return None
        chosen = load(self.file.path, self.file.registry).dataset
        return None if chosen is None else chosen.name

    @property
    def target(self) -> Path:
        """The samples file of edits, from the folder of the workspace."""
        return TARGET

    def waiting(self, sample: str) -> Waiting | None:
        """The edit of a sample that no version has yet: another one takes its place, and it can be taken back."""
        return waiting.find(self._target, self.samples.store, sample)

    def save(self, version: str, sample: str, texts: Sequence[str], anyway: bool = False) -> Edited:
        """Write the sample with these texts of its messages down, rate the old one bad and put that into force.

        An edit of it that waits for a run is replaced, or with the old texts taken back. What a run would leave out is
        written only with `anyway`. UsageError when it is no sample at all or nothing was changed, ConfigError when the
        pipeline file is not right: nothing is written then.
        """
        load(self.file.path, self.file.registry)
        row, known = self.samples.one(version, sample), self.waiting(sample)
        old = tuple(message.content for message in row.made.sample.messages)
        if known is not None and old == tuple(texts):
            self.take_back(version, sample)
            return Edited(back=True)
        if tuple(texts) == (known.texts if known is not None else old):
            raise UsageError("nothing was changed", "change a text, then save")
        made, complaint = self._made(row, texts, known, anyway)
        if complaint is not None:
            return Edited(complaint=complaint)
        place, by_hand = self._write(row, made, known)
        if known is None:
            self._rate_old(version, row)
        if any(rating.verdict == "bad" for rating in self.samples.ratings(made.sample.id)):
            self.samples.judge(made.sample, "good", "")  # what was called bad before is what somebody wants now
        self.leave_out_bad()
        return Edited(place, by_hand)

    def take_back(self, version: str, sample: str) -> None:
        """Forget the edit of a sample that no version has yet, and rate the sample as it was rated before.

        UsageError when there is none.
        """
        load(self.file.path, self.file.registry)
        old, known = self.samples.one(version, sample).made.sample, self.waiting(sample)
        if known is None:
            raise UsageError("there is no edit to take back", "a version that has one stays as it is")
        with writer(self.samples.store):
            change(self._target, known.line, None)
        if known.verdict is not None or known.note:
            self.samples.judge(old, known.verdict, known.note)
        elif (rating := self.samples.said(sample)) is not None:
            Ratings(self.samples.store).take_back(rating)
        self.leave_out_bad(forgotten=sample)

    def leave_out_bad(self, forgotten: str | None = None) -> tuple[Path, int]:
        """Let runs leave out what was called bad: the file of ratings that the pipeline names, and how many it holds.

        What others wrote into that file stays, and what is there without a name of any sample but the one `forgotten`.
        ConfigError when the pipeline file is not right.
        """
        config = load(self.file.path, self.file.registry)
        path = config.ratings or self.file.project / RATINGS
        own = [rating for rating in Ratings(self.samples.store).all() if rating.subject == "sample"]
        held = {rating.id for rating in own if rating.rater is None}
        gone = ("sample", forgotten, None) if forgotten not in held else None
        kept = (rating for rating in merged(path, own) if (rating.subject, rating.id, rating.rater) != gone)
        count = export(kept, path)
        if config.ratings is None:
            self.file.save_ratings(str(RATINGS))
        return path, count

    @property
    def _target(self) -> Path:
        return self.file.project / TARGET

    def _write(self, row: Row, made: Made, known: Waiting | None) -> tuple[str, tuple[str, ...]]:
        """Where the new sample stands now, and what to write by hand."""
        old = row.made.sample.id
        source = str(row.made.origin.spans[0]) if row.made.origin.spans else ""
        before = known if known is not None else self.samples.said(old)
        written = {**row_for(made.sample, row.split, source), **waiting.mark(old, made.sample.id, before)}
        with writer(self.samples.store):
            line = append(self._target, [written]) if known is None else change(self._target, known.line, written)
            listed, by_hand = list_in_pipeline(self.file.path, self._target, self.file.registry)
        return f"{TARGET}:{line}", by_hand if listed == "by hand" else ()

    def _rate_old(self, version: str, row: Row) -> None:
        """Bad, with the reason that was told before, if any, beside what became of it."""
        sample = row.made.sample.id
        before = self.samples.said(sample)
        note = "; ".join(filter(None, [before.note if before is not None else "", f"edited: {TARGET}"]))
        self.samples.rate(version, sample, "bad", note)

    def _made(self, row: Row, texts: Sequence[str], replaced: Waiting | None, anyway: bool) -> tuple[Made, str | None]:
        """The sample that the parser makes of the edited row and, unless `anyway`, why a run would leave it out."""
        old = row.made.sample
        messages = tuple(replace(message, content=text) for message, text in zip(old.messages, texts, strict=True))
        sources = Sources(self.file.path, self.file.registry)
        content = lines([row_for(replace(old, messages=messages), row.split, "")])
        typed = SourceFile(self._target, "what was typed", self._target.name, content, "samples")
        own = () if anyway else sources.own_files(self._target)
        read, *others = read_files([typed, *own], sources.parsers)
        if not read.parsed.samples:
            problem = read.trouble or next((remark.reason for remark in read.remarks()), "no sample")
            raise UsageError(f"what was typed: {problem}", "leave no text empty")
        made = Made(read.parsed.samples[0].sample, Origin((Span(str(TARGET), 1, 1),), "", "edit"), row.split)
        gone = {old.id, replaced.id if replaced is not None else old.id}
        known = {name: item for name, item in every_sample(others).items() if name not in gone}
        return made, None if anyway else _complaint(made, known, sources)


def _complaint(made: Made, known: Mapping[str, Made], sources: Sources) -> str | None:
    name = made.sample.id
    if name in known:
        return f"the same stands in {where(known[name].origin.spans[0])} already"
    told = reasons_for_new(list(known.values()), [made], sources.offline_curators, sources.registry).get(name)
    places = {name: where(item.origin.spans[0]) for name, item in known.items()}
    return in_words(told[1], places.get) if told else None
