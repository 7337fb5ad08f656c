"""Runs without training, through the command line: what is made, reused, rejected, and what stops a run."""

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

GUIDE = """# Guide

Acme sends parcels to every city of the country within two days. It weighs them, finds the shortest way and tells the
receiver when to be at home. Nothing is lost, for every parcel has a number.

## Sending

Call `acme.send` with the weight in grams:

```python
import acme
acme.send(500, city="Oslo")
```
"""
CODE = '''"""Parcels for everyone."""


def send(grams: int, *, city: str = "Bergen") -> str:
    """Send one parcel and return its number.

    Args:
        grams: The weight in grams.
        city: Where it goes.
    """
    return city


def track(number: str) -> str:
    """Tell where a parcel is at this moment."""
    return number
'''
RETURNS = """# Returns

Parcels may be returned within thirty days of their arrival, in the wrapping in which they came. The sender pays for the
way back unless the parcel was damaged on its way to the receiver.
"""
PIPELINE = "version: 1\nproject: acme\nsources:\n  - path: docs\n  - path: src\n"


@pytest.fixture
def project(environment: Installed) -> Installed:
    """A small library with docs and code, and a pipeline that trains nothing."""
    for name, text in {"docs/guide.md": GUIDE, "src/acme.py": CODE, "pipeline.yaml": PIPELINE}.items():
        path = environment.work / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return environment


def generator(body: str) -> dict[str, str]:
    """A stranger's package with a generator called "made-up": one task per public symbol."""
    return {
        "strange.py": f"""
import os, time
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, hookimpl
from docutune.records import Message, Sample, Task

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class MadeUp:
    def __init__(self, config): pass
    def tasks(self, library):
        for symbol in library.public():
            yield Task({{"name": symbol.name}}, (symbol.span,))
    async def run(self, task, context, complaint=None):
        name = task.payload["name"]
        def sample(answer):
            messages = (Message("user", f"What is {{name}}?"), Message("assistant", answer))
            return Sample(messages, "purpose", name, (name,))
{body}

@hookimpl
def docutune_generators():
    return [Registration("made-up", 1, "Makes things up", Config, "strange:MadeUp")]
"""
    }


def use(project: Installed, section: str) -> None:
    (project.work / "pipeline.yaml").write_text(PIPELINE + section)


def steps(project: Installed) -> dict[str, str]:
    manifest = json.loads((project.work / ".docutune/runs/latest/manifest.json").read_text())
    return {step["name"]: step["status"] for step in manifest["steps"]}


