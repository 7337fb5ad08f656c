"""`python:` beside `uses:`: a trainer or a runtime in another environment, and what is refused beforehand."""

from __future__ import annotations

import json
import site
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from installed import Installed
from jobs import CODE, ask, prepare

from docutune.errors import JobError
from docutune.jobs import run_job
from docutune.registry import Registry


def make(folder: Path, *lines: str) -> Path:
    """A virtual environment without pip, with these lines in a .pth file; its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (place,) = (folder / "lib").glob("python*/site-packages")
    (place / "more.pth").write_text("".join(f"{line}\n" for line in lines))
    return folder / "bin/python"


def ours() -> list[str]:
    """Lines that make all packages of this environment importable, those installed in place, too."""
    return [f"import site; site.addsitedir({place!r})" for place in site.getsitepackages()]


def script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter of another environment that has all that ours has, and a module more."""
    folder = tmp_path_factory.mktemp("environments")
    (folder / "more").mkdir()
    (folder / "more/only_there.py").write_text("")
    return make(folder / "other", *ours(), str(folder / "more"))


@pytest.fixture
def project(environment: Installed) -> Installed:
    """A training that is over at once."""
    prepare(environment)
    (environment.work / "enough").touch()
    return environment


def use(project: Installed, python: object) -> None:
    """Name the interpreter of the training."""
    file = project.work / "pipeline.yaml"
    file.write_text(file.read_text().replace("    uses: patient\n", f"    uses: patient\n    python: {python}\n"))


def refused(project: Installed, *arguments: str) -> str:
    """What a run says that is refused before it makes anything."""
    done = project.docutune("run", *arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.work / ".docutune/runs").exists()
    return str(done.stderr)


def own_source() -> str:
    """What a hint names so that pip installs this docutune elsewhere, up to where an extra may follow."""
    url = json.loads(distribution("docutune").read_text("direct_url.json") or "{}").get("url", "")
    return f"'{url2pathname(urlsplit(url).path)}" if url.startswith("file:") else "'docutune"


def test_a_training_runs_with_the_interpreter_that_is_named_and_is_the_same_training(
    project: Installed, other: Path
) -> None:
    use(project, other)
    project.answer("run")
    assert Path((project.work / "prefix").read_text()) == other.parent.parent
    (hello, plugin) = events(project)[:2]
    assert (hello["event"], plugin["event"], plugin["package"]) == ("hello", "plugin", "patient")
    prepare(project)
    steps = {step["name"]: step["action"] for step in project.answer("plan")["steps"]}
    assert steps["train:smoke"] == "reuse"


def test_a_runtime_answers_with_the_interpreter_that_is_named(project: Installed, other: Path) -> None:
    ask(project, f", python: {other}")
    project.answer("run")
    assert (project.work / "served").read_text() == str(other.parent.parent)
    assert project.docutune("chat", "What is send for?").stdout.strip() == str(other.parent.parent)


def events(project: Installed) -> list[dict[str, Any]]:
    lines = (project.work / ".docutune/runs/latest/jobs/smoke/events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_an_interpreter_is_named_absolutely_from_the_file_on_or_from_home(project: Installed, other: Path) -> None:
    (project.work / "env").symlink_to(other.parent.parent)
    for written, command in (
        (f"{project.work}/env/bin/python", "validate"),
        ("~/env/bin/python", "validate"),
        ("env/bin/python", "run"),
    ):
        prepare(project)
        use(project, written)
        done = project.docutune(command, HOME=str(project.work))
        assert done.returncode == 0, done.stderr
    assert (project.work / "prefix").read_text() == str(project.work / "env")


def test_libraries_are_looked_for_where_they_are_needed(project: Installed, other: Path) -> None:
    prepare(project, requires=', requires=("only_there",)')
    assert "trainer 'patient' needs only_there: install with pip install only_there" in refused(project)
    use(project, other)
    project.answer("run")
    prepare(project, requires=', requires=("nowhere",), extra="patient[all]"')
    use(project, other)
    (project.work / ".docutune").rename(project.work / "former")
    said = refused(project)
    assert f"train:smoke: python: trainer 'patient' needs nowhere, and {other} lacks it" in said
    assert f"{other} -m pip install {own_source()}" in said and "'patient==1.0' 'patient[all]'" in said


def test_an_interpreter_that_is_not_there_is_a_mistake_in_the_file(project: Installed) -> None:
    for bogus in ("nowhere/bin/python", ".", "acme.py"):
        prepare(project)
        use(project, bogus)
        said = f"pipeline.yaml:8: train[0].python: {project.work / bogus} is no program"
        assert said in refused(project)
        assert said in project.docutune("validate").stderr
    prepare(project)
    use(project, "~nobody-here/bin/python")
    assert "train[0].python: nobody's home is ~nobody-here" in refused(project)
    prepare(project)
    (project.work / "pipeline.yaml").open("a").write("parse: [{uses: python, python: /usr/bin/env}]\n")
    assert "parse[0].python: a parser runs in docutune's own process; only 'train' or 'runtime' take this" in refused(
        project
    )


def test_only_steps_that_run_in_workers_are_offered_an_interpreter(project: Installed) -> None:
    schema = json.loads(project.docutune("schema").stdout)["properties"]
    steps = {name: section.get("items", section)["properties"] for name, section in schema.items() if _is_step(section)}
    assert {name for name, step in steps.items() if "python" in step} == {"train", "runtime"}


def _is_step(section: dict[str, Any]) -> bool:
    return "uses" in section.get("items", section).get("properties", {})


def test_what_cannot_run_the_worker_is_said_in_one_line_before_anything_is_made(project: Installed) -> None:
    work = project.work
    bare = make(work / "bare")
    metadata = work / "old/docutune-0.0.9.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: docutune\nVersion: 0.0.9\n")
    old = make(work / "aged", str(work / "old"))
    (work / "newer").mkdir()
    project.install("patient", {}, version="2.0", site=work / "newer")
    cases = {
        bare: f"{bare} has no docutune",
        old: f"{old} has docutune 0.0.9; here it is ",
        script(work / "true", "exit 0"): "is no Python interpreter",
        script(work / "broken", "echo 'libc is gone' >&2", "exit 127"): "ends with exit code 127: libc is gone",
        script(work / "ancient", """echo '{"python": [3, 9], "docutune": null}'"""): "ancient is Python 3.9",
        script(work / "data", "echo ELF; exit 0"): "is no Python interpreter",
        script(work / "alone", "unset PYTHONPATH", f'exec {sys.executable} "$@"'): "has no trainer 'patient'",
    }
    for python, said in cases.items():
        prepare(project)
        use(project, python)
        shown = refused(project)
        assert said in shown and "pipeline.yaml: train:smoke: python: " in shown
    hint = f"install what is here, too: {bare} -m pip install {own_source()}"
    prepare(project)
    use(project, bare)
    assert hint in refused(project, "--detach")
    assert hint in refused(project, "--until", "parse")  # it would be refused later, when more work is done


