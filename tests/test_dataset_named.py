"""`dataset: NAME` in a pipeline: a version is trained on as it stands, from its store, whatever the sources say now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from dataset_project import answer, docutune, edit, refused, write_project
from installed import Installed

PLUGINS = """
from pathlib import Path
from docutune import Registration, TrainingConfig, hookimpl
from docutune.records import Answer, Measure, Message, ModelRef, Probe
from pydantic import BaseModel, ConfigDict

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Training(TrainingConfig):
    pass

class Trainer:
    def __init__(self, config): pass
    def train(self, train, validation, base, context):
        context.progress(1, 1, loss=1.5, rows=len(train.read_text("utf-8").splitlines()))
        adapter = context.folder / "adapter"
        adapter.mkdir()
        (adapter / "adapter_config.json").write_text("{}")
        (adapter / "template.json").write_text("{}")
        return ModelRef(base.folder, base.digest, adapter)

class Runtime:
    def __init__(self, config): pass
    def open(self, model): return self
    def answer(self, probes, variant): return [Answer(probe.id, variant, variant, True) for probe in probes]
    def close(self): pass

class Evaluator:
    def __init__(self, config): pass
    def probes(self, held_out, library):
        return [Probe(made.sample.id, made.sample.messages[:1]) for made in held_out]
    async def measure(self, answers, held_out, library, context):
        return [Measure("match", a.probe, a.variant, float(a.text == "tuned")) for a in answers]

