"""Why a sample differs between two dataset versions: every cause that two runs can tell of, the nearest one first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from docutune.corpus import Dataset, Row, version_of
from docutune.datasets.causes import Causes
from docutune.datasets.compare import compare
from docutune.datasets.making import Making
from docutune.records import Made, Message, Origin, Sample, Span


def row(answer: str, question: str = "Why?", split: Any = "train", **origin: Any) -> Row:
    sample = Sample((Message("user", question), Message("assistant", answer)), "purpose", f"purpose:{question}")
    known = {"spans": (Span("a.md", 1, 2),), "task": "t", "producer": "langchain@1", **origin}
    held_out = None if split == "train" else "rephrased"
    return Row(Made(sample, Origin(**known)), split, held_out)


def made(*rows: Row, run: str | None = "20260101-000000", **facts: Any) -> Making:
    dataset = Dataset(version_of(rows), rows)
    known: dict[str, Any] = {
        "documents": {"a.md": "1", "b.md": "1"},
        "file": {},
        "prompts": {},
        "rejected": {},
        **facts,
    }
    return Making(dataset, run, **known)


def why(before: Making, after: Making) -> list[str]:
    return [str(Causes(before, after).of(item)) for item in compare(before.dataset, after.dataset)]


OTHER = row("It is.", "Who?", producer="grounded@3")
GENERATE = {"generate": [{"uses": "langchain", "with": {"temperature": 0.1}}]}


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (made(row("A")), made(row("B"), documents={"a.md": "2"}), "document changed: a.md"),
        (made(row("A")), made(row("B"), documents={}), "document removed: a.md"),
        (made(row("A")), made(row("B", producer="langchain@2")), "generator changed: langchain, revision 1 -> 2"),
        (made(row("A", model="x")), made(row("B", model="y")), "model changed: x -> y"),
        (made(row("A", model="x")), made(row("B")), "model changed: x -> -"),
        (
            made(row("A"), prompts={"langchain/en/how-to": "1", "judge/en/score": "1"}),
            made(row("B"), prompts={"langchain/en/how-to": "2", "judge/en/score": "2"}),
            "prompt changed: langchain/en/how-to",
        ),
        (
            made(row("A")),
            made(row("B"), file=GENERATE),
            "options of the generator changed: langchain, temperature default -> 0.1",
        ),
        (made(row("A")), made(row("B"), file={"language": "zh"}), "languages changed: default -> zh"),
        (made(row("A")), made(row("B"), documents={"a.md": "1"}), "other documents changed: b.md"),
        (
            made(row("A")),
            made(row("B")),
            "no cause found: documents, generators, prompts and options are the same",
        ),
        (made(OTHER), made(OTHER, row("B")), "generator added: langchain"),
        (made(OTHER, row("A")), made(OTHER), "generator removed: langchain"),
        (made(row("A")), made(row("A", split="test"), row("B", "Who?")), "no cause found"),
    ],
)
def test_a_cause_is_named(before: Making, after: Making, cause: str) -> None:
    assert any(found.startswith(cause) for found in why(before, after))


def test_what_a_curator_says_comes_before_what_changed_in_a_document() -> None:
    gone = row("A")
    left_out = {gone.made.sample.id: ("judge", "score 2: says nothing")}
    after = made(OTHER, documents={"a.md": "2"}, rejected=left_out)
    assert why(made(OTHER, gone), after) == ["left out by judge: score 2: says nothing"]
    assert why(after, made(OTHER, gone)) == ["no longer left out by judge: score 2: says nothing"]


def test_a_held_out_phrasing_moves_when_others_of_its_fact_come() -> None:
    one, more = row("A"), row("Another A")
    before, after = made(one), made(replace(one, split="test", held_out="rephrased"), more)
    assert sorted(why(before, after))[-1] == "other samples of its fact came or went"


def test_without_runs_nothing_is_made_up() -> None:
    before, after = made(row("A"), run=None, documents={}), made(row("B"))
    assert why(before, after)[0].startswith(f"no run tells why: {before.dataset.version} came from elsewhere")


def asked(question: str, answer: str, **origin: Any) -> Row:
    """One of several phrasings of a fact."""
    sample = Sample((Message("user", question), Message("assistant", answer)), "purpose", "fact")
    known = {"spans": (Span("a.md", 1, 2),), "task": "t", "producer": "langchain@1", **origin}
    return Row(Made(sample, Origin(**known)), "train")


def test_the_phrasings_of_a_fact_are_told_apart_by_their_questions() -> None:
    old = Dataset("", (asked("Why?", "Old."), asked("What for?", "Old too.")))
    new = Dataset("", (asked("A new one", "New too."), asked("Why?", "New."), asked("What for?", "Newer.")))
    pairs = [(item.before, item.after) for item in compare(old, new)]
    said = {tuple(side and side.made.sample.messages[0].content for side in pair) for pair in pairs}
    assert said == {("Why?", "Why?"), ("What for?", "What for?"), (None, "A new one")}


def test_an_edited_question_of_a_file_is_a_change() -> None:
    """Its fact is its question, so only its place and its answer tell that it is the same row."""
    edited = {"producer": "pairs@1", "spans": (Span("qa.csv", 3, 3),)}
    before, after = made(row("He.", "Who is it", **edited)), made(row("He.", "Who is it?", **edited))
    [found] = compare(before.dataset, after.dataset)
    assert found.what == "changed"
    assert [item.what for item in compare(made(row("He.", "A")).dataset, made(row("He.", "B")).dataset)] == [
        "removed",
        "added",
    ]
