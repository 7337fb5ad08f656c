"""What in the quality of a dataset is fine, what to look at, and what keeps a training from beginning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from docutune.report.quality import Quality, TrainingMeasure
from docutune.report.words import Words

Level: TypeAlias = Literal["good", "look", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, with the anchor on the page where more is said of it."""

    level: Level
    text: str
    place: str


def findings(quality: Quality) -> list[Finding]:
    """All that was looked at, the worst first."""
    words = Words(quality.language)
    found = [*_leaks(quality, words), *_lengths(quality, words), *_languages(quality, words), *_symbols(quality, words)]
    return sorted(found, key=lambda finding: ("bad", "look", "good").index(finding.level))


def headline(quality: Quality) -> str:
    """How many samples there are, and for what."""
    splits = quality.content.splits
    return Words(quality.language).say(
        "quality.headline",
        train=splits.get("train", 0),
        validation=splits.get("validation", 0),
        test=splits.get("test", 0),
    )


def _leaks(quality: Quality, words: Words) -> Iterator[Finding]:
    found = quality.content.duplicates
    if not found.held_out:
        yield Finding("look", words.say("find.nothing held out"), "duplicates")
    elif found.leaked:
        text = words.say("find.leaked", count=found.leaked, all=found.held_out, exact=found.exact, near=found.near)
        yield Finding("bad", text, "duplicates")
    else:
        yield Finding("good", words.say("find.no leak", all=found.held_out), "duplicates")
    if found.contradicting:
        yield Finding("look", words.say("find.contradicting", count=found.contradicting), "duplicates")
    elif found.repeated:
        yield Finding("look", words.say("find.repeated", count=found.repeated), "duplicates")


def _lengths(quality: Quality, words: Words) -> Iterator[Finding]:
    for training in quality.trainings:
        yield _length(training, words)
    if not quality.trainings:
        yield Finding("look", words.say("find.no training"), "lengths")


def _length(training: TrainingMeasure, words: Words) -> Finding:
    measured = training.measured
    facts = {"name": training.name, "limit": training.max_length}
    if measured is None:
        return Finding("look", words.say("find.unmeasured", **facts), "lengths")
    count, samples = sum(measured.too_long.values()), sum(measured.samples.values())
    if training.too_many:
        share = words.value(training.max_left_out, share=True)
        return Finding("bad", words.say("find.too many", count=count, all=samples, share=share, **facts), "lengths")
    if count:
        return Finding("look", words.say("find.too long", count=count, all=samples, **facts), "lengths")
    return Finding("good", words.say("find.all fit", all=samples, **facts), "lengths")


def _languages(quality: Quality, words: Words) -> Iterator[Finding]:
    wrong = {"question": 0, "answer": 0}
    for found in quality.content.languages:
        wrong[found.part] += 0 if found.fits else found.samples
    for part, count in wrong.items():
        if count:
            yield Finding("look", words.say(f"find.other language.{part}", count=count), "languages")
    if not any(wrong.values()):
        yield Finding("good", words.say("find.languages fit"), "languages")


def _symbols(quality: Quality, words: Words) -> Iterator[Finding]:
    found = quality.coverage
    if found is None:
        if not quality.of_pairs_alone:
            yield Finding("look", words.say("find.no library"), "coverage")
        return
    share = found.in_samples / found.symbols
    level: Level = "good" if share >= 0.5 else "look"
    text = words.say("find.covered", count=found.in_samples, all=found.symbols, share=words.value(share, share=True))
    yield Finding(level, text, "coverage")
