"""The curators `leakage`, `quality` and `balance`."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from docutune.plugins.curators.balance import plugin as balance
from docutune.plugins.curators.balance.curate import Balance
from docutune.plugins.curators.balance.plugin import Config as BalanceConfig
from docutune.plugins.curators.duplicates import plugin as duplicates
from docutune.plugins.curators.duplicates.curate import Duplicates
from docutune.plugins.curators.duplicates.plugin import Config as DuplicatesConfig
from docutune.plugins.curators.leakage import plugin as leakage
from docutune.plugins.curators.leakage.curate import Leakage
from docutune.plugins.curators.leakage.plugin import Config as LeakageConfig
from docutune.plugins.curators.quality import plugin as quality
from docutune.plugins.curators.quality.curate import Quality
from docutune.plugins.curators.quality.plugin import Config as QualityConfig
from docutune.plugins.curators.secrets import plugin as secrets
from docutune.plugins.curators.secrets.curate import Secrets
from docutune.plugins.curators.secrets.plugin import Config as SecretsConfig
from docutune.records import Made, Message, Origin, Sample, Split, fingerprint, to_json

LONG = "a sentence about the depot that goes on for a while and says where parcels wait until they are sent"


class Context:
    """Nobody is told of anything but the notes."""

    seed = 0
    folder = Path()

    def __init__(self) -> None:
        self.notes: list[str] = []

    def progress(self, done: int, total: int | None = None, **figures: float) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


def made(
    question: str,
    answer: str,
    fact: str = "",
    split: Split | None = None,
    language: str = "en",
    kind: str = "purpose",
    symbols: tuple[str, ...] = (),
) -> Made:
    messages = (Message("user", question), Message("assistant", answer))
    return Made(Sample(messages, kind, fact or question, symbols, language), Origin((), "task", "test"), split)


def reasons(curator: Any, samples: list[Made], context: Context | None = None) -> dict[int, str]:
    return dict(asyncio.run(curator.reject(samples, context or Context())))


def test_the_training_copy_of_a_held_out_question_goes() -> None:
    samples = [
        made("What is it for?", "To send parcels.", split="train"),
        made("What is  it for", "For parcels.", split="validation"),
        made("Where is it?", "In town.", split="validation"),
        made("Where is it？", "In the town.", split="test"),
        made("How far is it?", "A mile."),
    ]
    validation, test = samples[1].sample.id, samples[3].sample.id
    assert reasons(Leakage(LeakageConfig()), samples) == {
        0: f"question of the validation split: as in {validation}",
        2: f"question of the test split: as in {test}",
    }
    assert reasons(Leakage(LeakageConfig()), [made("What?", "One."), made("What?", "Two.")]) == {}


def test_a_question_that_is_nearly_a_held_out_one_leaks_and_one_about_another_name_does_not() -> None:
    samples = [
        made(f"Is it true that there is {LONG}?", "Yes.", split="test"),
        made(f"Is it right that there is {LONG}?", "Yes, it is."),
        made(f"Is it true that there is {LONG} with `acme.send`?", "Yes."),
    ]
    expected = {1: f"nearly a question of the test split: as in {samples[0].sample.id}"}
    assert reasons(Leakage(LeakageConfig()), samples) == expected
    assert reasons(Leakage(LeakageConfig(threshold=None)), samples) == {}


@pytest.mark.parametrize("near", [False, True])
def test_duplicates_alone_keep_the_held_out_copy_whatever_its_id(near: bool) -> None:
    for number in range(8):
        word = "quickly" if near else ""
        pair = [
            made(f"Number {number}? {word}", f"It is {LONG}.", f"a{number}", "train"),
            made(f"Number {number}?", f"It is {LONG}.", f"b{number}", "test"),
        ]
        assert set(reasons(Duplicates(DuplicatesConfig()), pair)) == {0}


BAD = {
    "short question": ("?", "It sends a parcel."),
    "short answer": ("What does it do?", "-"),
    "long answer": ("What does it do?", " ".join(f"word{number}" for number in range(6000))),
    "other language": ("What does the depot do?", "仓库把包裹寄给世界各地的客户，并且每天都开门。"),
    "repeated question": ("What does the depot do?", "What does the depot do? It sends parcels."),
    "assistant phrase": ("What does it do?", "Certainly! Here is what it does: it sends parcels."),
    "refusal": ("What does it do?", "I'm sorry, but I can't help with that."),
    "unseen document": ("What does it do?", "According to the document above, it sends parcels."),
    "licence header": ("What does it do?", "Permission is hereby granted, free of charge, to any person."),
    "navigation of a page": ("What does it do?", "Skip to main content. It sends parcels."),
    "endless repetition": ("What does it do?", "It sends parcels. " + "And it sends more parcels. " * 6),
    "broken off": ("What does it do?", "It sends parcels:\n\n```python\nsend()"),
}


@pytest.mark.parametrize("kind", BAD)
def test_each_rule_names_what_it_finds(kind: str) -> None:
    question, answer = BAD[kind]
    ((index, reason),) = reasons(Quality(QualityConfig()), [made(question, answer)]).items()
    assert (index, reason.partition(":")[0]) == (0, kind)


@pytest.mark.parametrize(
    ("question", "answer", "language"),
    [
        ("它做什么？", "作为一个AI语言模型，我不知道。", "zh"),
        ("它做什么？", "抱歉，我无法回答。", "zh"),
        ("它做什么？", "根据上述文档，它寄送包裹。", "zh"),
        ("它做什么？", "它寄送包裹，", "zh"),
    ],
)
def test_rules_know_chinese(question: str, answer: str, language: str) -> None:
    assert set(reasons(Quality(QualityConfig()), [made(question, answer, language=language)])) == {0}


@pytest.mark.parametrize(
    ("question", "answer", "language"),
    [
        ("Is it on?", "Yes.", "en"),
        ("它是什么？", "函数", "zh"),
        ("Which licence has it?", "Permission is hereby granted, free of charge, to any person.", "en"),
        ("Что это такое?", "Это склад, который отправляет посылки.", "en"),
        ("`send` 有什么用？", "Sends a parcel to the address, as its documentation says.", "zh"),
        ("What does it return?", "```python\nwhile True:\n    pass\n```", "en"),
        ("Show the table.", "| a | b |\n| --- | --- |\n" + "| x | y |\n" * 12, "en"),
        ("Complete: def add(a, b):", "def add(a, b):\n    return a + b", "en"),
        ("What is said?", "It says `as an AI language model` there.", "en"),
    ],
)
def test_what_is_good_stays(question: str, answer: str, language: str) -> None:
    assert reasons(Quality(QualityConfig()), [made(question, answer, language=language)]) == {}


CHINESE = "仓库把包裹寄给世界各地的客户，并且每天都开门。"


@pytest.mark.parametrize("question", ["What does it say?", 'Explain "发送包裹".', "Explain 发送包裹.", "发送包裹"])
def test_an_answer_in_chinese_of_an_english_sample_goes_whatever_its_question_quotes(question: str) -> None:
    assert set(reasons(Quality(QualityConfig(min_question=0)), [made(question, CHINESE)])) == {0}


def test_chinese_about_code_that_is_taken_for_english_stays() -> None:
    code = "```python\nimport acme\nfor parcel in acme.depot(town='Oslo', limit=None, strict=False).parcels:\n    "
    answer = f"{CHINESE}\n\n{code}acme.send(parcel, grams=parcel.weight, label=parcel.label, paid=True)\n```"
    assert reasons(Quality(QualityConfig()), [made("acme.send 怎么用？", answer)]) == {}


@pytest.mark.parametrize("what", ["question", "answer"])
def test_limits_of_length_that_nothing_keeps_are_refused(what: str, environment: Any) -> None:
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources: [{path: docs}]\n"
        f"curate: [{{uses: quality, with: {{min_{what}: 50, max_{what}: 10}}}}]\n"
    )
    done = environment.docutune("validate")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"min_{what} 50 is more than max_{what} 10: no {what} would stay" in done.stderr


def test_rules_can_be_switched_off_and_phrases_added() -> None:
    everything_off = QualityConfig(
        min_question=0, min_answer=0, max_answer=None, language="off", repeated_question=False,
        assistant_phrases=False, refusals=False, unseen_documents=False, page_furniture=False, repetition=False,
        max_compression=None, truncated=False,
    )  # fmt: skip
    assert reasons(Quality(everything_off), [made(*pair) for pair in BAD.values()]) == {}
    own = QualityConfig(phrases=("internal use",))
    found = reasons(Quality(own), [made("What is it?", "For Internal Use only.")])
    assert found == {0: "phrase of the pipeline file: 'Internal Use'"}
    strict = QualityConfig(language="strict")
    assert set(reasons(Quality(strict), [made("它做什么？", "It sends parcels to people.", language="zh")])) == {0}


def test_a_symbol_has_as_many_samples_as_allowed_those_of_different_facts_first() -> None:
    samples = [
        made(f"Question {fact}{way}?", f"Answer {fact}{way}.", fact, symbols=("acme.send",))
        for fact in "abc"
        for way in range(3)
    ]
    held_out = made("Question d?", "Answer d.", "d", "test", symbols=("acme.send",))
    found = reasons(Balance(BalanceConfig(max_per_symbol=3)), [*samples, held_out])
    kept = [sample.sample.fact for at, sample in enumerate(samples) if at not in found]
    assert sorted(kept) == ["a", "b", "c"] and len(samples) not in found
    assert set(found.values()) == {"enough samples of a symbol: 3 of `acme.send`"}
    backwards = reasons(Balance(BalanceConfig(max_per_symbol=3)), samples[::-1])
    assert {samples[8 - at].sample.id for at in backwards} == {samples[at].sample.id for at in found}


def test_no_kind_has_more_than_its_share_of_what_stays() -> None:
    samples = [made(f"Question {at}?", "Yes.", kind="much" if at < 20 else f"kind{at % 2}") for at in range(30)]
    found = reasons(Balance(BalanceConfig(max_share_per_kind=0.4)), samples)
    kinds = [sample.sample.kind for at, sample in enumerate(samples) if at not in found]
    assert kinds.count("much") == 6 and len(kinds) == 16
    assert len(reasons(Balance(BalanceConfig(max_per_kind=5)), samples)) == 15
    context = Context()
    assert len(reasons(Balance(BalanceConfig(max_share_per_kind=0.2)), samples, context)) == 15
    assert context.notes == ["max_share_per_kind: 0.2 of 3 kinds cannot be; all kinds get the same share"]


def test_a_balance_without_a_limit_is_refused(environment: Any) -> None:
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources: [{path: docs}]\ncurate: [{uses: balance}]\n"
    )
    done = environment.docutune("validate")
    assert done.returncode == 2 and "max_per_symbol" in done.stderr and "Traceback" not in done.stderr


def test_a_run_names_file_and_line_of_what_leaks_and_counts_the_reasons(environment: Any) -> None:
    rows = {
        "train": [("What is it for?", "To send."), ("How big is it?", "As a house."), ("Is it good?", "It is -")],
        "test": [("What is it for", "For parcels.")],
    }
    for name, pairs in rows.items():
        lines = (json.dumps({"question": question, "answer": answer}) for question, answer in pairs)
        (environment.work / f"{name}.jsonl").write_text("\n".join(lines))
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources:\n  - samples: train.jsonl\n  - samples: test.jsonl\n"
    )
    folder = Path(environment.answer("run", "--until", "dataset")["folder"])
    rejected = [json.loads(line) for line in (folder / "rejected.jsonl").read_text().splitlines()]
    (leak,) = [item for item in rejected if item["producer"] == "leakage"]
    assert leak["spans"][0]["source"] == "train.jsonl" and "(test.jsonl:1-1)" in leak["reason"]
    steps = json.loads((folder / "manifest.json").read_text())["steps"]
    figures = {step["name"]: step["figures"] for step in steps}
    assert figures["curate:leakage"]["reasons"] == {"question of the test split": 1}
    assert figures["curate:quality"]["rejected"] == 0
    report = json.loads((folder / "report.json").read_text())
    assert report["dataset"]["rejected"]["leakage: question of the test split"] == 1


def test_near_duplicates_never_stand_on_both_sides_of_a_split(environment: Any) -> None:
    def words(number: int, which: int) -> str:
        return f"How do I {'please ' if which else ''}turn part {number} of the machine round its axis in the evening"

    rows = [
        {"question": words(number, which) + "?", "answer": f"Take lever {number} and pull it until it stops."}
        for number in range(120)
        for which in range(2)
    ]
    (environment.work / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources: [{samples: pairs.jsonl}]\nsplit: {test: 0.3, validation: 0.2}\n"
    )
    folder = Path(environment.answer("run", "--until", "dataset")["folder"])
    version = json.loads((folder / "report.json").read_text())["dataset"]["version"]
    sides: dict[str, set[str]] = {}
    counts = Counter[str]()
    for line in (environment.work / f".docutune/datasets/{version}/samples.jsonl").read_text().splitlines():
        row = json.loads(line)
        counts[row["split"]] += 1
        sides.setdefault(re.findall(r"part (\d+)", row["messages"][0]["content"])[0], set()).add(row["split"])
    assert len(sides) == 120 and all(len(found) == 1 for found in sides.values())
    assert min(counts[name] for name in ("train", "validation", "test")) >= 12


REVISIONS = {
    ("leakage", 1): "fd80575f44c57542",
    ("duplicates", 3): "ffbfcc232144c9f3",
    ("quality", 2): "1e63117808b24e71",
    ("secrets", 1): "33beb321030c61e3",
    ("balance", 1): "e8fdc14b963f0335",
}
"""Fingerprint of what each curator rejects and why, by its revision: another output needs another revision."""


def of_every_fault() -> list[Made]:
    """Samples for every rule, some for several curators."""
    whole = [made(*pair, fact=f"fault {kind}") for kind, pair in BAD.items()]
    copies = [
        made("Where is it?", "In town.", "a", "train"),
        made("Where  is it", "In the town.", "b", "test"),
        made("Where is it?", "In town.", "c", "train"),
        made(f"Is it true that there is {LONG}?", f"Yes, there is {LONG}.", "d", "validation"),
        made(f"Is it right that there is {LONG}?", f"Yes, there is {LONG}.", "e"),
        made("", "An answer.", "f"),
        made("Who minds it?", "Write to lee.moreau@depot-of-parcels.net or call +44 20 7946 0018.", "g"),
        made("How do I log in?", 'Set `token = "ghp_' + "A1b2C3d4E5f6" * 3 + '"`.', "h"),
    ]
    many = [
        made(f"Question {at}?", f"Answer {at}.", kind=f"kind{at % 4 % 3}", symbols=("acme.send",)) for at in range(30)
    ]
    return [*whole, *copies, *many]


@pytest.mark.parametrize(
    ("curator", "hook"),
    [
        (Leakage(LeakageConfig()), leakage.docutune_curators),
        (Duplicates(DuplicatesConfig()), duplicates.docutune_curators),
        (Quality(QualityConfig()), quality.docutune_curators),
        (Secrets(SecretsConfig()), secrets.docutune_curators),
        (Balance(BalanceConfig(max_per_symbol=9, max_share_per_kind=0.4)), balance.docutune_curators),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_same_revision_rejects_the_same(curator: Any, hook: Any) -> None:
    (registration,) = hook()
    samples = sorted(of_every_fault(), key=lambda item: item.sample.id)
    found = reasons(curator, samples)
    assert found
    rejected = sorted((samples[index].sample.id, reason) for index, reason in found.items())
    pinned = REVISIONS[registration.name, registration.revision]
    assert pinned == fingerprint(to_json(rejected))[:16], "raise `revision` in plugin.py and note the new hash"
