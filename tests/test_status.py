"""What a user sees of runs through the command line: alive, killed, without report, without readers, without a disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from installed import Installed

CODE = '"""Parcels."""\n\n\ndef send():\n    """Send one parcel to a city and return its number."""\n'
PIPELINE = "version: 1\nproject: acme\nsources: [{path: acme.py}]\nsplit: {rephrased: 0}\n"
SLOW = PIPELINE + "generate: [{uses: slow}]\n"
GENERATOR = """
import time
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, hookimpl
from docutune.records import Message, Sample, Task

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Slow:
    def __init__(self, config): pass
    def tasks(self, library):
        for symbol in library.public():
            yield Task({"name": symbol.name}, (symbol.span,))
    async def run(self, task, context, complaint=None):
        name = task.payload["name"]
        Path("working").touch()
        while name == "acme.send" and not Path("go on").exists():
            time.sleep(0.05)
        messages = (Message("user", f"What is {name}?"), Message("assistant", f"It is {name}, for parcels."))
        return [Sample(messages, "purpose", name, (name,))]

@hookimpl
def docutune_generators():
    return [Registration("slow", 1, "Waits for a file", Config, "slow:Slow")]
"""
RUNTIME = """
from pydantic import BaseModel, ConfigDict
from docutune import Registration, hookimpl

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Echo:
    def __init__(self, config): pass
    def open(self, model): return self
    def answer(self, probes, variant): return iter(())
    def close(self): pass
    def stream(self, messages, variant, sampling):
        if "fail" in messages[0].content: raise RuntimeError("no room")
        yield "you said "
        yield messages[0].content

@hookimpl
def docutune_runtimes():
    return [Registration("echo", 1, "Repeats", Config, "echo:Echo")]
