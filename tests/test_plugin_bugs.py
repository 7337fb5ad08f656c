"""Plugins with bugs, through the command line: one line that names the plugin, its package and the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import Installed

GUIDE = """# Guide

Acme sends parcels to every city of the country within two days. It weighs them, finds the shortest way and tells the
receiver when to be at home. Nothing is lost, for every parcel has a number.
"""
CODE = '"""Parcels."""\n\n\ndef send():\n    """Send one parcel to a city and return its number."""\n'
BUGGY = """
import os, sys
from docutune import ParserRegistration, Registration, TrainingConfig, hookimpl
from docutune.records import *
from pydantic import BaseModel, ConfigDict

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    first: str = ""
    then: str = ""

class Training(TrainingConfig):
    then: str = ""

def sample(text): return Sample((Message("user", "Who?"), Message("assistant", text)), "purpose", "who")

def give(text, **names): return eval(text, {**globals(), **names})

class Buggy:
    def __init__(self, config):
        self.first = getattr(config, "first", "")
        self.then = config.then

    def parse(self, content, source): return give(content.decode(), source=source)

    def reject(self, samples, context): return give(self.first) if self.first else self.later()
    async def later(self): return give(self.then)

    def tasks(self, library): return give(self.first) if self.first else [Task({"name": "one"}, ())]
    def run(self, task, context, complaint=None):
        return give(self.then[6:]) if self.then.startswith("plain:") else self.later()

    def train(self, train, validation, base, context):
        adapter = context.folder / "adapter"
        adapter.mkdir()
        for name in ("adapter_config.json", "template.json"):
            (adapter / name).write_text("{}")
        return give(self.then) if self.then else ModelRef(base.folder, base.digest, adapter)

    def open(self, model): return give(self.first) if self.first else self
    def answer(self, probes, variant):
        if self.then: return give(self.then, probes=probes, variant=variant)
        return [Answer(probe.id, variant, "He.", True) for probe in probes]
    def close(self): pass

    def probes(self, held_out, library):
        return give(self.first) if self.first else [Probe("one", (Message("user", "Who?"),))]
    async def measure(self, answers, held_out, library, context): return give(self.then)

@hookimpl
def docutune_parsers():
    return [ParserRegistration("buggy", 1, "Buggy", Config, "acme_bugs:Buggy", suffixes=(".bug",))]

def offer(config=Config): return [Registration("buggy", 1, "Buggy", config, "acme_bugs:Buggy")]

