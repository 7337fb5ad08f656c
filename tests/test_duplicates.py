"""The curator `duplicates`."""

from __future__ import annotations

import asyncio
import random
from itertools import product
from pathlib import Path
from typing import Any

import click

from docutune.plugins.curators.duplicates.curate import Duplicates
from docutune.plugins.curators.duplicates.plugin import Config
from docutune.plugins.curators.similar import alike, jaccard, shingles
from docutune.plugins.generators.grounded.generate import Grounded
from docutune.plugins.generators.grounded.plugin import Config as GroundedConfig
from docutune.plugins.parsers.python.parse import Python
from docutune.plugins.parsers.python.plugin import Config as PythonConfig
from docutune.records import Made, Message, Origin, Sample
from docutune.symbols import link

_SYLLABLES = ("ka", "so", "mi", "ter", "ban", "lo", "ne", "rus", "fi", "gol", "dra", "pe")
WORDS = ["".join(parts) for parts in product(_SYLLABLES, repeat=3)]


class Context:
    """Nobody is told of the progress."""

    seed = 0
    folder = Path()

    def progress(self, done: int, total: int | None = None, **figures: float) -> None: ...


def made(question: str, answer: str, fact: str, language: str = "en") -> Made:
    messages = (Message("user", question), Message("assistant", answer))
    return Made(Sample(messages, "purpose", fact, language=language), Origin((), "task", "test"))


def reject(samples: list[Made], **options: float) -> dict[int, str]:
    return dict(asyncio.run(Duplicates(Config.model_validate(options)).reject(samples, Context())))


def prose(seed: int, count: int = 60) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def test_exact_duplicates_are_the_same_after_normalisation() -> None:
    samples = [
        made("How do I send it?", "Call the depot and ask.", "a"),
        made("how do I  send it？", "Call the depot\nand  ask.", "b"),
        made("How do I send it?", "Call the depot and ask.", "c"),
    ]
    reasons = reject(samples)
    (kept,) = {0, 1, 2} - set(reasons)
    assert kept == min(range(3), key=lambda index: samples[index].sample.id)
    assert set(reasons.values()) == {f"duplicate: of {samples[kept].sample.id}"}


def test_names_that_differ_in_case_are_two_names() -> None:
    samples = [
        made("What is `click.Option` for?", "The class of one option.", "a"),
        made("What is `click.option` for?", "Attaches an option to the command.", "b"),
    ]
    assert reject(samples) == {}


def test_same_question_with_another_answer_is_a_conflict_even_within_a_fact() -> None:
    for facts in ("ab", "aa"):
        samples = [made("Is it open?", "Yes, always.", facts[0]), made("is it open?", "No, never.", facts[1])]
        ((index, reason),) = reject(samples).items()
        assert reason == f"another answer: to the question of {samples[1 - index].sample.id}"


def test_empty_answers_are_rejected() -> None:
    only_question = Made(Sample((Message("user", "What?"),), "purpose", "b"), Origin((), "task", "test"))
    assert reject([made("What?", " \n ", "a"), only_question]) == {0: "empty answer", 1: "empty answer"}


def test_near_duplicates_of_other_facts_are_rejected_and_phrasings_of_one_fact_are_spared() -> None:
    words = prose(1)
    changed = [*words[:30], "somewhere", *words[31:]]
    first, second = " ".join(words), " ".join(changed)
    apart = [made("What happens there?", first, "a"), made("What happens there now?", second, "b")]
    ((index, reason),) = reject(apart).items()
    assert reason == f"near duplicate: of {apart[1 - index].sample.id}"
    one_fact = [made("What happens there?", first, "a"), made("What happens there now?", second, "a")]
    assert reject(one_fact) == {}
    assert reject(apart, threshold=0.99) == {}


def test_near_duplicates_in_chinese() -> None:
    text = (
        "包裹在工作日寄出。周末和节假日期间，包裹会留在仓库里等待下一次运输，请耐心等待，也可以拨打客服电话查询位置。"
    )
    samples = [
        made("包裹什么时候寄出？", text, "a", "zh"),
        made("包裹什么时候寄出呢？", text.replace("请耐心等待", "请耐心等候"), "b", "zh"),
        made("仓库在哪里？", "仓库位于城市的北边，靠近火车站，周一到周五开放。", "c", "zh"),
    ]
    assert set(reject(samples)) < {0, 1} and len(reject(samples)) == 1


