"""How long the curator `duplicates` takes and what it finds: `python benchmarks/duplicates.py [samples]`.

Random texts of 40 words, a tenth of them planted again with one word changed.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from itertools import product
from pathlib import Path

from docutune.plugins.curators.duplicates.curate import Duplicates
from docutune.plugins.curators.duplicates.plugin import Config
from docutune.records import Made, Message, Origin, Sample

SYLLABLES = ("ka", "so", "mi", "ter", "ban", "lo", "ne", "rus", "fi", "gol", "dra", "pe")
WORDS = ["".join(parts) for parts in product(SYLLABLES, repeat=3)]


class Context:
    """Nobody is told of the progress."""

    seed = 0
    folder = Path()

    def progress(self, done: int, total: int | None = None, **figures: float) -> None: ...


def main(count: int) -> None:
    planted = count // 10
    originals = [random.Random(seed).choices(WORDS, k=40) for seed in range(count - planted)]
    copies = [[*words[:20], "elsewhere", *words[21:]] for words in originals[:planted]]
    samples = [_made(" ".join(words), str(number)) for number, words in enumerate((*originals, *copies))]
    started = time.perf_counter()
    rejected = dict(asyncio.run(Duplicates(Config()).reject(samples, Context())))
    seconds = time.perf_counter() - started
    found = sum((number in rejected) != (count - planted + number in rejected) for number in range(planted))
    print(f"{count:,} samples in {seconds:.1f} s; {found} of {planted} planted near duplicates found", end="; ")
    print(f"{len(rejected) - found} others rejected")


def _made(text: str, fact: str) -> Made:
    messages = (Message("user", f"What about {text[:30]}?"), Message("assistant", text))
    return Made(Sample(messages, "purpose", fact), Origin((), "task", "benchmark"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
