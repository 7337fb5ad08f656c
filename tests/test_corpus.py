"""Splits: whole phrasings are held out, a symbol that is held out appears nowhere in training, versions are content."""

import json

import pytest

from docutune.config import SplitConfig
from docutune.corpus import Dataset, assemble, names, row_lines, split_files
from docutune.records import Made, Message, Origin, Sample, Span, Split
from docutune.report.likeness import duplicates


def made(fact: str, phrasing: int, line: int = 1, symbols: tuple[str, ...] = ()) -> Made:
    messages = (Message("user", f"{fact} phrasing {phrasing}?"), Message("assistant", f"The answer to {fact}."))
    sample = Sample(messages, "purpose", fact, symbols)
    return Made(sample, Origin((Span("docs/a.md", line, line),), "task", "grounded@1"))


SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def corpus(facts: int = 40, phrasings: int = 4, line: int = 1) -> list[Made]:
    return [made(f"fact-{f}", p, line, (f"acme.f{f}",)) for f in range(facts) for p in range(phrasings)]


def facts_of(dataset: Dataset, split: str) -> set[str]:
    return {row.made.sample.fact for row in dataset.rows if row.split == split}


def test_every_held_out_phrasing_belongs_to_a_fact_that_is_trained() -> None:
    dataset = assemble(corpus(), SplitConfig(rephrased=0.5, validation=0.3))
    assert facts_of(dataset, "test") <= facts_of(dataset, "train")
    assert facts_of(dataset, "validation") <= facts_of(dataset, "train")
    assert len(dataset.of("test")) == len(facts_of(dataset, "test"))
    assert 10 <= len(dataset.of("test")) <= 30
    assert len(dataset.of("train")) + len(dataset.of("validation")) + len(dataset.of("test")) == 160


def test_a_fact_with_one_phrasing_is_never_held_out() -> None:
    dataset = assemble(corpus(phrasings=1), SplitConfig(rephrased=1.0, validation=0.9))
    assert {row.split for row in dataset.rows} == {"train"}


def test_unseen_symbols_appear_in_no_training_sample() -> None:
    samples = [*corpus(), made("mentions", 0), made("mentions", 1)]
    naming = Made(
        Sample((Message("user", "How?"), Message("assistant", "Use acme.f3.")), "usage", "naming"), samples[0].origin
    )
    dataset = assemble([*samples, naming], SplitConfig(unseen_symbols=0.3))
    unseen = {s for row in dataset.rows if row.held_out == "unseen" for s in row.made.sample.symbols}
    assert unseen
    for row in dataset.rows:
        if row.split in ("train", "validation"):
            assert not names(row.made.sample) & unseen


def test_a_new_fact_moves_no_other() -> None:
    before = assemble(corpus(40), SplitConfig(rephrased=0.3, validation=0.1))
    after = assemble(corpus(41), SplitConfig(rephrased=0.3, validation=0.1))
    old = {row.made.sample.id: row.split for row in before.rows}
    new = {row.made.sample.id: row.split for row in after.rows}
    assert {name: new[name] for name in old} == old


def test_version_depends_on_content_and_split_not_on_order_or_lines() -> None:
    options = SplitConfig()
    version = assemble(corpus(), options).version
    assert assemble(reversed(corpus()), options).version == version
    assert assemble(corpus(line=77), options).version == version
    assert assemble(corpus(41), options).version != version
    assert assemble(corpus(), SplitConfig(seed=1)).version != version


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_a_small_share_still_holds_something_out(share: float) -> None:
    assert assemble(corpus(5), SplitConfig(rephrased=share)).of("test")


