"""What the report on the quality of a dataset version holds. quality.json is `records.to_json` of these records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from docutune.records import Message
from docutune.report.facts import Coverage, Lengths

Writing: TypeAlias = Literal["zh", "latin", "mixed", "other", "none"]
"""The script that a sample's prose is in: Chinese characters, Latin letters, more than one, another, or no prose."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A held-out sample whose question a training sample asks, too; `alike` from 0 to 1, 1: word for word."""

    id: str
    split: str
    question: str
    trained: str
    trained_question: str
    alike: float


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Questions that stand twice, and held-out ones that are trained; all numbers count samples.

    `repeated`: a sample before it in its split asks the same, white space, case and punctuation apart. `contradicting`
    of those have another answer. `exact`: held out, and asked word for word in training; `near`: further ones whose
    question and answer are both about the same as those of a training sample. `leaks` has the first of both.
    """

    held_out: int
    repeated: int
    contradicting: int
    exact: int
    near: int
    leaks: tuple[Leak, ...] = ()

    @property
    def leaked(self) -> int:
        """Held-out samples whose question is trained."""
        return self.exact + self.near


@dataclass(frozen=True, slots=True)
class LanguageCount:
    """How many samples say that they are in one language, and have their question or their answer in one script."""

    declared: str
    writing: Writing
    samples: int
    part: Literal["question", "answer"] = "question"

    @property
    def fits(self) -> bool:
        """Whether one can be written in the other. Of other languages than English and Chinese nothing is known.

        An answer in Chinese may quote what stands in English in its sources.
        """
        if self.declared not in ("en", "zh") or self.writing in ("none", "mixed"):
            return True
        if self.part == "answer" and self.writing == "latin":
            return True
        return self.writing == ("zh" if self.declared == "zh" else "latin")


@dataclass(frozen=True, slots=True)
class ShownSample:
    """One sample with its provenance; `sources` as "docs/x.md:3-9", `model` is the one that wrote it, if one did."""

    id: str
    split: str | None
    kind: str
    language: str
    fact: str
    messages: tuple[Message, ...]
    sources: tuple[str, ...] = ()
    producer: str = ""
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of one or more tokens that belong together, and whether they bear loss.

    More than one token where a character is spread over several.
    """

    text: str
    trained: bool
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class MaskPreview:
    """One sample as a trainer sees it, in rows; `more` tokens are not shown."""

    id: str
    kind: str
    tokens: int
    trained: int
    rows: tuple[Row, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row to train on, piece by piece."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class LongSample:
    """One of the longest samples, in tokens with the chat template's own."""

    id: str
    split: str
    tokens: int
    question: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What the tokenizer and the chat template of a base model make of the samples that are trained or validated.

    `samples` and `too_long` by split; `lengths` in tokens: of the prompt ("question") with all that the template adds,
    of what bears loss ("answer"), and of both ("whole").
    """

    samples: Mapping[str, int]
    too_long: Mapping[str, int]
    tokens: int
    trained_tokens: int
    lengths: tuple[Lengths, ...] = ()
    longest: tuple[LongSample, ...] = ()
    previews: tuple[MaskPreview, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingMeasure:
    """One training, and what it makes of the samples.

    `measured` is None while its base is not on this disk, or nobody has measured it yet.
    """

    name: str
    base: str
    max_length: int
    max_left_out: float
    measured: Measured | None = None

    @property
    def too_many(self) -> bool:
        """Whether so many samples are too long that the training does not begin."""
        found = self.measured
        return found is not None and found.too_long["train"] > self.max_left_out * found.samples["train"]


@dataclass(frozen=True, slots=True)
class Content:
    """What a version's own rows say. `by_kind` and `by_language` count samples by split ("left out": in none).

    `lengths` estimate tokens from characters.
    """

    samples: int
    facts: int
    splits: Mapping[str, int]
    by_kind: Mapping[str, Mapping[str, int]]
    by_language: Mapping[str, Mapping[str, int]]
    lengths: tuple[Lengths, ...]
    duplicates: Duplicates
    languages: tuple[LanguageCount, ...] = ()


@dataclass(frozen=True, slots=True)
class Quality:
    """The whole report. `run` made the version as `rejected` (curator or generator, reason, number) and `coverage` say.

    Those are None where no run of the workspace is known to have made it: it was imported, or its runs are gone.
    `shown` are chosen at random, the same for the same version.
    """

    version: str
    project: str
    content: Content
    run: str | None = None
    rejected: Mapping[str, Mapping[str, int]] | None = None
    coverage: Coverage | None = None
    trainings: tuple[TrainingMeasure, ...] = ()
    shown: tuple[ShownSample, ...] = ()
    language: str = "en"

    @property
    def of_pairs_alone(self) -> bool:
        """Whether all that is shown comes from question-answer files, which speak of no library."""
        return all(sample.fact.startswith("pair:") for sample in self.shown)