def rows(project: Installed) -> list[dict[str, Any]]:
    text = (project.work / ".docutune/runs/latest/samples.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_leaves_symbols_samples_with_origins_manifest_and_report(project: Installed) -> None:
    summary = project.answer("run")
    run = Path(summary["folder"])
    assert summary["outcome"] == "finished"
    symbols = {symbol["name"]: symbol for symbol in json.loads((run / "api.json").read_text())["symbols"]}
    assert symbols["acme.send"]["signature"] == 'send(grams: int, *, city: str = "Bergen") -> str'
    assert symbols["acme.send"] | {"source": "src/acme.py", "first_line": 4, "last_line": 11} == symbols["acme.send"]
    samples = rows(project)
    assert {"purpose", "signature", "usage", "negative"} <= {row["kind"] for row in samples}
    usage = next(row for row in samples if row["fact"] == "signature:acme.send")
    assert usage["origin"]["spans"][0] == {"source": "src/acme.py", "first_line": 4, "last_line": 11}
    sizes = summary["dataset"]
    assert sizes["train"] + sizes["validation"] + sizes["test"] == len(samples)
    train = run.parent.parent / "datasets" / sizes["version"] / "train.jsonl"
    assert len(train.read_text().splitlines()) == sizes["train"]
    manifest = json.loads((run / "manifest.json").read_text())
    assert {document["source"] for document in manifest["documents"]} == {"docs/guide.md", "src/acme.py"}
    assert "acme" in (run / "report.html").read_text()
    assert json.loads((run / "report.json").read_text())["dataset"]["version"] == sizes["version"]


def test_a_second_run_makes_nothing_and_gives_the_same_version(project: Installed) -> None:
    first = project.answer("run")
    second = project.answer("run")
    assert second["dataset"] == first["dataset"]
    assert second["run"] != first["run"]
    assert set(steps(project).values()) == {"reused"}


def test_plan_says_what_a_run_would_do_and_does_no_more_than_parse(project: Installed) -> None:
    plan = project.answer("plan")
    assert plan["documents"] == {
        "since": None,
        "added": ["docs/guide.md", "src/acme.py"],
        "changed": [],
        "removed": [],
        "reused": 0,
    }
    before = {step["name"]: step for step in plan["steps"]}
    assert before["parse"]["action"] == "make"
    assert before["generate:grounded"]["count"]["reused"] == 0
    assert before["dataset"]["action"] == "waits"
    assert not (project.work / ".docutune/runs").exists()
    project.answer("run")
    assert {step["action"] for step in project.answer("plan")["steps"]} == {"reuse"}
    guide = project.work / "docs/guide.md"
    guide.write_text(guide.read_text().replace("two days", "three days"))
    plan = project.answer("plan")
    assert plan["documents"]["changed"] == ["docs/guide.md"]
    assert plan["documents"]["reused"] == 1
    after = {step["name"]: step for step in plan["steps"]}
    assert after["parse"]["count"] == {"total": 2, "reused": 1}
    count = after["generate:grounded"]["count"]
    assert 0 < count["total"] - count["reused"] < count["total"]
    assert after["generate:grounded"]["stale"] == count["total"] - count["reused"]


def test_moving_text_down_changes_no_sample_but_every_origin_follows(project: Installed) -> None:
    version = project.answer("run")["dataset"]["version"]
    before = {row["id"]: row["origin"]["spans"] for row in rows(project) if row["fact"] == "purpose:acme.track"}
    source = project.work / "src/acme.py"
    source.write_text(source.read_text().replace("\n\n\ndef track", "\n\n\n\n\n\ndef track"))
    assert project.answer("run")["dataset"]["version"] == version
    after = {row["id"]: row["origin"]["spans"] for row in rows(project) if row["fact"] == "purpose:acme.track"}
    assert before.keys() == after.keys() != set()
    for name, (span, *_) in before.items():
        assert after[name][0]["first_line"] == span["first_line"] + 3


def test_a_removed_document_takes_its_samples_along(project: Installed) -> None:
    (project.work / "docs/extra.md").write_text(RETURNS)
    project.answer("run")
    assert any("thirty days" in json.dumps(row) for row in rows(project))
    (project.work / "docs/extra.md").unlink()
    project.answer("run")
    assert not any("thirty days" in json.dumps(row) for row in rows(project))


def test_until_stops_and_from_makes_anew(project: Installed) -> None:
    project.answer("run", "--until", "generate")
    assert list(steps(project)) == ["parse", "generate:grounded"]
    project.answer("run", "--from", "curate")
    assert steps(project)["generate:grounded"] == "reused"
    assert steps(project)["curate:duplicates"] == steps(project)["dataset"] == "made"
    done = project.docutune("run", "--until", "curat")
    assert done.returncode == 2
    assert "'curat' is not a step; did you mean 'curate'?" in done.stderr
    done = project.docutune("run", "--until", "train")
    assert "has no step of that kind" in done.stderr


def test_status_and_report_from_a_folder_below(project: Installed) -> None:
    run = project.answer("run")["run"]
    below = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]
    environment = {**os.environ, "PYTHONPATH": str(project.site)}

    def docutune(*arguments: str) -> str:
        return subprocess.run(
            [*below, *arguments], cwd=project.work / "docs", env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert [row["id"] for row in json.loads(docutune("status", "--json"))] == [run]
    assert f"run {run} of acme: finished" in docutune("status", run)
    assert docutune("report").startswith("#")
    docutune("report", "--output", "copy.html")
    assert (project.work / "docs/copy.html").read_text().startswith("<!DOCTYPE html>")
    done = project.docutune("report", "nope")
    assert (done.returncode, "there is no run 'nope'" in done.stderr) == (2, True)


def test_samples_that_name_what_does_not_exist_are_asked_for_again_then_rejected(project: Installed) -> None:
    body = """
        if name == "acme.send":
            told = complaint and "acme.dispatch" in complaint
            return [sample("Use `acme.send`." if told else "Use `acme.dispatch`.")]
        return [sample(f"Like `acme.{name[-5:]}` and `acme.nowhere`."), sample(f"It is {name}, for parcels.")]
"""
    project.install("strange", generator(body), "made-up = strange")
    use(project, "generate: [{uses: made-up}]\nsplit: {rephrased: 0}\n")
    project.answer("run")
    answers = {row["fact"]: row["messages"][-1]["content"] for row in rows(project)}
    assert answers["acme.send"] == "Use `acme.send`."
    assert answers["acme.track"] == "It is acme.track, for parcels."
    report = json.loads((project.work / ".docutune/runs/latest/report.json").read_text())
    assert sum(report["dataset"]["rejected"].values()) == 1 + ("acme" in answers)


def test_a_failing_generator_gives_one_line_and_keeps_what_was_made(project: Installed) -> None:
    body = """
        with open("calls", "a") as calls: calls.write(name + "\\n")
        if name == "acme.track" and not Path("mended").exists(): raise KeyError("weight")
        return [sample(f"It is {name}, for parcels.")]
"""
    project.install("strange", generator(body), "made-up = strange")
    use(project, "generate: [{uses: made-up}]\nsplit: {rephrased: 0}\n")
    done = project.docutune("run")
    assert done.returncode == 1
    assert "error: generator 'made-up' of strange 1.0 failed at src/acme.py:14-16: KeyError: 'weight'" in done.stderr
    assert "Traceback" not in done.stderr
    assert steps(project) == {"parse": "made", "generate:made-up": "failed"}
    strict = project.docutune("run", DOCUTUNE_STRICT="1").stderr
    assert "strange.py" in strict and "KeyError: 'weight'" in strict.partition("error: ")[0]
    assert [row["outcome"] for row in project.answer("status")] == ["failed", "failed"]
    (project.work / "mended").touch()
    project.answer("run")
    calls = (project.work / "calls").read_text().split()
    assert sorted(set(calls)) == ["acme", "acme.send", "acme.track"]
    assert calls.count("acme.send") == 1
    assert calls.count("acme.track") == 3


def test_from_asks_a_generator_again_and_a_plain_run_does_not(project: Installed) -> None:
    body = """
        with open("calls", "a") as calls: calls.write(name + "\\n")
        return [sample(f"It is {name}, for parcels.")]
"""
    project.install("strange", generator(body), "made-up = strange")
    use(project, "generate: [{uses: made-up}]\nsplit: {rephrased: 0}\n")
    for arguments, calls in (([], 1), ([], 1), (["--from", "generate"], 2), (["--from", "dataset"], 2)):
        project.answer("run", *arguments)
        assert (project.work / "calls").read_text().split().count("acme.send") == calls


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_or_kill_ends_as_a_shell_tells_it_and_the_same_command_goes_on(project: Installed, signum: int) -> None:
    body = """
        with open("calls", "a") as calls: calls.write(name + "\\n")
        if name == "acme.track" and not Path("mended").exists(): time.sleep(60)
        return [sample(f"It is {name}, for parcels.")]
"""
    project.install("strange", generator(body), "made-up = strange")
    use(project, "generate: [{uses: made-up}]\nsplit: {rephrased: 0}\n")
    code = "import sys, signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(project.site)}
    with subprocess.Popen(
        [sys.executable, "-c", code, "run"], cwd=project.work, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 120
        while "acme.track" not in _text(project.work / "calls") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signum)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + signum, errors
    assert "stopped" in errors
    assert "Traceback" not in errors
    assert [row["outcome"] for row in project.answer("status")] == ["interrupted"]
    (project.work / "mended").touch()
    project.answer("run")
    assert (project.work / "calls").read_text().split().count("acme.send") == 1


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


PARSER = """
import os
from pydantic import BaseModel, ConfigDict
from docutune import ParserRegistration, hookimpl
from docutune.records import Parsed, Section, Span

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Hostile:
    def __init__(self, config): pass
    def parse(self, content, source):
        print("noise on stdout")
        if b"die" in content: os._exit(1)
        if b"eat" in content: hoard = bytearray(64 * 2**30)
        if b"raise" in content: raise IndexError("list index out of range")
        text = content.decode()
        return Parsed((Section("section", (source,), text, Span(source, 1, 1)),))

@hookimpl
def docutune_parsers():
    return [ParserRegistration("hostile", 1, "A parser", Config, "hostile:Hostile", suffixes=(".hst",))]
"""


def test_a_hostile_document_costs_one_document_and_its_reason_is_shown(project: Installed) -> None:
    project.install("hostile", {"hostile.py": PARSER}, "hostile = hostile")
    for name in ("die", "eat", "raise", "fine"):
        (project.work / f"docs/{name}.hst").write_text(f"{name} text")
    summary = project.answer("run")
    manifest = json.loads((Path(summary["folder"]) / "manifest.json").read_text())
    problems = {document["source"]: document["problems"] for document in manifest["documents"]}
    assert "process died" in problems["docs/die.hst"][0]
    assert "memory" in problems["docs/eat.hst"][0]
    assert problems["docs/raise.hst"] == [
        "not read: parser 'hostile' of hostile 1.0 failed: IndexError: list index out of range"
    ]
    assert problems["docs/fine.hst"] == problems["docs/guide.md"] == problems["src/acme.py"] == []
    assert "docs/die.hst: not read" in project.docutune("status", summary["run"]).stdout


@pytest.mark.parametrize("work", ["", "raise SystemExit(3)", "import acme_absent"])
def test_a_parser_that_cannot_be_had_stops_the_run_in_one_line(project: Installed, work: str) -> None:
    """Else a model would be trained on what the other parsers read, and nobody would notice."""
    source = PARSER.replace('"hostile:Hostile"', '"hostile_work:Hostile"')
    project.install("hostile", {"hostile.py": source, "hostile_work.py": work}, "hostile = hostile")
    assert project.docutune("run").returncode == 0
    (project.work / "docs/one.hst").write_text("text")
    done = project.docutune("run")
    assert done.returncode == 1
    assert "error: parser 'hostile' of hostile 1.0 cannot be used: " in done.stderr
    assert "Traceback" not in done.stderr


OBSERVER = """
from docutune import hookimpl

@hookimpl
def docutune_step_started(run, step):
    with open(run.folder / "seen", "a") as seen: seen.write(f"start {step.name}\\n")

@hookimpl
def docutune_step_finished(run, step, outcome):
    with open(run.folder / "seen", "a") as seen: seen.write(f"{outcome.status} {step.name}\\n")
    outcome.figures["train"] = 0
    raise RuntimeError("observer is ill")
"""


def test_observers_see_every_step_and_change_nothing(project: Installed) -> None:
    plain = project.answer("run")["dataset"]
    project.install("watcher", {"watcher.py": OBSERVER}, "watcher = watcher")
    done = project.docutune("run", "--json")
    assert done.returncode == 0
    summary = json.loads(done.stdout)
    assert summary["dataset"] == plain
    curators = [f"curate:{name}" for name in ("leakage", "duplicates", "quality", "secrets")]
    names = ["parse", "generate:grounded", *curators, "dataset"]
    seen = (Path(summary["folder"]) / "seen").read_text().splitlines()
    assert seen == [line for name in names for line in (f"start {name}", f"reused {name}")]
    problem = "observer docutune_step_finished of watcher 1.0 failed: RuntimeError: observer is ill"
    assert done.stderr.count(problem) == len(names)
    assert problem in (Path(summary["folder"]) / "log.txt").read_text()


def test_sources_without_a_readable_file_say_so(project: Installed) -> None:
    use(project, "")
    (project.work / "docs/guide.md").unlink()
    (project.work / "src/acme.py").unlink()
    done = project.docutune("run")
    assert done.returncode == 2
    assert "hold no file that a parser reads (suffixes: .markdown, .md, .py, .pyi)" in done.stderr


def test_files_without_a_parser_are_counted_and_said(project: Installed) -> None:
    for name in ("old.rst", "older.rst", "Makefile"):
        (project.work / "docs" / name).write_text("text")
    done = project.docutune("run")
    assert "files that no installed parser reads: 2 .rst, 1 no suffix" in done.stderr
    manifest = json.loads((project.work / ".docutune/runs/latest/manifest.json").read_text())
    assert manifest["unread"] == {".rst": 2, "no suffix": 1}


def test_files_that_samples_or_path_would_read_are_told_with_that_entry(project: Installed) -> None:
    for name in ("docs/qa.csv", "docs/old.rst", "more/qa.jsonl", "more/README.md"):
        (project.work / name).parent.mkdir(exist_ok=True)
        (project.work / name).write_text(
            '{"question": "Who?", "answer": "All."}\n' if "jsonl" in name else "a,b\n1,2\n"
        )
    (project.work / "pipeline.yaml").write_text(PIPELINE + "  - samples: more\n")
    done = project.docutune("run", "--until", "parse")
    assert "files that no installed parser reads: 1 .rst\n" in done.stderr
    said = "1 .csv not read as documents: `- samples: docs/qa.csv` reads it if question-answer pairs are in there\n"
    assert said in done.stderr
    assert "1 .md not read as question-answer pairs: `- path: more/README.md` reads it as documents\n" in done.stderr
    (project.work / "pipeline.yaml").write_text(PIPELINE + "  - samples: docs/qa.csv\n")
    done = project.docutune("run", "--until", "parse")
    assert "files that no installed parser reads: 1 .rst\n" in done.stderr
    assert ".csv not read" not in done.stderr


def test_files_that_cannot_be_read_cost_themselves_and_nothing_waits(project: Installed) -> None:
    docs = project.work / "docs"
    (docs / "gone.md").symlink_to("nowhere")
    (docs / "round.md").symlink_to("round.md")
    os.mkfifo(docs / "pipe.md")
    (docs / "folder.md").mkdir()
    project.answer("run")
    manifest = json.loads((project.work / ".docutune/runs/latest/manifest.json").read_text())
    problems = {document["source"]: document["problems"] for document in manifest["documents"]}
    assert problems["docs/gone.md"] == ["not read: No such file or directory"]
    assert problems["docs/round.md"] == ["not read: Too many levels of symbolic links"]
    assert problems["docs/pipe.md"] == ["not read: not a regular file"]
    assert problems["docs/guide.md"] == []


def test_a_folder_that_cannot_be_looked_into_is_no_empty_folder(project: Installed) -> None:
    closed = project.work / "docs/closed"
    closed.mkdir()
    (closed / "more.md").write_text(RETURNS)
    closed.chmod(0)
    try:
        done = run_without_privileges(project, "run", "--until", "parse")
        assert done.returncode == 0, done.stderr
        assert "note  nothing comes from docs/closed: not read: Permission denied" in done.stderr
        (project.work / "pipeline.yaml").write_text("version: 1\nproject: a\nsources: [{path: docs/closed}]\n")
        alone = run_without_privileges(project, "run")
        assert alone.returncode == 2
        assert "docs/closed: not read: Permission denied" in alone.stderr
    finally:
        closed.chmod(0o700)


def run_without_privileges(project: Installed, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that file modes apply to, also where the tests run as root."""
    as_root = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    code = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [*as_root, sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=project.work, timeout=180)


def test_a_damaged_index_holds_up_no_command(project: Installed) -> None:
    project.answer("run", "--until", "parse")
    for arguments in (("run", "--until", "parse", "--json"), ("status", "--json"), ("clean", "--yes", "--json")):
        (project.work / ".docutune/catalog.sqlite").write_text("garbage" * 1000)
        done = project.docutune(*arguments)
        assert done.returncode == 0, done.stderr
    assert [row["outcome"] for row in project.answer("status")] == ["finished", "finished"]


def test_sources_that_give_no_sample_say_what_was_found(project: Installed) -> None:
    (project.work / "src/acme.py").write_text("")
    (project.work / "docs/guide.md").write_text("# Guide\n")
    done = project.docutune("run")
    assert done.returncode == 1
    assert "no sample to train on: 2 documents gave 0 sections and " in done.stderr


def test_blank_lines_change_nothing_that_is_trained_on(project: Installed) -> None:
    (project.work / "pipeline.yaml").write_text(PIPELINE + "train: [{uses: trl, with: {model: builtin/tiny}}]\n")
    text = GUIDE.replace("\n\n", "\n\n\n\n")
    keys = []
    for content in (GUIDE, f"\n\n{text}\n\n", GUIDE.replace("Oslo", "Bonn")):
        (project.work / "docs/guide.md").write_text(content)
        project.answer("run", "--until", "dataset")
        code = (
            "from pathlib import Path; from docutune.config import load; from docutune.pipeline import Pipeline\n"
            "from docutune.registry import Registry; from docutune.steps.base import Products\n"
            "from docutune.workspace import Store\n"
            "r, s = Registry.load(), Store(Path('.').absolute()); p = Products()\n"
            "for step in Pipeline(load(Path('pipeline.yaml'), r), r, s).steps():\n"
            "    key = step.key(p)\n"
            "    if step.name.startswith('base'): print(key); break\n"
            "    p = step.recall(key, p, s)\n"
        )
        keys.append(project.python(code).stdout)
    assert keys[0] == keys[1] != ""
    assert keys[2] != keys[0]


def test_two_runs_at_once_are_refused(project: Installed) -> None:
    project.answer("run")
    holder = "import sys; from docutune.workspace import Store; from pathlib import Path\n"
    holder += "with Store(Path('.')).locked(): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=project.work, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        done = project.docutune("run")
        process.kill()
    assert done.returncode == 1
    assert "another docutune run is at work here" in done.stderr
    assert project.docutune("run").returncode == 0


def test_include_and_exclude_choose_files_and_a_package_folder_keeps_its_name(project: Installed) -> None:
    package = project.work / "lib/deep/parcels"
    package.mkdir(parents=True)
    for name in ("__init__", "core", "_vendor/__init__", "_vendor/x", "notes"):
        (package / f"{name}.py").parent.mkdir(exist_ok=True)
        (package / f"{name}.py").write_text(f'def from_{Path(name).name.strip("_")}():\n    """Do it."""\n')
    (project.work / "pipeline.yaml").write_text(
        "version: 1\nproject: p\nsources:\n  - path: lib/deep/parcels\n"
        '    include: ["**/*.py"]\n    exclude: ["_vendor/**", notes.py]\n'
    )
    project.answer("run", "--until", "parse")
    found = json.loads((project.work / ".docutune/runs/latest/api.json").read_text())["symbols"]
    functions = {symbol["name"]: symbol["source"] for symbol in found if symbol["kind"] == "function"}
    assert functions == {
        "parcels.from_init": "lib/deep/parcels/__init__.py",
        "parcels.core.from_core": "lib/deep/parcels/core.py",
    }


PACKAGE = {
    "__init__.py": 'from ._core import send\n\n__all__ = ["send"]\n',
    "_core.py": 'def send(grams: int) -> str:\n    """Send one parcel and return its number."""\n',
    "build/__init__.py": "",
    "build/boxes.py": 'def fold(side: int) -> None:\n    """Fold a box out of paper."""\n',
}


@pytest.mark.parametrize(
    ("package", "beside", "path"),
    [
        ("mylib", ".", "mylib"),
        ("mylib", "mylib", "."),
        ("mylib", "mylib/docs", ".."),
        ("src", ".", "src"),
        ("lib", ".", "."),
        ("src/mylib", ".", "."),
        ("src/build", ".", "src"),
    ],
)
def test_a_folder_with_init_is_a_package_wherever_the_pipeline_file_lies(
    environment: Installed, package: str, beside: str, path: str
) -> None:
    for name, text in PACKAGE.items():
        file = environment.work / package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    folder = environment.work / beside
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.yaml").write_text(f"version: 1\nproject: p\nsources: [{{path: {path}}}]\n")
    found = environment.answer("run", str(folder / "pipeline.yaml"), "--until", "parse")
    symbols = json.loads((Path(found["folder"]) / "api.json").read_text())["symbols"]
    name = Path(package).name
    public = [symbol["name"] for symbol in symbols if symbol["public"]]
    assert public == [name, f"{name}.build", f"{name}.build.boxes", f"{name}.build.boxes.fold", f"{name}.send"]


def test_symbols_of_which_none_is_public_are_said(project: Installed) -> None:
    note = "symbols and none is public"
    assert note not in project.docutune("run", "--until", "parse").stderr
    (project.work / "src/acme.py").rename(project.work / "src/_acme.py")
    done = project.docutune("run", "--until", "parse")
    assert f"note  3 {note}" in done.stderr
    assert note in (project.work / ".docutune/runs/latest/log.txt").read_text()


def test_two_documents_with_the_same_headings_lose_nothing_unsaid(project: Installed) -> None:
    docs = project.work / "docs"
    (docs / "more.md").write_text(RETURNS)
    project.answer("run")
    alone = {row["id"]: row["origin"]["spans"] for row in rows(project)}
    (docs / "same.md").write_text(f"\n{RETURNS}")
    project.answer("run")
    both = {row["id"]: row["origin"]["spans"] for row in rows(project)}
    assert both.keys() == alone.keys()
    assert {len(spans) for name, spans in both.items() if spans != alone[name]} == {2}
    assert not (project.work / ".docutune/runs/latest/rejected.jsonl").exists()
    (docs / "same.md").write_text(RETURNS.replace("thirty", "ninety"))
    for shift in (0, 2):  # the decision is kept, the places are those of this run
        (docs / "more.md").write_text("\n" * shift + RETURNS)
        project.answer("run")
        text = (project.work / ".docutune/runs/latest/rejected.jsonl").read_text()
        found = [json.loads(line) for line in text.splitlines()]
        places = f"docs/more.md:{1 + shift}-{4 + shift}, docs/same.md:1-4"
        assert {row["reason"] for row in found} == {"its sources give several answers: explanation:Returns"}
        named = {
            ", ".join(f"{span['source']}:{span['first_line']}-{span['last_line']}" for span in row["spans"])
            for row in found
        }
        assert named == {places}
        assert len(found) == 8
        assert {row["id"] for row in rows(project)} == {name for name in alone if both[name] == alone[name]}
    assert "duplicates: its sources give several answers" in project.docutune("report").stdout + "".join(
        path.read_text() for path in (project.work / ".docutune/runs/latest").glob("report.*")
    )
