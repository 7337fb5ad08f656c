"""What a dataset version's own rows say of its quality: counts, lengths, languages, duplicates, some samples."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter

from docutune.corpus import Dataset, Row
from docutune.records import Sample
from docutune.report.facts import Lengths
from docutune.report.histogram import spread
from docutune.report.likeness import duplicates
from docutune.report.quality import Content, LanguageCount, ShownSample, Writing
from docutune.wording import answered, asked

SHOWN = 20
LEFT_OUT = "left out"
"""The split of samples that are in none."""

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|[A-Za-z_]\w*(?:[._]\w+)+", re.DOTALL | re.ASCII)
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_OTHER = re.compile(r"[^\W\d_A-Za-z\u00c0-\u024f\u3400-\u9fff]+")
_PER_WORD = 2  # a Chinese word has about two characters
_PER_TOKEN = 4  # other texts have about four characters a token
_LEAST = 12  # letters of an answer: one word may be what was asked for
_SOME = 0.2  # a script with less than this share of the words is a quotation, not what a text is written in


def content(dataset: Dataset) -> Content:
    """Everything that the rows alone tell."""
    samples = [row.made.sample for row in dataset.rows]
    return Content(
        samples=len(samples),
        facts=len({sample.fact for sample in samples}),
        splits=dict(Counter(row.split or LEFT_OUT for row in dataset.rows)),
        by_kind=_by(dataset, attrgetter("kind")),
        by_language=_by(dataset, attrgetter("language")),
        lengths=tuple(_estimated(samples)),
        duplicates=duplicates(dataset),
        languages=tuple(_languages(samples)),
    )


def shown(dataset: Dataset) -> tuple[ShownSample, ...]:
    """Some samples at random, the same for the same version."""
    rows, chance = dataset.rows, random.Random(dataset.version)
    places = chance.sample(range(len(rows)), min(SHOWN, len(rows)))
    return tuple(_shown(rows[place]) for place in sorted(places))


def estimate(text: str) -> int:
    """About how many tokens a text has: one for each Chinese character, and for every four others."""
    chinese = len(_HAN.findall(text))
    return chinese + -(-(len(text) - chinese) // _PER_TOKEN)


def writing(text: str, least: int = 0) -> Writing:
    """The script of the words outside of code; none where these have fewer than `least` letters."""
    prose = _CODE.sub(" ", text)
    if sum(map(str.isalpha, prose)) < least:
        return "none"
    words: dict[Writing, float] = {
        "zh": len(_HAN.findall(prose)) / _PER_WORD,
        "latin": len(_LATIN.findall(prose)),
        "other": len(_OTHER.findall(prose)),
    }
    whole = sum(words.values())
    if not whole:
        return "none"
    present = [script for script, count in words.items() if count >= _SOME * whole]
    return present[0] if len(present) == 1 else "mixed"


def _by(dataset: Dataset, what: Callable[[Sample], str]) -> Mapping[str, Mapping[str, int]]:
    """Names -> split -> number of samples, the most frequent name first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in dataset.rows:
        counts[what(row.made.sample)][row.split or LEFT_OUT] += 1
    return {name: dict(found) for name, found in sorted(counts.items(), key=lambda pair: -pair[1].total())}


def _estimated(samples: Iterable[Sample]) -> Iterator[Lengths]:
    pairs = [(estimate(asked(sample)), estimate(answered(sample))) for sample in samples]
    if pairs:
        yield spread("question", [question for question, _ in pairs])
        yield spread("answer", [answer for _, answer in pairs])
        yield spread("whole", [question + answer for question, answer in pairs])


def _languages(samples: Iterable[Sample]) -> Iterator[LanguageCount]:
    """Of the questions, then of the answers that are long enough to say."""
    known = tuple(samples)
    questions = Counter((sample.language, writing(asked(sample))) for sample in known)
    for (declared, script), count in questions.most_common():
        yield LanguageCount(declared, script, count)
    answers = Counter((sample.language, writing(answered(sample), _LEAST)) for sample in known)
    for (declared, script), count in answers.most_common():
        yield LanguageCount(declared, script, count, "answer")


def _shown(row: Row) -> ShownSample:
    sample, origin = row.made.sample, row.made.origin
    return ShownSample(
        id=sample.id,
        split=row.split,
        kind=sample.kind,
        language=sample.language,
        fact=sample.fact,
        messages=sample.messages,
        sources=tuple(map(str, origin.spans)),
        producer=origin.producer,
        model=origin.model,
    )
