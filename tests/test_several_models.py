"""Several trainings in one run, each in a worker of its own: one that fails does not lose the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
PLUGINS = """
import os, signal, time
from pathlib import Path
from docutune import Registration, TrainingConfig, hookimpl
from docutune.errors import DocutuneError
from docutune.records import Answer, Measure, Message, ModelRef, Probe
from pydantic import BaseModel, ConfigDict

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Training(TrainingConfig):
    then: str = ""

def mended(): return Path("mended").exists()

class Trainer:
    def __init__(self, config): self.then = config.then

    def train(self, train, validation, base, context):
        print("hello from the trainer", flush=True)
        context.progress(1, 1, loss=1.5, parameters=3_000_000, memory_gib=0.25)
        if not mended():
            exec(self.then)
        adapter = context.folder / "adapter"
        adapter.mkdir()
        (adapter / "adapter_config.json").write_text("{}")
        (adapter / "template.json").write_text(self.then)
        return ModelRef(base.folder, base.digest, adapter)

class Runtime:
    def __init__(self, config): pass
    def open(self, model):
        if model.adapter is not None and "mute" in (model.adapter / "template.json").read_text() and not mended():
            raise DocutuneError("the model is mute", "make it speak")
        return self
    def answer(self, probes, variant):
        return [Answer(probe.id, variant, "He." if variant == "tuned" else "She.", True) for probe in probes]
    def stream(self, messages, variant, sampling): yield from ("He", ".")
    def close(self): pass

class Evaluator:
    def __init__(self, config): pass
    def probes(self, held_out, library):
        return [Probe(str(number), (Message("user", f"Who is {number}?"),)) for number in range(8)]
    async def measure(self, answers, held_out, library, context):
        return [Measure("match", a.probe, a.variant, float(a.text == "He.")) for a in answers]