def test_what_a_run_would_refuse_is_said_by_validate_and_plan(project: Installed) -> None:
    bogus = script(project.work / "true", "exit 0")
    use(project, bogus)
    ask(project, f", python: {bogus}")
    for command in ("validate", "plan"):
        done = project.docutune(command)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        for step in ("train:smoke", "runtime"):
            assert f"pipeline.yaml: {step}: python: {bogus} is no Python interpreter" in done.stderr
        assert done.stderr.count("name the interpreter of an environment") == 1
    told = json.loads(project.docutune("validate", "--json").stdout)
    assert not told["valid"]
    assert [problem["key"] for problem in told["problems"]] == ["train:smoke", "runtime"]


@pytest.mark.parametrize(
    ("origin", "advice"),
    [
        ({"url": "file://{}", "dir_info": {"editable": True}}, "'{}' 'patient[all]'"),
        ({"url": "file://{}/gone", "dir_info": {}}, "'patient==1.0' 'patient[all]'"),
        (
            {"url": "https://acme.example/p.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "'patient @ git+https://acme.example/p.git@c0ffee' 'patient[all]'",
        ),
        ({"url": "https://acme.example/p.whl", "archive_info": {}}, "'patient @ https://acme.example/p.whl'"),
    ],
)
def test_what_came_from_no_index_is_installed_from_where_it_came(
    origin: dict[str, Any], advice: str, project: Installed
) -> None:
    prepare(project, requires=', extra="patient[all]"')
    (metadata,) = project.site.glob("patient*.dist-info")
    url = origin["url"].format(project.work)
    (metadata / "direct_url.json").write_text(json.dumps({**origin, "url": url}))
    use(project, make(project.work / "bare"))
    assert advice.format(project.work) in project.docutune("validate").stderr


def test_a_plugin_that_is_another_one_there_is_refused(project: Installed, environment: Installed) -> None:
    newer = environment.work / "newer"
    newer.mkdir()
    text = (environment.site / "patient.py").read_text().replace('"patient", 1', '"patient", 2')
    environment.install("patient", {"patient.py": text}, "patient = patient", site=newer)
    there = script(environment.work / "there", f"export PYTHONPATH={newer}", f'exec {sys.executable} "$@"')
    use(project, there)
    said = "there has trainer 'patient' of patient 1.0, revision 2; here it is trainer 'patient' of patient 1.0, revi"
    assert said in refused(project)


def test_a_worker_that_changed_since_it_was_asked_is_refused(tmp_path: Path) -> None:
    entry = Registry.load().get("trainer", "trl")
    spec: dict[str, Any] = {"trainer": "trl", "config": {"model": "x"}, "base": {"folder": "x", "digest": "y"}}
    spec |= {"train": "t", "folder": str(tmp_path / "model")}
    asked = {**entry.facts, "revision": -1}
    with pytest.raises(JobError, match=r"has trainer 'trl' of docutune .*, revision -1"):
        run_job("train", spec, tmp_path / "job", lambda event: None, Path(sys.executable), asked)
    assert '"result"' not in (tmp_path / "job/events.jsonl").read_text()
    assert not (tmp_path / "job/pid").exists()


@pytest.mark.training
def test_a_real_training_and_its_base_are_made_in_another_environment(environment: Installed, other: Path) -> None:
    (environment.work / "acme.py").write_text(CODE)
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources: [{path: acme.py}]\nsplit: {rephrased: 0}\n"
        f"train: [{{uses: trl, python: {other}, with: {{model: builtin/tiny, max_steps: 2, batch_size: 2}}}}]\n"
    )
    summary = environment.answer("run")
    assert summary["models"][0]["name"] == "tiny"
    for job in ("base", "tiny"):
        hello = (Path(summary["folder"]) / "jobs" / job / "events.jsonl").read_text().splitlines()[0]
        assert json.loads(hello)["python"] == str(other)
