"""Judging samples and answers one by one: nothing that was given is lost, and the pipeline heeds it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

from docutune.records import fingerprint
from docutune.workspace import Store, read_manifest, write_manifest

COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
PIPELINE = "version: 1\nproject: acme\nsources:\n  - samples: qa.jsonl\ncurate: []\nsplit: {test: 0.25}\n"
SECONDS = 120.0


@pytest.fixture(scope="module")
def made(shared_environment: Installed) -> Installed:
    """A dataset of twelve samples."""
    rows = [{"question": f"What is number {number}?", "answer": f"It is {number}."} for number in range(12)]
    (shared_environment.work / "qa.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (shared_environment.work / "pipeline.yaml").write_text(PIPELINE)
    done = shared_environment.docutune("run")
    assert done.returncode == 0, done.stderr
    return shared_environment


@pytest.fixture
def desk(made: Installed, environment: Installed) -> Installed:
    """A copy of it, for one test alone."""
    shutil.copytree(made.work, environment.work, dirs_exist_ok=True, symlinks=True)
    return environment


def rated(desk: Installed, lines: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Judge with a line for each key."""
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "dataset", "rate", *arguments],
        input=lines,
        capture_output=True,
        text=True,
        cwd=desk.work,
        timeout=SECONDS,
    )


def ratings(desk: Installed) -> list[dict[str, Any]]:
    """What the notebook keeps, in the order in which it was given."""
    path = desk.work / ".docutune/notebook.json"
    return list(json.loads(path.read_text()).get("ratings", {}).values()) if path.is_file() else []


def shown(text: str) -> list[str]:
    """The ids of what was shown, in order."""
    return re.findall(r"── [\d,]+/[\d,]+ · \S+ · \w+ · ([0-9a-f]{16}) ──", text)


def test_each_line_is_a_verdict_and_the_next_sitting_goes_on_there(desk: Installed) -> None:
    first = rated(desk, "g\nb wrong number\n\ns\nquit\n")
    assert first.returncode == 0, first.stderr
    seen = shown(first.stdout)
    assert [item["id"] for item in ratings(desk)] == seen[:3]
    assert [item["verdict"] for item in ratings(desk)] == ["good", "bad", "skip"]
    assert ratings(desk)[1]["note"] == "wrong number"
    second = rated(desk, "good\n")
    assert shown(second.stdout)[0] == seen[3]
    assert "4/12" in second.stdout
    assert "4 of 12 judged: 2 good, 1 bad, 1 passed over" in second.stdout


def test_the_last_verdict_can_be_taken_back_also_tomorrow(desk: Installed) -> None:
    seen = shown(rated(desk, "g\nb odd\n").stdout)
    again = rated(desk, "u\nu\ng\n")
    assert shown(again.stdout)[:4] == [seen[2], seen[1], seen[0], seen[1]]
    assert "note: odd" in again.stdout, "what was noted stays"
    assert [(item["id"], item.get("verdict")) for item in ratings(desk)] == [(seen[1], None), (seen[0], "good")]
    assert "there is nothing to take back" in rated(desk, "u\nu\n").stdout


def test_a_note_is_kept_at_once_and_stays_with_the_verdict(desk: Installed) -> None:
    seen = shown(rated(desk, "n look at this\n").stdout)
    assert [(item["note"], item.get("verdict")) for item in ratings(desk)] == [("look at this", None)]
    again = rated(desk, "g\n")
    assert shown(again.stdout)[0] == seen[0]
    assert [(item["note"], item["verdict"]) for item in ratings(desk)] == [("look at this", "good")]


def test_a_line_that_is_no_key_is_named_and_what_came_before_is_kept(desk: Installed) -> None:
    done = rated(desk, "g\nx\ng\n")
    assert done.returncode == 2
    assert "'x' is no key" in done.stderr
    assert len(ratings(desk)) == 1


def test_what_is_walked_through_can_be_chosen(desk: Installed) -> None:
    done = rated(desk, "g\n" * 20, "--split", "test", "--limit", "2")
    assert len(shown(done.stdout)) == 2
    assert set(re.findall(r"· (\w+) · [0-9a-f]{16}", done.stdout)) == {"test"}
    other = rated(desk, "", "--seed", "1")
    assert shown(other.stdout) != shown(rated(desk, "").stdout)
    none = rated(desk, "", "--kind", "haiku")
    assert none.returncode == 2
    assert "no samples of kind 'haiku'" in none.stderr


def test_everybody_goes_through_all_of_it(desk: Installed) -> None:
    seen = shown(rated(desk, "b\n", "--rater", "ada").stdout)
    assert shown(rated(desk, "g\n").stdout)[0] == seen[0]
    assert [(item.get("rater"), item["verdict"]) for item in ratings(desk)] == [("ada", "bad"), (None, "good")]
    told = desk.answer("dataset", "rate")
    assert (told["things"], told["rated"], told["good"], told["bad"]) == (12, 1, 1, 1)
    assert told["by_kind"]["question-answer"] == {"good": 1, "bad": 1, "skip": 0}


def test_a_pipeline_leaves_out_what_was_called_bad(desk: Installed) -> None:
    seen = shown(rated(desk, "g\nb wrong number\nb\n").stdout)
    assert desk.docutune("dataset", "rate", "--export", "ratings.jsonl").returncode == 0
    (desk.work / "pipeline.yaml").write_text(f"{PIPELINE}ratings: ratings.jsonl\n")
    done = desk.docutune("run")
    assert done.returncode == 0, done.stderr
    lines = (desk.work / ".docutune/runs/latest/rejected.jsonl").read_text().splitlines()
    left_out = {item["subject"]: item["reason"] for item in map(json.loads, lines)}
    assert left_out == {seen[1]: "rated bad: wrong number", seen[2]: "rated bad"}
    version = desk.answer("dataset", "rate")
    assert version["things"] == 10
    with (desk.work / "ratings.jsonl").open("a") as file:
        file.write('{"id": 7}\n')
    broken = desk.docutune("validate")
    assert broken.returncode == 2
    assert "ratings.jsonl:4: no rating" in broken.stderr
    (desk.work / "pipeline.yaml").write_text(f"{PIPELINE}ratings: none.jsonl\n")
    assert "none.jsonl: cannot be read" in desk.docutune("validate").stderr