def test_one_template_about_two_names_or_numbers_is_two_facts() -> None:
    rest = " ".join(prose(2, 80))
    samples = [
        made("What is `click.echo` for?", rest, "a"),
        made("What is `click.secho` for?", rest, "b"),
        made("What is it for?", f"{rest} It waits 10 seconds.", "c"),
        made("What is it for then?", f"{rest} It waits 30 seconds.", "d"),
        made("Is it on or off?", f"{rest} It returns True.", "e"),
        made("Is it off or on?", f"{rest} It returns False.", "f"),
    ]
    assert reject(samples) == {}


def test_the_order_of_the_samples_decides_nothing() -> None:
    samples = [
        made(f"Question {index // 2}?", " ".join(prose(index // 2)) + " x" * (index % 2), str(index))
        for index in range(40)
    ]
    expected = {samples[index].sample.id: reason for index, reason in reject(samples).items()}
    assert len(expected) == 20
    shuffled = random.Random(3).sample(samples, len(samples))
    assert {shuffled[index].sample.id: reason for index, reason in reject(shuffled).items()} == expected


def test_candidates_are_found_as_often_as_promised() -> None:
    """Pairs just above the threshold share a band in (nearly) every case; different texts hardly ever do."""
    originals = [prose(seed, 40) for seed in range(300)]
    pairs = [(" ".join(words), " ".join([*words[:-2], "entirely"])) for words in originals]
    similar = [pair for pair in pairs if 0.85 <= jaccard(shingles(pair[0]), shingles(pair[1])) < 0.95]
    assert len(similar) > 200
    looked_at: set[tuple[int, int]] = set()

    def may_pair(index: int, earlier: int) -> bool:
        looked_at.add((index, earlier))
        return True

    found = list(alike([text for pair in similar for text in pair], 0.85, may_pair, lambda done: None))
    assert found == [(index, index - 1) for index in range(1, 2 * len(similar), 2)]
    assert len(looked_at - set(found)) < len(found) / 10


def test_planted_near_duplicates_are_found_among_many() -> None:
    originals = [prose(seed, 40) for seed in range(1000)]
    copies = [[*words[:20], "elsewhere", *words[21:]] for words in originals[:100]]
    samples = [made(" ".join(words[:4]), " ".join(words), f"a{at}") for at, words in enumerate(originals)]
    samples += [made(" ".join(words[:3]), " ".join(words), f"b{at}") for at, words in enumerate(copies)]
    by_id = {sample.sample.id: sample.sample.fact for sample in samples}
    rejected = asyncio.run(Duplicates(Config()).reject(samples, Context()))
    pairs = {frozenset((samples[index].sample.fact, by_id[reason.split()[-1]])) for index, reason in rejected}
    assert pairs == {frozenset((f"a{at}", f"b{at}")) for at in range(100)}


def test_no_fact_about_a_real_library_is_taken_for_another() -> None:
    """Everything that `grounded` makes of click's own source: templates are alike, facts are not."""
    package = Path(click.__file__).parent
    parser = Python(PythonConfig())
    library = link(parser.parse(path.read_bytes(), f"click/{path.name}") for path in sorted(package.glob("*.py")))
    generator = Grounded(GroundedConfig(languages=("en", "zh"), phrasings=2))
    samples = [
        Made(sample, Origin(task.spans, "task", "grounded"))
        for task in generator.tasks(library)
        for sample in asyncio.run(generator.run(task, Context()))
    ]
    assert len(samples) > 4000
    assert reject(samples) == {}


def test_two_generators_that_make_the_same_leave_one_of_each(environment: Any) -> None:
    """Copies of one sample have one id: the curator must not be led to reject both."""
    (environment.work / "docs").mkdir()
    (environment.work / "docs" / "guide.md").write_text(f"# Guide\n\n{' '.join(prose(1)).capitalize()}.\n")
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources:\n  - path: docs\n"
        "generate:\n  - uses: grounded\n  - uses: grounded\n    name: again\ncurate:\n  - uses: duplicates\n"
    )
    dataset = environment.answer("run")["dataset"]
    assert dataset["train"] + dataset["validation"] + dataset["test"] == 4