@hookimpl
def docutune_trainers(): return [Registration("fake", 1, "Trains nothing", Training, "several:Trainer")]
@hookimpl
def docutune_runtimes(): return [Registration("fake", 1, "Answers", Nothing, "several:Runtime")]
@hookimpl
def docutune_evaluators(): return [Registration("fake", 1, "Measures", Nothing, "several:Evaluator")]
"""
TRAIN = (
    "train:\n  - {uses: fake, name: tuned, with: {model: ./base}}\nruntime: {uses: fake}\nevaluate: [{uses: fake}]\n"
)
ALONE = f"version: 1\nproject: acme\ndataset: first\n{TRAIN}"


@pytest.fixture(scope="module")
def project(shared_environment: Installed) -> Installed:
    """Two versions: the first one bears the tag `first`, the second is what the sources say now."""
    work = shared_environment.work
    write_project(work)
    (work / "base").mkdir()
    (work / "base/config.json").write_text("{}")
    (work / "base/model.safetensors").write_bytes(b"weights")
    shared_environment.install("several", {"several.py": PLUGINS}, "several = several")
    assert shared_environment.docutune("run").returncode == 0
    assert docutune(work, "dataset", "tag", "first").returncode == 0
    edit(work / "docs/guide.md", "rain or shine", "in any weather")
    assert shared_environment.docutune("run").returncode == 0
    with (work / "pipeline.yaml").open("a") as file:
        file.write(TRAIN)
    return shared_environment


@pytest.fixture(scope="module")
def versions(project: Installed) -> list[str]:
    return [item["version"] for item in answer(project.work, "dataset", "list")]


@pytest.fixture(scope="module")
def summary(project: Installed, versions: list[str]) -> dict[str, Any]:
    """A run of the whole file on the first version."""
    found: dict[str, Any] = project.answer("run", "--set", "dataset=first")
    return found


@pytest.fixture
def copy(project: Installed, environment: Installed) -> Installed:
    shutil.copytree(project.work, environment.work, dirs_exist_ok=True, symlinks=True)
    shutil.copytree(project.site, environment.site, dirs_exist_ok=True)
    return environment


def manifest(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "manifest.json").read_text("utf-8"))
    return found


def test_a_version_is_trained_by_its_tag(project: Installed, summary: dict[str, Any], versions: list[str]) -> None:
    assert (summary["outcome"], summary["dataset"]["version"]) == ("finished", versions[0])
    run = Path(summary["folder"])
    told = manifest(run)
    assert told["takes"] == {"name": "first", "version": versions[0], "tag": "first", "run": None}
    assert [step["name"] for step in told["steps"]] == [
        "parse",
        "dataset",
        "base:./base",
        "train:tuned",
        "evaluate:tuned",
    ]
    rows = (project.work / ".docutune/datasets" / versions[0] / "train.jsonl").read_text("utf-8").splitlines()
    report = json.loads((run / "report.json").read_text("utf-8"))
    assert report["models"][0]["figures"]["rows"] == len(rows)
    assert report["dataset"]["version"] == versions[0]
    assert report["library"]["documents"] == 3
    assert f"Dataset version: {versions[0]} (first)" in (run / "report.md").read_text("utf-8")
    assert f"<code>{versions[0]}</code> (first)" in (run / "report.html").read_text("utf-8")
    [figure] = summary["figures"]["tuned"]["fake"]
    assert figure["count"] == summary["dataset"]["test"] > 0


def test_every_command_says_which_version_was_taken(
    project: Installed, summary: dict[str, Any], versions: list[str]
) -> None:
    assert f"on dataset version {versions[0]}, named as first" in project.docutune("status", summary["run"]).stdout
    traced = project.answer("trace", f"dataset:{versions[0]}")
    assert summary["run"] in traced["runs"]
    assert traced["run"] != summary["run"]  # origins are those of the run that made it
    assert [model["name"] for model in traced["models"]] == ["tuned"]
    acts = {entry["run"]: entry["act"] for entry in answer(project.work, "dataset", "log")}
    assert acts[summary["run"]] == "taken"
    [first, _] = answer(project.work, "dataset", "list")
    assert first["models"][0].startswith("tuned ")


def test_a_plan_and_a_check_name_the_version(project: Installed, summary: dict[str, Any], versions: list[str]) -> None:
    planned = project.docutune("plan", "--set", f"dataset={versions[0][:8]}")
    assert f"dataset: version {versions[0]} ({versions[0][:8]}), as it is" in planned.stdout
    assert "generate" not in planned.stdout
    steps = project.answer("plan", "--set", "dataset=first")["steps"]
    assert {step["name"]: step["action"] for step in steps}["train:tuned"] == "reuse"
    noted = project.docutune("validate", "--set", "dataset=first")
    assert f"note: dataset: names version {versions[0]} (first), so split: counts for nothing" in noted.stderr
    assert f"dataset {versions[0]})" in noted.stdout


def test_no_sources_are_needed(copy: Installed, summary: dict[str, Any], versions: list[str]) -> None:
    shutil.rmtree(copy.work / "docs")
    (copy.work / "pipeline.yaml").write_text(ALONE)
    done = copy.answer("run")
    assert (done["outcome"], done["dataset"]["version"]) == ("finished", versions[0])
    assert done["trainings"][0]["status"] == "reused"  # the same model as with sources
    assert [figure["count"] for figure in done["figures"]["tuned"]["fake"]] == [done["dataset"]["test"]]
    assert "docs/guide.md" in copy.docutune("trace", f"dataset:{versions[0]}").stdout
    assert "documents" not in copy.docutune("plan").stdout
    (copy.work / "pipeline.yaml").write_text(f"version: 1\nproject: acme\n{TRAIN}")
    assert "missing key: documents" in copy.docutune("validate").stderr


def test_a_tag_is_resolved_when_the_run_begins(copy: Installed, summary: dict[str, Any], versions: list[str]) -> None:
    (copy.work / "pipeline.yaml").write_text(ALONE)
    assert docutune(copy.work, "dataset", "tag", "first", versions[1], "--force").returncode == 0
    done = copy.answer("run", "--until", "dataset")
    assert manifest(Path(done["folder"]))["takes"]["version"] == versions[1]
    assert manifest(copy.work / ".docutune/runs" / summary["run"])["takes"]["version"] == versions[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frist", "did you mean 'first'?"),
        ("0123456789012345", "no dataset version is called '0123456789012345'"),
        ("12e45678", "no dataset version is called '12e45678'"),
        ("[a]", "expected text"),
        ("''", "must not be empty"),
    ],
)
def test_an_unknown_name_is_told_with_its_line(name: str, message: str, copy: Installed) -> None:
    (copy.work / "pipeline.yaml").write_text(ALONE.replace("dataset: first", f"dataset: {name}"))
    told = refused(copy.work, "validate")
    assert "pipeline.yaml:3: dataset: " in told
    assert message in told
    assert message in refused(copy.work, "run")


def test_a_version_that_is_gone_or_harmed_is_told_with_its_line(copy: Installed, versions: list[str]) -> None:
    (copy.work / "pipeline.yaml").write_text(ALONE)
    folder = copy.work / ".docutune/datasets" / versions[0]
    with (folder / "samples.jsonl").open("a") as file:
        file.write("\n")
    told = refused(copy.work, "validate")
    assert f"pipeline.yaml:3: dataset: version {versions[0]} is damaged" in told
    assert "docutune dataset list" in told
    shutil.rmtree(folder)
    assert f"version {versions[0]} is not here any more" in refused(copy.work, "plan")


def test_what_goes_by_the_validation_loss_needs_a_version_that_has_validation(copy: Installed) -> None:
    text = ALONE.replace("model: ./base", "model: ./base, keep: best")
    (copy.work / "pipeline.yaml").write_text(text)
    assert copy.docutune("validate").returncode == 0
    (copy.work / "plain.yaml").write_text(
        "version: 1\nproject: acme\nsources:\n  - path: src\nsplit: {validation: 0, rephrased: 0}\n"
    )
    assert copy.docutune("run", "plain.yaml").returncode == 0
    told = refused(copy.work, "validate", "--set", "dataset=latest")
    assert "the dataset version has no validation samples" in told
    done = copy.answer("run", "--set", "dataset=latest", "--set", "train[0].with.keep=last")
    assert done["figures"] == {}  # nothing is held out, so nothing is asked


def test_the_embedded_base_reads_the_samples_where_there_are_no_sources(copy: Installed) -> None:
    train = "train:\n  - {uses: trl, with: {model: builtin/tiny}}\n"
    (copy.work / "pipeline.yaml").write_text(f"version: 1\nproject: acme\ndataset: first\n{train}")
    planned = {step["name"]: step["action"] for step in copy.answer("plan")["steps"]}
    assert planned == {
        "dataset": "reuse",
        "base:builtin/tiny": "make",  # there is something to read; else it could not even be planned
        "train:tiny": "waits",
        "evaluate:tiny": "waits",
    }