@hookimpl
def docutune_trainers(): return [Registration("fake", 1, "Trains nothing", Training, "several:Trainer")]
@hookimpl
def docutune_runtimes(): return [Registration("fake", 1, "Answers", Nothing, "several:Runtime")]
@hookimpl
def docutune_evaluators(): return [Registration("fake", 1, "Measures", Nothing, "several:Evaluator")]
"""
TRAININGS = {
    "first": ("./base", ""),
    "lost": ("nobody/has-it", ""),
    "killed": ("./base", "os.kill(os.getpid(), signal.SIGKILL)"),
    "buggy": ("./base", "1 / 0"),
    "large": ("./base", "raise DocutuneError('out of memory on cuda:0', 'lower micro_batch_size')"),
    "mute": ("./base", "'mute'"),
    "last": ("./base", "'last'"),
}
MADE = ["first", "mute", "last"]
WORDS = {
    "base:nobody/has-it": "model 'nobody/has-it'",
    "train:killed": "the worker process was killed by SIGKILL",
    "train:buggy": "trainer 'fake' of several 1.0 failed: ZeroDivisionError: division by zero",
    "train:large": "out of memory on cuda:0",
    "evaluate:mute": "the model is mute",
}


def prepare(environment: Installed, *names: str, language: str = "en") -> Installed:
    """A pipeline of question-answer pairs and these trainings; its plugins do what their options say."""
    work = environment.work
    (work / "base").mkdir(exist_ok=True)
    (work / "base/config.json").write_text("{}")
    (work / "base/model.safetensors").write_bytes(b"weights")
    rows = "".join(f"Who is {number}?,He.,{'test' if number > 5 else 'train'}\n" for number in range(8))
    (work / "qa.csv").write_text(f"question,answer,split\n{rows}")
    lines = "".join(
        f"  - name: {name}\n    uses: fake\n    with: {{model: {model}, then: {json.dumps(then)}}}\n"
        for name, (model, then) in TRAININGS.items()
        if name in names
    )
    (work / "pipeline.yaml").write_text(
        f"version: 1\nproject: acme\nlanguage: {language}\nsources:\n  - samples: qa.csv\ntrain:\n{lines}"
        "runtime: {uses: fake}\nevaluate:\n  - uses: fake\n"
    )
    environment.install("several", {"several.py": PLUGINS}, "several = several")
    return environment


@pytest.fixture(scope="module")
def project(shared_environment: Installed) -> Installed:
    return prepare(shared_environment, *TRAININGS)


@pytest.fixture(scope="module")
def partly(project: Installed) -> Any:
    """A run of seven trainings: three models, one of them not evaluated, and four failures."""
    return project.docutune("run", "--json", HF_HUB_OFFLINE="1")


@pytest.fixture(scope="module")
def summary(partly: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(partly.stdout)
    return found


def by_name(trainings: list[dict[str, Any]]) -> dict[str, tuple[str, str, str | None]]:
    return {entry["name"]: (entry["status"], entry["evaluation"], entry["failed"]) for entry in trainings}


EXPECTED = {
    "first": ("made", "made", None),
    "lost": ("skipped", "skipped", "base:nobody/has-it"),
    "killed": ("failed", "skipped", "train:killed"),
    "buggy": ("failed", "skipped", "train:buggy"),
    "large": ("failed", "skipped", "train:large"),
    "mute": ("made", "failed", "evaluate:mute"),
    "last": ("made", "made", None),
}


def test_the_others_are_trained_and_evaluated_and_every_entry_has_its_status(
    partly: Any, summary: dict[str, Any]
) -> None:
    assert partly.returncode == 1
    assert summary["outcome"] == "failed"
    assert by_name(summary["trainings"]) == EXPECTED
    assert [model["name"] for model in summary["models"]] == MADE
    assert set(summary["figures"]) == {"first", "last"}
    assert {failure["step"] for failure in summary["failures"]} == set(WORDS)


def test_the_last_lines_name_each_failure_with_its_hint_and_its_log(partly: Any, summary: dict[str, Any]) -> None:
    end = partly.stderr[partly.stderr.index("error: ") :]
    errors = [line for line in end.splitlines() if not line.startswith("  ")]
    assert len(errors) == len(WORDS)
    for step, words in WORDS.items():
        assert any(line.startswith(f"error: {step}: {words}") for line in errors), (step, end)
    assert "  lower micro_batch_size\n" in end
    assert "  make it speak\n" in end
    assert "Traceback" not in partly.stderr
    logs = {name: Path(summary["folder"], "jobs", name, "log.txt") for name in ("killed", "buggy", "large")}
    for log in logs.values():
        assert str(log) in end
        assert "hello from the trainer" in log.read_text()
    assert "skipped  train:lost" in partly.stderr


def test_status_tells_of_such_a_run(project: Installed, summary: dict[str, Any]) -> None:
    for rebuild in ((), ("--rebuild",)):
        row = project.answer("status", *rebuild)[-1]
        assert (row["outcome"], row["models"]) == ("failed", sorted(MADE))
        assert row["failed"] == ["base:nobody/has-it", "train:killed", "train:buggy", "train:large", "evaluate:mute"]
    assert "failed: base:nobody/has-it, train:killed" in project.docutune("status").stdout
    shown = project.docutune("status", summary["run"]).stdout
    for step, words in WORDS.items():
        assert f"error: {step}: {words}" in shown
    assert "jobs/large/log.txt" in shown
    assert by_name(project.answer("status", summary["run"])["trainings"]) == EXPECTED


def test_the_report_has_a_row_for_every_training(project: Installed, summary: dict[str, Any]) -> None:
    report = json.loads(project.docutune("report", "--format", "json").stdout)
    assert {entry["name"]: entry["status"] for entry in report["trainings"]} == {
        name: status for name, (status, _, _) in EXPECTED.items()
    }
    assert [model["name"] for model in report["models"]] == MADE
    skipped = {failure["step"]: failure.get("skipped") for failure in report["failures"]}
    assert skipped["base:nobody/has-it"] == ["train:lost", "evaluate:lost"]
    assert "4 of 7 trainings gave no model: lost, killed, buggy, large." in report["headline"]
    assert "1 of 3 models could not be evaluated: mute." in report["headline"]
    page, text = (Path(summary["folder"], f"report.{form}").read_text() for form in ("html", "md"))
    for words in ("out of memory on cuda:0", "lower micro_batch_size", "jobs/large/log.txt".replace("log.txt", "")):
        assert words.replace("/", "/<wbr>") in page or words in page
        assert words.replace("_", "\\_") in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ") and " | ./base | " in line]
    compared = {row[0].removeprefix("| "): row for row in rows}
    assert set(compared) == {*TRAININGS} - {"lost"}
    assert compared["first"][2] == "3 M"
    assert compared["first"][-1].startswith("0.25 GiB")
    assert compared["large"][8] == "failed"


def test_the_chinese_report_tells_it_in_chinese(environment: Installed) -> None:
    prepare(environment, "first", "large", language="zh")
    done = environment.docutune("run", "--json")
    assert done.returncode == 1
    for form in ("html", "md"):
        text = Path(json.loads(done.stdout)["folder"], f"report.{form}").read_text()
        assert "2 个训练中有 1 个没有得到模型：large。" in text
        assert "out of memory on cuda:0" in text
        assert "失败" in text and "内存峰值" in text if form == "md" else "峰值" in text


def test_trace_and_chat_understand_such_a_run(project: Installed, summary: dict[str, Any]) -> None:
    run = project.answer("trace", summary["run"])
    assert (run["outcome"], by_name(run["trainings"])) == ("failed", EXPECTED)
    assert {failure["step"] for failure in run["failures"]} == set(WORDS)
    assert "train:large: out of memory" in project.docutune("trace", summary["run"]).stdout
    assert project.answer("trace", "last")["trained"] == [summary["run"]]
    for chosen in ([], ["--model", "last"], ["--run", summary["run"]]):
        done = project.docutune("chat", *chosen, "Who?")
        assert (done.returncode, done.stdout) == (0, "He.\n"), done.stderr
    done = project.docutune("chat", "--model", "large", "Who?")
    assert done.returncode == 2
    assert "there is no model 'large': train:large failed in run" in done.stderr
    assert "models of this workspace: first, last, mute" in done.stderr


def test_the_next_run_makes_only_what_failed(project: Installed, summary: dict[str, Any]) -> None:
    planned = {step["name"]: step["action"] for step in project.answer("plan", HF_HUB_OFFLINE="1")["steps"]}
    assert {name for name, action in planned.items() if action == "make"} == {
        *("train:killed", "train:buggy", "train:large", "evaluate:mute", "base:nobody/has-it"),
    }
    assert {name for name, action in planned.items() if action == "waits"} == {
        *("train:lost", "evaluate:lost", "evaluate:killed", "evaluate:buggy", "evaluate:large"),
    }
    (project.work / "mended").touch()
    prepare(project, *(name for name in TRAININGS if name != "lost"))
    again = project.answer("run")
    (project.work / "mended").unlink()
    assert again["outcome"] == "finished"
    statuses = {entry["name"]: (entry["status"], entry["evaluation"]) for entry in again["trainings"]}
    assert statuses == {
        **dict.fromkeys(("first", "last"), ("reused", "reused")),
        **dict.fromkeys(("killed", "buggy", "large"), ("made", "made")),
        "mute": ("reused", "made"),
    }
    assert again["failures"] == []


def test_the_only_training_that_fails_leaves_a_report_of_its_dataset(environment: Installed) -> None:
    prepare(environment, "large")
    done = environment.docutune("run")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-3:-1] == [
        "error: train:large: out of memory on cuda:0",
        "  lower micro_batch_size",
    ]
    report = json.loads(environment.docutune("report", "--format", "json").stdout)
    assert "No model was trained. 1 of 1 trainings gave no model: large." in report["headline"]
    assert report["failures"][0]["message"] == "out of memory on cuda:0"
    assert report["dataset"]["train"] == 6
    assert "nothing was trained" not in done.stderr


def test_a_full_disk_ends_the_run_at_once(environment: Installed) -> None:
    prepare(environment, "first", "large", "last")
    text = (environment.work / "pipeline.yaml").read_text()
    full = "raise OSError(28, 'No space left on device', str(context.folder / 'weights'))"
    (environment.work / "pipeline.yaml").write_text(text.replace(json.dumps(TRAININGS["large"][1]), json.dumps(full)))
    done = environment.docutune("run")
    assert done.returncode == 1
    assert "cannot write" in done.stderr.splitlines()[-2]
    assert "train:last" not in done.stderr
    (row,) = environment.answer("status")
    assert (row["outcome"], row["models"], row["failed"]) == ("failed", ["first"], ["train:large"])


def test_a_stop_ends_the_run_at_once(environment: Installed) -> None:
    prepare(environment, "first", "large", "last")
    text = (environment.work / "pipeline.yaml").read_text()
    slow = "for _ in range(2000): context.progress(1); time.sleep(0.05)"
    (environment.work / "pipeline.yaml").write_text(text.replace(json.dumps(TRAININGS["large"][1]), json.dumps(slow)))
    path = os.pathsep.join([str(environment.site), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", COMMAND, "run"]
    with subprocess.Popen(
        command,
        cwd=environment.work,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        log = environment.work / ".docutune/runs/latest/jobs/large/log.txt"
        until = time.monotonic() + 120
        while not (log.is_file() and "hello" in log.read_text()):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=120)[1]
    assert process.returncode == 130, errors
    assert "train:last" not in errors
    (row,) = environment.answer("status")
    assert (row["outcome"], row["models"], row.get("failed")) == ("interrupted", ["first"], None)
    assert environment.docutune("chat", "Who?").stdout == "He.\n"


def test_asked_for_the_cause_the_first_failure_ends_the_run(environment: Installed) -> None:
    prepare(environment, "first", "large", "last")
    done = environment.docutune("run", DOCUTUNE_STRICT="1")
    assert done.returncode == 1
    assert "train:last" not in done.stderr
