"""Near duplicates among many samples, and how the default curation grows: `python benchmarks/curate.py [samples]`.

Needs datasketch. Prose of 40 words on few subjects, a tenth of it planted again with up to three words changed. Both
libraries remove near duplicates at Jaccard 0.85 on the same n-grams; an exact join by prefix filtering (Chaudhuri,
Ganti, Kaushik, "A primitive operator for similarity joins in data cleaning", 2006) says what there was to find. Then
each size is curated in a process of its own. Exits with 1 when a goal is missed.
"""

from __future__ import annotations

import asyncio
import math
import random
import resource
import subprocess
import sys
import time
from collections import Counter, defaultdict
from itertools import accumulate
from pathlib import Path

from docutune.plugins.curators.duplicates.curate import Duplicates
from docutune.plugins.curators.duplicates.plugin import Config as DuplicatesConfig
from docutune.plugins.curators.leakage.curate import Leakage
from docutune.plugins.curators.leakage.plugin import Config as LeakageConfig
from docutune.plugins.curators.quality.curate import Quality
from docutune.plugins.curators.quality.plugin import Config as QualityConfig
from docutune.plugins.curators.secrets.curate import Secrets
from docutune.plugins.curators.secrets.plugin import Config as SecretsConfig
from docutune.plugins.curators.similar import alike, jaccard, shingles
from docutune.records import Made, Message, Origin, Sample

LETTERS, FREQUENCIES = "etaoinshrdlucmfwypvbgkqjxz", range(26, 0, -1)
_CHANCE = random.Random(3)
WORDS = ["".join(_CHANCE.choices(LETTERS, FREQUENCIES, k=_CHANCE.randint(2, 11))) for _ in range(30_000)]
THRESHOLD = 0.85
SHARED = 8  # of the rarest n-grams two similar texts share so many, when each lists so many more
SIZES = (16, 8, 4, 2, 1)


class Context:
    """Nobody is told anything."""

    seed = 0
    folder = Path()

    def progress(self, done: int, total: int | None = None, **figures: float) -> None: ...

    def note(self, text: str) -> None: ...


def texts_of(count: int) -> list[str]:
    chance = random.Random(7)
    # words of a language: few are most
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(WORDS))))
    originals = [chance.choices(WORDS, cum_weights=weights, k=40) for _ in range(count - count // 10)]
    copies = [list(words) for words in originals[: count // 10]]
    for words in copies:
        for at in chance.sample(range(40), chance.randint(1, 3)):
            words[at] = chance.choice(WORDS)
    texts = [" ".join(words).capitalize() + "." for words in (*originals, *copies)]
    chance.shuffle(texts)
    return texts


def made(text: str, number: int, count: int) -> Made:
    messages = (Message("user", f"What is known of {text[:24]}?"), Message("assistant", text))
    split = "test" if number * 20 >= count * 19 else "train"
    return Made(Sample(messages, "purpose", str(number)), Origin((), "task", "benchmark"), split)


def exact(texts: list[str]) -> set[tuple[int, int]]:
    """All pairs at least as similar as the threshold."""
    often: Counter[str] = Counter()
    for text in texts:
        often.update(shingles(text))
    index: dict[str, list[int]] = defaultdict(list)
    sizes: list[int] = []
    found: set[tuple[int, int]] = set()
    for at, text in enumerate(texts):
        own = shingles(text)
        sizes.append(len(own))
        ordered = sorted(own, key=lambda gram: (often[gram], gram))
        prefix = ordered[: len(own) - math.ceil(THRESHOLD * len(own)) + SHARED]
        shared: Counter[int] = Counter()
        for gram in prefix:
            shared.update(index[gram])
            index[gram].append(at)
        for other, count in shared.items():
            fits = THRESHOLD * len(own) <= sizes[other] <= len(own) / THRESHOLD
            if count >= SHARED and fits and jaccard(own, shingles(texts[other])) >= THRESHOLD:
                found.add((other, at))
    return found


def ours(texts: list[str]) -> set[int]:
    return {index for index, _ in alike(texts, THRESHOLD, lambda index, other: True, lambda done: None)}


def theirs(texts: list[str]) -> set[int]:
    """As its documentation says: bulk signatures, the index, and candidates verified by the same exact measure."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    removed: set[int] = set()
    for start in range(0, len(texts), 1000):
        grams = [[gram.encode() for gram in shingles(text)] for text in texts[start : start + 1000]]
        for at, signature in enumerate(MinHash.bulk(grams, num_perm=128), start):
            own = shingles(texts[at])
            if any(jaccard(own, shingles(texts[other])) >= THRESHOLD for other in index.query(signature)):
                removed.add(at)
            else:
                index.insert(at, signature)
    return removed


def wanted(pairs: set[tuple[int, int]]) -> set[int]:
    """What goes when the first of several stays."""
    earlier: dict[int, list[int]] = defaultdict(list)
    for first, second in pairs:
        earlier[second].append(first)
    gone: set[int] = set()
    for second in sorted(earlier):
        if any(first not in gone for first in earlier[second]):
            gone.add(second)
    return gone


def compare(count: int) -> bool:
    texts = texts_of(count)
    took: dict[str, float] = {}
    found: dict[str, set[int]] = {}
    for name, find in (("docutune", ours), ("datasketch", theirs)):
        started = time.process_time()
        found[name] = find(texts)
        took[name] = time.process_time() - started
        print(f"{name}: {took[name]:.1f} s", flush=True)
    started = time.process_time()
    truth = wanted(exact(texts))
    print(f"exact join: {len(truth):,} near duplicates of {count:,} samples, {time.process_time() - started:.1f} s")
    recall = {name: len(ids & truth) / len(truth) for name, ids in found.items()}
    for name in found:
        wrong = len(found[name] - truth)
        print(f"{name}: recall {recall[name]:.5f}, {wrong} wrongly removed")
    ratio = took["datasketch"] / took["docutune"]
    print(f"datasketch takes {ratio:.1f} times as long")
    return ratio >= 3 and recall["docutune"] == 1


def curation(count: int) -> None:
    samples = sorted((made(text, at, count) for at, text in enumerate(texts_of(count))), key=lambda one: one.sample.id)
    started = time.process_time()
    for curator in (
        Leakage(LeakageConfig()),
        Duplicates(DuplicatesConfig()),
        Quality(QualityConfig()),
        Secrets(SecretsConfig()),
    ):
        gone = {index for index, _ in asyncio.run(curator.reject(samples, Context()))}
        samples = [one for index, one in enumerate(samples) if index not in gone]
    seconds = time.process_time() - started
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)


def grows(count: int) -> bool:
    points = []
    for part in SIZES:
        command = [sys.executable, __file__, "--curate", str(count // part)]
        seconds, memory = map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
        print(f"default curation of {count // part:,} samples: {seconds:.1f} s of processor time, {memory:.2f} GiB")
        points.append((math.log(count // part), math.log(seconds)))
    middle = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    slope = sum((x - middle[0]) * (y - middle[1]) for x, y in points) / sum((x - middle[0]) ** 2 for x, _ in points)
    print(f"exponent {slope:.2f}")
    return slope <= 1.15 and memory * 1024**3 < 1.5e9


if __name__ == "__main__":
    if sys.argv[1:2] == ["--curate"]:
        curation(int(sys.argv[2]))
    else:
        samples = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
        sys.exit(0 if all([compare(samples), grows(samples)]) else 1)