@hookimpl
def docutune_generators(): return offer()
@hookimpl
def docutune_curators(): return offer()
@hookimpl
def docutune_trainers(): return offer(Training)
@hookimpl
def docutune_runtimes(): return offer()
@hookimpl
def docutune_evaluators(): return offer()
"""
PIPELINE = "version: 1\nproject: acme\nsources:\n  - path: docs\n  - path: acme.py\n"
SURROGATE = "chr(0xD800)"
PACKAGE = "of acme-bugs 1.0"


@pytest.fixture(scope="module")
def project(shared_environment: Installed) -> Installed:
    """A small library, a base model, and a package whose plugins do what their options say."""
    work = shared_environment.work
    for name in ("docs", "base"):
        (work / name).mkdir()
    (work / "docs/guide.md").write_text(GUIDE)
    (work / "acme.py").write_text(CODE)
    (work / "base/config.json").write_text("{}")
    (work / "base/model.safetensors").write_bytes(b"weights")
    shared_environment.install("acme-bugs", {"acme_bugs.py": BUGGY}, "bugs = acme_bugs")
    return shared_environment


def use(project: Installed, section: str) -> None:
    (project.work / "pipeline.yaml").write_text(PIPELINE + section)


def the_line(project: Installed, step: str) -> str:
    """What a run says of the bug: one line, and a hint; the step has failed, and the manifest says so."""
    done = project.docutune("run")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    shown = done.stderr.splitlines()
    assert [line.split()[1] for line in shown if line.startswith(" FAILED")] == [step]
    (place,) = [number for number, line in enumerate(shown) if line.startswith("error: ")]
    assert all(line.startswith("  ") for line in shown[place + 1 :])
    assert [line for line in shown[place + 2 :] if not line.startswith("  all that it printed: ")] == []
    assert len(shown) > place + 1
    manifest = json.loads((project.work / ".docutune/runs/latest/manifest.json").read_text())
    assert [(entry["name"], entry["status"]) for entry in manifest["steps"] if entry["status"] != "skipped"][-1] == (
        step,
        "failed",
    )
    return str(shown[place]).removeprefix("error: ").removeprefix(f"{step}: ")


TWO = "generate: [{uses: buggy, with: {then: \"[sample('He.'), sample('She.')]\"}}]\nsplit: {rephrased: 0}\n"
LOOKED = "failed while it looked through the samples: "
DECLARED = "failed while it declared its tasks: "


def buggy(kind: str, **options: str) -> str:
    return f"{kind}: [{{uses: buggy, with: {json.dumps(options)}}}]\n"


@pytest.mark.parametrize(
    ("option", "bug", "line"),
    [
        ("then", "1 / 0", f"{LOOKED}ZeroDivisionError: division by zero"),
        ("then", "sys.exit(3)", f"{LOOKED}SystemExit: 3"),
        ("then", "(1 / 0 for _ in 'a')", f"{LOOKED}ZeroDivisionError: division by zero"),
        ("then", "None", "gave back None from reject(), not a list of pairs of index and reason"),
        ("then", "[1]", "gave back an int from reject() where a pair of index and reason belongs"),
        ("then", "[(2, 'far')]", "rejected the sample 2, but their indexes run from 0 to 1"),
        ("then", "[(-1, 'last')]", "rejected the sample -1, but their indexes run from 0 to 1"),
        ("then", "[(0, 7)]", "rejected the sample 0 and gave an int as the reason, not text"),
        ("then", f"[(0, {SURROGATE})]", f"{LOOKED}UnicodeEncodeError: "),
        ("first", "[(0, 'no')]", "has a reject() that is not `async def`, or one with `yield`: it gave back a list"),
    ],
)
def test_a_curator_s_bug_is_one_line(project: Installed, option: str, bug: str, line: str) -> None:
    use(project, TWO + buggy("curate", **{option: bug}))
    assert the_line(project, "curate:buggy").startswith(f"curator 'buggy' {PACKAGE} {line}")


@pytest.mark.parametrize(
    ("option", "bug", "line"),
    [
        ("first", "{}['key']", f"{DECLARED}KeyError: 'key'"),
        ("first", "sys.exit(4)", f"{DECLARED}SystemExit: 4"),
        ("first", "[1]", "gave back an int from tasks() where a Task belongs"),
        ("first", "[Task({'name': 1}, (3,))]", "gave back a wrong Task from tasks(): ValueError: Task.spans[0]: "),
        ("then", "{}['key']", "failed at the task {'name': 'one'}: KeyError: 'key'"),
        ("then", "sys.exit(4)", "failed at the task {'name': 'one'}: SystemExit: 4"),
        ("then", "[1]", "gave back an int from run() where a Sample belongs"),
        ("then", "sample('He.')", "gave back a Sample from run(), not a list of Sample"),
        ("then", "[sample(1)]", "gave back a wrong Sample from run(): ValueError: Sample.messages[1].content: "),
        ("then", f"[sample({SURROGATE})]", "gave back a wrong Sample from run(): UnicodeEncodeError: "),
        ("then", "plain:[]", "has a run() that is not `async def`, or one with `yield`: it gave back a list"),
    ],
)
def test_a_generator_s_bug_is_one_line(project: Installed, option: str, bug: str, line: str) -> None:
    use(project, buggy("generate", **{option: bug}))
    assert the_line(project, "generate:buggy").startswith(f"generator 'buggy' {PACKAGE} {line}")


def test_a_parser_s_bug_costs_one_document(project: Installed) -> None:
    bugs = {
        "exit": ("sys.exit(5)", "failed: SystemExit: 5"),
        "list": ("[]", "gave back a list from parse() where a Parsed belongs"),
        "none": ("None", "gave back None from parse() where a Parsed belongs"),
        "part": ("Parsed(sections=(1,))", "gave back a wrong Parsed from parse(): ValueError: Parsed.sections[0]: "),
        "text": (f"Parsed(problems=({SURROGATE},))", "gave back a wrong Parsed from parse(): UnicodeEncodeError: "),
        "zero": ("1 / 0", "failed: ZeroDivisionError: division by zero"),
    }
    (project.work / "bugs").mkdir()
    for name, (bug, _) in bugs.items():
        (project.work / f"bugs/{name}.bug").write_text(bug)
    use(project, "  - path: bugs\n")
    summary = project.answer("run", "--until", "parse")
    manifest = json.loads((Path(summary["folder"]) / "manifest.json").read_text())
    problems = {document["source"]: document["problems"] for document in manifest["documents"]}
    for name, (_, line) in bugs.items():
        (problem,) = problems[f"bugs/{name}.bug"]
        assert problem.startswith(f"not read: parser 'buggy' {PACKAGE} {line}")
    assert problems["docs/guide.md"] == problems["acme.py"] == []
    again = project.docutune("run", "--until", "parse", "--from", "parse", DOCUTUNE_STRICT="1").stderr
    assert "acme_bugs.py" in again and "ZeroDivisionError: division by zero\n" in again


def training(trainer: str = "", runtime: str = "{}", evaluator: str = "{}") -> str:
    lines = f"  - name: little\n    uses: buggy\n    with: {{model: ./base, then: {json.dumps(trainer)}}}\n"
    return (
        f"train:\n{lines}split: {{rephrased: 1.0}}\nruntime: {{uses: buggy, with: {runtime}}}\n"
        f"evaluate: [{{uses: buggy, with: {evaluator}}}]\n"
    )


GOOD = json.dumps({"then": "[Measure('length', 'one', 'base', 1.0), Measure('length', 'one', 'tuned', 2.0)]"})


@pytest.mark.parametrize(
    ("option", "bug", "line"),
    [
        ("first", "1 / 0", "failed while it made its probes: ZeroDivisionError: division by zero"),
        ("first", "sys.exit(6)", "failed while it made its probes: SystemExit: 6"),
        ("first", "[1]", "gave back an int from probes() where a Probe belongs"),
        ("first", "[Probe('one', ())] * 2", "gave 2 probes the one id 'one'"),
        ("then", "1 / 0", "failed while it measured the answers: ZeroDivisionError: division by zero"),
        ("then", "None", "gave back None from measure(), not a list of Measure"),
        ("then", "[Measure('length', 'one', 'base', '1')]", "gave back a wrong Measure from measure(): ValueError: "),
        ("then", "[Measure('length', 'two', 'base', 1)]", "measured 'two' (base), which is none of its probes"),
    ],
)
def test_an_evaluator_s_bug_is_one_line(project: Installed, option: str, bug: str, line: str) -> None:
    use(project, training(evaluator=json.dumps({option: bug})))
    assert the_line(project, "evaluate:little").startswith(f"evaluator 'buggy' {PACKAGE} {line}")


@pytest.mark.parametrize(
    ("option", "bug", "line"),
    [
        ("first", "1 / 0", "failed: ZeroDivisionError: division by zero"),
        ("first", "sys.exit(7)", "failed: SystemExit: 7"),
        ("then", "1 / 0", "failed: ZeroDivisionError: division by zero"),
        ("then", "sys.exit(7)", "failed: SystemExit: 7"),
        ("then", "[1]", "gave back an int from answer() where an Answer belongs"),
        ("then", "[]", "left 2 of 2 probes unanswered"),
        ("then", "[Answer('two', variant, 'He.', True)]", "answered 'two', which nobody asked"),
    ],
)
def test_a_runtime_s_bug_is_one_line(project: Installed, option: str, bug: str, line: str) -> None:
    use(project, training(runtime=json.dumps({option: bug}), evaluator=GOOD))
    assert the_line(project, "evaluate:little").startswith(f"runtime 'buggy' {PACKAGE} {line}")


@pytest.mark.parametrize(
    ("bug", "error"), [("1 / 0", "ZeroDivisionError: division by zero"), ("exit(8)", "SystemExit: 8")]
)
def test_a_trainer_s_bug_is_one_line(project: Installed, bug: str, error: str) -> None:
    use(project, training(trainer=bug))
    assert the_line(project, "train:little") == f"trainer 'buggy' {PACKAGE} failed: {error}"


def test_a_pipeline_of_the_same_plugins_without_bugs_runs_through(project: Installed) -> None:
    use(project, training(evaluator=GOOD) + buggy("curate", then="iter([[0, 'first']])"))
    assert project.answer("run")["outcome"] == "finished"


def test_the_traceback_is_shown_when_asked_for(project: Installed) -> None:
    use(project, TWO + buggy("curate", then="1 / 0"))
    before, _, _ = project.docutune("run", DOCUTUNE_STRICT="1").stderr.partition("error: ")
    assert "acme_bugs.py" in before and "ZeroDivisionError" in before