def test_written_splits_hold_messages_and_no_origin_but_samples_hold_both() -> None:
    dataset = assemble(corpus(), SplitConfig())
    train = [json.loads(line) for line in split_files(dataset)["train.jsonl"].splitlines()]
    assert len(train) == len(dataset.of("train"))
    assert {"role": "assistant", "content": "The answer to fact-0."} in [row["messages"][1] for row in train]
    assert not any("origin" in row for row in train)
    rows = [json.loads(line) for line in row_lines(dataset).splitlines()]
    assert len(rows) == 160
    assert rows[0]["origin"]["spans"] == [{"source": "docs/a.md", "first_line": 1, "last_line": 1}]


def pairs(count: int, repeated: bool = False) -> list[Made]:
    """Question-answer pairs as files hold them; `repeated`: every question stands twice, with another answer."""
    return [
        Made(
            Sample((Message("user", f"Question {n}?"), Message("assistant", answer)), "question-answer", f"pair:{n}"),
            Origin((Span("pairs.csv", n + 2, n + 2),), "task", "pairs@1"),
        )
        for n in range(count)
        for answer in (["Yes.", "No."] if repeated else ["Yes."])
    ]


def marks(dataset: Dataset) -> dict[str, tuple[str | None, str | None]]:
    return {row.made.sample.id: (row.split, row.held_out) for row in dataset.rows}


def test_pairs_without_a_split_are_held_out_by_chance_and_whole_questions_at_a_time() -> None:
    made = pairs(200, repeated=True)
    dataset = assemble(made, SplitConfig(), {item.sample.id: None for item in made})
    asked = {split: {item.sample.fact for item in dataset.of(split)} for split in SPLITS}
    assert 10 <= len(asked["test"]) <= 35
    assert 3 <= len(asked["validation"]) <= 20
    assert asked["test"].isdisjoint(asked["train"] | asked["validation"])
    assert asked["validation"].isdisjoint(asked["train"])
    assert sum(len(dataset.of(split)) for split in SPLITS) == 400
    assert {mark for mark in marks(dataset).values() if mark[0] == "test"} == {("test", "random")}


def test_splits_that_files_give_are_kept_and_nothing_more_is_held_out_for_them() -> None:
    made = pairs(40)
    given: dict[str, Split | None] = {item.sample.id: "test" if n < 5 else None for n, item in enumerate(made)}
    dataset = assemble(made, SplitConfig(validation=0.0), given)
    assert {item.sample.id for item in dataset.of("test")} == {item.sample.id for item in made[:5]}
    assert len(dataset.of("train")) == 35
    assert marks(dataset)[made[0].sample.id] == ("test", "given")


def test_one_pair_alone_is_trained_on() -> None:
    made = pairs(1)
    assert len(assemble(made, SplitConfig(test=0.9), {made[0].sample.id: None}).of("train")) == 1


BROKEN = "```python\nimport acme\n\nacme.send(parcel, town='Oslo', grams=5)\n```"
ASKING = ("Why does this fail?", "Can you repair what I wrote?", "Please help me with these lines.")


@pytest.mark.parametrize(
    "questions",
    [
        [f"{words}\n\n{BROKEN}" for words in ASKING],
        [f"Why is it so that a parcel to the town comes on the next day of the week{mark}" for mark in ("?", " now?")],
    ],
)
def test_a_phrasing_that_asks_in_the_same_words_or_about_the_same_code_is_not_held_out(questions: list[str]) -> None:
    def phrased(fact: str, question: str) -> Made:
        messages = (Message("user", question.replace("parcel", fact)), Message("assistant", f"So is {fact}."))
        return Made(Sample(messages, "bug-fix", fact), made(fact, 0).origin)

    alike = [phrased(f"thing{number}", question) for number in range(20) for question in questions]
    options = SplitConfig(rephrased=0.5, validation=0.5)
    dataset = assemble([*alike, *corpus()], options)
    assert not {item.sample.kind for split in SPLITS[1:] for item in dataset.of(split)} & {"bug-fix"}
    assert {row.made.sample.id: row.split for row in assemble(corpus(), options).rows}.items() <= {
        row.made.sample.id: row.split for row in dataset.rows
    }.items()
    assert duplicates(dataset).leaked == 0