"""


@pytest.fixture
def project(environment: Installed) -> Installed:
    """One module, and a pipeline that trains nothing."""
    (environment.work / "acme.py").write_text(CODE)
    (environment.work / "pipeline.yaml").write_text(PIPELINE)
    return environment


@pytest.fixture
def slow(project: Installed) -> Installed:
    """A project whose run stays in its second step until the file "go on" appears."""
    project.install("slow", {"slow.py": GENERATOR}, "slow = slow")
    (project.work / "pipeline.yaml").write_text(SLOW)
    return project


COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]


def variables(project: Installed) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(project.site), os.environ.get("PYTHONPATH", "")])}


@contextmanager
def running(project: Installed, stderr: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[str]]:
    """A run that has come to its slow step."""
    environment = variables(project)
    (project.work / "working").unlink(missing_ok=True)
    with subprocess.Popen(
        [*COMMAND, "run"], cwd=project.work, env=environment, stdout=subprocess.DEVNULL, stderr=stderr, text=True
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not (project.work / "working").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            assert (project.work / "working").exists()
            yield process
        finally:
            process.kill()


def outcomes(project: Installed) -> list[str]:
    return [row["outcome"] for row in project.answer("status")]


def test_a_live_run_is_listed_with_its_step_and_a_killed_one_is_interrupted(slow: Installed) -> None:
    with running(slow):
        time.sleep(1.1)
        (row,) = slow.answer("status")
        assert (row["outcome"], row["step"]) == ("running", "generate:slow")
        assert row["seconds"] > 1
        assert "now in generate:slow" in slow.docutune("status").stdout
        assert slow.answer("status", "latest")["current"]["name"] == "generate:slow"
        assert slow.docutune("status", "latest").stdout.splitlines()[-1].split()[:2] == ["running", "generate:slow"]
    assert outcomes(slow) == ["interrupted"]
    shown = slow.docutune("status", "latest").stdout.splitlines()
    assert shown[0].startswith(f"run {row['id']} of acme: interrupted, ")
    assert shown[-1].split()[:2] == ["interrupted", "generate:slow"]
    with running(slow):
        assert outcomes(slow) == ["running", "interrupted"]
        assert slow.answer("status", row["id"])["outcome"] == "interrupted"
    (slow.work / "go on").touch()
    slow.answer("run")
    assert outcomes(slow) == ["finished", "interrupted", "interrupted"]


def test_looking_at_the_status_never_keeps_a_run_from_starting(project: Installed) -> None:
    project.answer("run", "--until", "parse")
    look = "from pathlib import Path; from docutune.workspace import Store; store = Store(Path('.'))\n"
    look += "print('looking', flush=True)\nwhile True: store.busy()"
    with subprocess.Popen([sys.executable, "-c", look], cwd=project.work, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline()
        done = [project.docutune("run", "--until", "parse") for _ in range(3)]
        process.kill()
    assert [(run.returncode, run.stderr.count("error")) for run in done] == [(0, 0)] * 3


def test_the_first_ctrl_c_is_answered_at_once(slow: Installed) -> None:
    with running(slow, subprocess.PIPE) as process:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 143
    assert errors.count("stopping...") == 1
    assert errors.index("stopping...") < errors.index("stopped  generate:slow")


def test_a_run_goes_on_when_nobody_reads_its_lines(slow: Installed) -> None:
    environment = variables(slow)
    reading, writing = os.pipe()
    with subprocess.Popen(
        [*COMMAND, "run"], cwd=slow.work, env=environment, stdout=subprocess.PIPE, stderr=writing, text=True
    ) as process:
        os.close(writing)
        assert os.read(reading, 10)
        os.close(reading)
        (slow.work / "go on").touch()
        output, _ = process.communicate(timeout=180)
    assert process.returncode == 0
    assert "finished" in output
    assert outcomes(slow) == ["finished"]


def test_the_report_is_that_of_the_newest_run_that_has_one(slow: Installed) -> None:
    done = slow.docutune("report")
    assert (done.returncode, "there is no run yet" in done.stderr) == (2, True)
    with running(slow):
        pass
    done = slow.docutune("report")
    assert (done.returncode, "no run of this workspace has a report" in done.stderr) == (2, True)
    (slow.work / "go on").touch()
    run = slow.answer("run")["run"]
    assert "newer" not in slow.docutune("report").stderr
    (slow.work / "go on").unlink()
    for area in ("cache", "results"):
        shutil.rmtree(slow.work / ".docutune" / area)
    with running(slow):
        done = slow.docutune("report")
    assert done.stdout.startswith("#")
    assert done.stderr.splitlines()[0] == f"report of run {run}: 1 newer run has none"


def test_a_report_that_cannot_be_written_gives_one_line(project: Installed) -> None:
    project.answer("run")
    for place in ("absent/report.html", "acme.py/report.html"):
        done = project.docutune("report", "--output", place)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: --output {place}: cannot be written: No")
        assert "Traceback" not in done.stderr
    done = project.docutune("report", "--format", "md", "--output", "x.html")
    assert (done.returncode, "--format md contradicts --output x.html" in done.stderr) == (2, True)
    assert project.docutune("report", "--format", "md", "--output", "x.txt").returncode == 0
    assert (project.work / "x.txt").read_text().startswith("#")


@pytest.mark.parametrize("place", ["run.lock", "runs", "catalog.lock", "catalog.sqlite"])
def test_a_workspace_that_refuses_to_be_written_gives_one_line(project: Installed, place: str) -> None:
    """A folder stands where a file is needed, or a file where a folder is."""
    workspace = project.work / ".docutune"
    workspace.mkdir()
    (workspace / place).write_text("") if place == "runs" else (workspace / place).mkdir()
    done = project.docutune("run")
    assert done.returncode == 1, done.stderr
    line, hint = done.stderr.splitlines()[-2:]
    assert line.startswith("error: ") and str(workspace / place) in line
    assert "that you may write" in hint
    assert "Traceback" not in done.stderr


def add_model(project: Installed, name: str = "smoke") -> str:
    """A run that trained a model for the runtime "echo", as its manifest says. Returns its id."""
    project.install("echo", {"echo.py": RUNTIME}, "echo = echo")
    run = str(project.answer("run")["run"])
    path = project.work / ".docutune/runs" / run / "manifest.json"
    manifest = json.loads(path.read_text())
    model = {"name": name, "key": "k", "trainer": "t", "base": "b", "base_digest": "d", "base_folder": "b"}
    manifest["models"] = [{**model, "adapter": "a"}]
    for folder in ("a", "b"):
        (project.work / ".docutune" / folder).mkdir(exist_ok=True)
    manifest["runtime"] = {"uses": "echo", "options": {}}
    path.write_text(json.dumps(manifest))
    return run


def test_chat_names_the_run_that_did_train(project: Installed) -> None:
    only = project.answer("run")["run"]
    done = project.docutune("chat", "--run", only, "hello")
    assert (done.returncode, f"run {only} trained no model\n  nor did any other" in done.stderr) == (2, True)
    trained = add_model(project)
    latest = project.answer("run")["run"]
    done = project.docutune("chat", "--run", "latest", "hello")
    assert done.returncode == 2
    assert f"run {latest} trained no model\n  the newest that did is {trained} (smoke)" in done.stderr
    assert project.docutune("chat", "hello").stdout == "you said hello\n"


@pytest.mark.parametrize(("folder", "what"), [("a", "model 'smoke'"), ("b", "base of model 'smoke'")])
def test_chat_with_a_model_that_was_deleted_says_so(project: Installed, folder: str, what: str) -> None:
    run = add_model(project)
    (project.work / ".docutune" / folder).rmdir()
    done = project.docutune("chat", "hello")
    assert done.returncode == 1
    assert f"error: {what} of run {run} is gone" in done.stderr
    assert done.stderr.endswith("  docutune run makes it again\n")


def test_a_look_makes_nothing(project: Installed) -> None:
    for look in (("status",), ("status", "--rebuild"), ("report",), ("trace", "acme"), ("chat", "--history")):
        project.docutune(*look)
        assert not (project.work / ".docutune").exists(), look
    assert project.docutune("status").stdout == "no run yet; start one with: docutune run\n"
    project.answer("plan")
    assert (project.work / ".docutune/.gitignore").read_text() == "*\n"


def test_a_workspace_that_may_only_be_read_can_be_looked_at(project: Installed) -> None:
    with read_only(project):
        assert unprivileged(project, "status").stdout == "no run yet; start one with: docutune run\n"
        assert "there is no run yet" in unprivileged(project, "report").stderr
    run = project.answer("run")["run"]
    for lost in ("run.lock", "catalog.sqlite", "catalog.lock"):
        (project.work / ".docutune" / lost).unlink()
    with read_only(project):
        for look, seen in ((("status",), run), (("report",), "acme"), (("trace", "acme.send"), run)):
            done = unprivileged(project, *look)
            assert (done.returncode, "error" in done.stderr) == (0, False), done.stderr
            assert seen in done.stdout


@contextmanager
def read_only(project: Installed) -> Iterator[None]:
    """Nothing of the project may be changed."""
    places = [path for path in (project.work, *project.work.rglob("*")) if not path.is_symlink()]
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path in places:
            path.chmod(0o755 if path.is_dir() else 0o644)


def unprivileged(project: Installed, *arguments: str) -> Any:
    """A command that file modes apply to, also where the tests run as root."""
    as_root = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*as_root, *COMMAND, *arguments],
        cwd=project.work,
        env=variables(project),
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_a_pipeline_file_that_may_not_be_read_is_not_suggested(project: Installed) -> None:
    (project.work / "pipeline.yaml").chmod(0)
    done = unprivileged(project, "run")
    assert (done.returncode, done.stderr) == (2, "pipeline.yaml: permission denied\n  see that you may read it\n")


@pytest.mark.parametrize("command", [("status",), ("report",), ("trace", "x"), ("clean",)])
def test_a_wrong_folder_is_named_by_every_command(environment: Installed, command: tuple[str, ...]) -> None:
    done = environment.docutune(*command)
    assert done.returncode == 2
    assert "no pipeline.yaml and no workspace here" in done.stderr
    assert done.stderr.endswith("  go to the folder of your pipeline file\n")


def test_chat_keeps_what_was_answered_and_not_what_failed(project: Installed) -> None:
    add_model(project)
    assert project.answer("chat", "hello")["answer"] == "you said hello"
    done = project.docutune("chat", "please fail")
    assert (done.returncode, "no room" in done.stderr) == (1, True)
    assert [item["question"] for item in project.answer("chat", "--history")] == ["hello"]


@pytest.mark.parametrize("place", ["chats", "sessions"])
def test_chat_that_may_not_write_gives_one_line(project: Installed, place: str) -> None:
    add_model(project)
    workspace = project.work / ".docutune"
    (workspace / place).write_text("")
    done = project.docutune("chat", "hello")
    assert done.returncode == 1
    assert f"error: {workspace / place}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [("--temperature", "-0.1", "x"), ("--max-new-tokens", "0", "x"), ("",), (" ", "  ")]
)
def test_chat_refuses_what_cannot_be_asked(project: Installed, arguments: tuple[str, ...]) -> None:
    add_model(project)
    done = project.docutune("chat", *arguments)
    assert done.returncode == 2
    assert "range" in done.stderr or "the question is empty" in done.stderr
    assert not (project.work / ".docutune/chats").exists()


def test_eval_without_models_is_refused_before_anything_is_made(project: Installed) -> None:
    train = "train: [{name: smoke, uses: trl, with: {model: builtin/tiny}}]\n"
    for section, reason in (("", "trains no model"), (train, "train:smoke: not made yet")):
        (project.work / "pipeline.yaml").write_text(PIPELINE + section)
        done = project.docutune("eval")
        assert (done.returncode, reason in done.stderr) == (2, True), done.stderr
    assert not (project.work / ".docutune/runs").exists()
    assert not (project.work / ".docutune/results").exists()


def test_eval_beside_a_run_at_work_says_so(slow: Installed) -> None:
    train = "train: [{name: smoke, uses: trl, with: {model: builtin/tiny}}]\n"
    with running(slow):
        (slow.work / "pipeline.yaml").write_text(SLOW + train)
        done = slow.docutune("eval")
    assert (done.returncode, "another docutune run is at work here" in done.stderr) == (1, True), done.stderr


def test_wrong_numbers_and_orders_are_wrong_usage(project: Installed) -> None:
    assert project.docutune("status", "--limit", "0").returncode == 2
    for command in ("plan", "run"):
        done = project.docutune(command, "--from", "dataset", "--until", "parse")
        assert (done.returncode, "dataset comes after parse" in done.stderr) == (2, True)
    assert not (project.work / ".docutune/runs").exists()
    assert project.docutune("plan", "--from", "curate", "--until", "curate").returncode == 0


def test_a_step_with_problems_says_where_they_are_shown(project: Installed) -> None:
    (project.work / "acme.py").write_text("def (:\n")
    (project.work / "acme.md").write_text("# Acme\n\nAcme sends parcels to every city of the country in two days.\n")
    (project.work / "pipeline.yaml").write_text(PIPELINE.replace("{path: acme.py}", "{path: acme.py}, {path: acme.md}"))
    line = next(line for line in project.docutune("run").stderr.splitlines() if "parse" in line)
    assert "1 problem (shown by docutune status latest)" in line
    assert "acme.py: " in project.docutune("status", "latest").stdout
