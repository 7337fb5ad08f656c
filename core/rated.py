"""Judgements of people about samples and models' answers, and the file of them that a pipeline reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from docutune import atomic
from docutune.errors import DocutuneError
from docutune.records import from_json, to_json

Verdict: TypeAlias = Literal["good", "bad", "tuned", "base", "same", "neither", "skip"]
"""Of a sample: good or bad. Of two answers: which one is better, or that both are as good, or that neither is any good.
Either may be passed over.
"""

_WRITE = "docutune dataset rate --export FILE writes such a file"


@dataclass(frozen=True, slots=True)
class Rating:
    """One judgement; `time` is ISO 8601 in UTC.

    `id` is the sample's or, of answers, a hash of the model and both texts: another answer is another thing to judge.
    `sample` is the sample that is asked. `verdict` is None while there is only a note. `rater` is None for whoever gave
    no name.
    """

    time: str
    subject: Literal["sample", "answers"]
    id: str
    sample: str
    kind: str
    question: str
    verdict: Verdict | None = None
    note: str = ""
    rater: str | None = None
    model: str | None = None


def export(ratings: Iterable[Rating], file: Path) -> int:
    """Write ratings as JSON Lines, oldest first; how many there are."""
    lines = [json.dumps(to_json(rating), ensure_ascii=False) for rating in ratings]
    atomic.write_text(file, "".join(f"{line}\n" for line in lines))
    return len(lines)


def merged(file: Path, own: Iterable[Rating]) -> list[Rating]:
    """The ratings of a file, if there is one, and these; of two by one person on one thing that of `own` counts.

    DocutuneError names the line that holds no rating.
    """
    kept = [*(_read(file) if file.exists() else ()), *own]
    return list({(rating.subject, rating.id, rating.rater): rating for rating in kept}.values())


def rejected(file: Path) -> dict[str, str]:
    """Ids of the samples that a file of ratings calls bad more often than good, with what was noted of them.

    DocutuneError names the line that holds no rating.
    """
    balance: Counter[str] = Counter()
    notes: dict[str, list[str]] = {}
    for rating in _read(file):
        if rating.subject == "sample" and rating.verdict in ("good", "bad"):
            balance[rating.id] += 1 if rating.verdict == "bad" else -1
            if rating.verdict == "bad" and rating.note:
                notes.setdefault(rating.id, []).append(rating.note)
    return {name: "; ".join(notes.get(name, ())) for name, count in sorted(balance.items()) if count > 0}


def _read(file: Path) -> Iterator[Rating]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise DocutuneError(f"{file}: cannot be read: {error.strerror or error}", _WRITE) from error
    for number, line in enumerate(lines, start=1):
        try:
            value: Any = json.loads(line)
            yield from_json(Rating, value)
        except ValueError as error:
            raise DocutuneError(f"{file}:{number}: no rating: {error}", _WRITE) from error