def test_answers_are_compared_without_telling_whose_they_are(desk: Installed) -> None:
    """The answers of an evaluation as a run keeps them; each tuned one is longer."""
    store = Store(desk.work)
    run = store.runs()[-1]
    manifest = read_manifest(run)
    held_out = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    probes = [row["id"] for row in held_out if row["split"] == "test"]
    said = [
        {"probe": probe, "variant": variant, "text": "No." if variant == "base" else "It is a number.", "ended": True}
        for probe in probes
        for variant in ("base", "tuned")
    ]
    same = [{"probe": probes[0], "variant": variant, "text": "Same.", "ended": True} for variant in ("base", "tuned")]
    key = fingerprint("an evaluation")
    store.keep("results", key, {"measures": {}, "answers": [*same, *said[2:]]})
    step = {"name": "evaluate:tiny", "plugin": "e", "key": key, "status": "made", "seconds": 0.0, "figures": {}}
    models = [{"name": "tiny", "key": "k" * 24}]
    write_manifest(run, {**manifest, "steps": [*manifest["steps"], step], "models": models})

    done = rated(desk, "", "--answers")
    assert "base" not in done.stdout.partition("judged")[0]
    assert len(probes) > 2
    keys = []
    for _ in probes[1:]:
        text = rated(desk, "", "--answers").stdout
        first = re.search(r"answer 1\n  (.*)", text)
        assert first is not None
        keys.append("1" if first[1] == "It is a number." else "2")
        assert rated(desk, f"{keys[-1]} better\n", "--answers").returncode == 0
    told = desk.answer("dataset", "rate", "--answers", "tiny")
    assert (told["subject"], told["things"], told["tuned"], told["base"]) == (
        "answers",
        len(probes) - 1,
        len(probes) - 1,
        0,
    )
    last = rated(desk, "0\n", "--answers", "--rater", "ada").stdout
    assert f"{len(probes) - 1} for the tuned model" in last and "1 where both are bad" in last
    assert "there is no measured model 'other'" in rated(desk, "", "--answers", "other").stderr
    desk.docutune("dataset", "rate", "--answers", "--export", "answers.jsonl")
    exported = [json.loads(line) for line in (desk.work / "answers.jsonl").read_text().splitlines()]
    assert {item["sample"] for item in exported} == set(probes[1:])


def test_without_an_evaluation_there_are_no_answers(desk: Installed) -> None:
    done = rated(desk, "", "--answers")
    assert done.returncode == 2
    assert "no model has been measured yet" in done.stderr


class Terminal:
    """The command at a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self.output = ""
        self.child, self.descriptor = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execv(sys.executable, [sys.executable, "-c", COMMAND, "dataset", "rate"])

    def until(self, text: str, count: int = 1) -> None:
        """Read until the text has been shown so often."""
        end = time.monotonic() + SECONDS
        while self.output.count(text) < count:
            assert time.monotonic() < end, self.output
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    self.output += os.read(self.descriptor, 65536).decode("utf-8", "replace")
                except OSError:
                    break
        assert self.output.count(text) >= count, self.output

    def press(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def code(self) -> int:
        """Its exit code, when it has ended."""
        self.until_the_end()
        _, status = os.waitpid(self.child, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)

    def until_the_end(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    read = os.read(self.descriptor, 65536)
                except OSError:
                    return
                if not read:
                    return
                self.output += read.decode("utf-8", "replace")
        os.kill(self.child, signal.SIGKILL)
        raise AssertionError(self.output)


def test_single_keys_at_a_terminal_typed_ahead_or_not(desk: Installed) -> None:
    terminal = Terminal(desk.work)
    terminal.until("1/12")
    terminal.press("gbg\x1b[1~s")  # faster than anybody reads, and a key with a name
    terminal.until("5/12")
    terminal.press("n")
    terminal.until("note: ")
    terminal.press("odd wording\n")
    terminal.until("noted")
    terminal.press("?b")
    terminal.until("6/12")
    terminal.press("u")
    terminal.until("5/12", 2)
    terminal.press("g")
    terminal.until("6/12", 2)
    terminal.press("q")
    assert terminal.code() == 0
    assert [item["verdict"] for item in ratings(desk)] == ["good", "bad", "good", "skip", "good"]
    assert ratings(desk)[-1]["note"] == "odd wording"
    assert "5 of 12 judged: 3 good, 1 bad, 1 passed over" in terminal.output


def test_ctrl_c_loses_nothing_that_was_given(desk: Installed) -> None:
    terminal = Terminal(desk.work)
    terminal.until("1/12")
    terminal.press("gb")
    terminal.until("3/12")
    terminal.press("\x03")
    assert terminal.code() == 130
    assert "every verdict is kept" in terminal.output
    assert [item["verdict"] for item in ratings(desk)] == ["good", "bad"]
    again = Terminal(desk.work)
    again.until("3/12")
    again.press("n")
    again.until("note: ")
    again.press("half a no\x03")
    assert again.code() == 130
    assert len(ratings(desk)) == 2
    third = Terminal(desk.work)
    third.until("3/12")
    third.press("g\x04")
    assert third.code() == 0
    assert len(ratings(desk)) == 3
