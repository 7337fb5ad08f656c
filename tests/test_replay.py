"""Replay: samples of other data by ratio, chosen by seed, always trained and never asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

PIPELINE = """version: 1
project: acme
sources:
  - samples: own.jsonl
  - samples: general.jsonl
    replay: 0.25
split: {test: 0.2, validation: 0.1, seed: 0}
"""
THINGS = ("parcel", "pallet", "crate", "letter", "barrel", "basket", "bottle", "drum", "sack", "tube")
CITIES = ("Oslo", "Bergen", "Turku", "Malmo", "Visby", "Lund", "Narvik", "Vaasa", "Kiruna", "Tampere")
OWN = [
    {"question": f"Where does the {thing} for {city} go?", "answer": f"To {city} the {thing} goes by gate {n}{m}."}
    for n, thing in enumerate(THINGS)
    for m, city in enumerate(CITIES)
]
VERBS = ("paint", "sell", "draw", "clean", "weigh", "carry", "lend", "hide", "count", "build")
GENERAL = [
    {"instruction": f"How would you {verb} {count} old boats?", "output": f"I would {verb} all {count}, one a day."}
    for verb in VERBS
    for count in range(20, 32)
]


def lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def project(environment: Installed) -> Installed:
    (environment.work / "own.jsonl").write_text(lines(OWN))
    (environment.work / "general.jsonl").write_text(lines(GENERAL))
    (environment.work / "pipeline.yaml").write_text(PIPELINE)
    return environment


def run(project: Installed, *arguments: str) -> dict[str, Any]:
    """The summary of a run, with the rows of its dataset."""
    summary: dict[str, Any] = project.answer("run", "--until", "dataset", *arguments)
    text = (Path(summary["folder"]) / "samples.jsonl").read_text()
    return {**summary, "rows": [json.loads(line) for line in text.splitlines()]}


def replayed(summary: Mapping[str, Any]) -> list[str]:
    return [row["messages"][0]["content"] for row in summary["rows"] if row["kind"] == "replay"]


def others(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(row["id"], row["split"]) for row in summary["rows"] if row["kind"] != "replay"]


def test_as_many_are_trained_as_their_share_of_the_others_and_none_is_asked(project: Installed) -> None:
    with_replay = run(project)
    trained = sum(split == "train" for _, split in others(with_replay))
    assert 50 < trained < 90
    assert len(replayed(with_replay)) == round(0.25 * trained)
    assert {row["split"] for row in with_replay["rows"] if row["kind"] == "replay"} == {"train"}
    assert {row["origin"]["spans"][0]["source"] for row in with_replay["rows"] if row["kind"] == "replay"} == {
        "general.jsonl"
    }
    report = json.loads((Path(with_replay["folder"]) / "report.json").read_text())
    assert report["dataset"]["by_kind"]["replay"] == len(replayed(with_replay))
    without = PIPELINE.replace("  - samples: general.jsonl\n    replay: 0.25\n", "")
    (project.work / "pipeline.yaml").write_text(without)
    assert others(run(project)) == others(with_replay)


def test_the_seed_chooses_and_a_larger_share_keeps_what_a_smaller_one_chose(project: Installed) -> None:
    first = run(project)
    assert run(project)["dataset"]["version"] == first["dataset"]["version"]
    more = run(project, "--set", "sources[1].replay=0.5")
    assert set(replayed(first)) < set(replayed(more))
    other = run(project, "--set", "split.seed=1")
    assert set(replayed(other)) != set(replayed(first))
    every = run(project, "--set", "sources[1].replay=9")
    assert len(replayed(every)) == len(GENERAL)


def test_nothing_is_made_twice_and_the_plan_and_the_run_say_how_many(project: Installed) -> None:
    done = project.docutune("run", "--until", "dataset")
    assert f", {len(replayed(run(project)))} replay\n" in done.stderr
    planned = {step["name"]: step["action"] for step in project.answer("plan", "--until", "dataset")["steps"]}
    assert set(planned.values()) == {"reuse"}
    assert "replay" in planned
    (project.work / "general.jsonl").write_text(lines([*GENERAL[:-1], {"instruction": "Who?", "output": "Nobody."}]))
    changed = {step["name"]: step["action"] for step in project.answer("plan", "--until", "dataset")["steps"]}
    assert changed["parse"] == "make"


def test_what_is_held_out_is_never_replayed_and_own_samples_stay(project: Installed) -> None:
    asked = {row["messages"][0]["content"] for row in run(project)["rows"] if row["split"] in ("test", "validation")}
    known = [row for row in OWN if row["question"] not in asked]
    turns = ("user", "assistant", "user", "assistant")
    talks = [(question, "Nobody knows where.", "Why is that?", f"It is {len(question)}.") for question in sorted(asked)]
    held = [{"messages": [{"role": r, "content": t} for r, t in zip(turns, talk, strict=True)]} for talk in talks]
    same = [{"instruction": row["question"], "output": row["answer"]} for row in known]
    (project.work / "general.jsonl").write_text(lines([*held, *same]))
    summary = run(project, "--set", "sources[1].replay=5")
    assert replayed(summary) == []
    assert len(others(summary)) == len(OWN)


def test_replay_goes_with_samples_alone(project: Installed) -> None:
    for wrong in ("  - path: .\n    replay: 0.2\n", "  - samples: own.jsonl\n    replay: 0.2\n    split: test\n"):
        (project.work / "pipeline.yaml").write_text(f"version: 1\nproject: p\nsources:\n{wrong}")
        done = project.docutune("validate")
        assert done.returncode == 2
        assert "only samples are replayed, and never held out" in done.stderr
