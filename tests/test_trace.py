"""Where things come from and what became of them, through the command line: every kind, both ways, in whole and damaged
workspaces.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

from docutune.api import Workspace
from docutune.errors import DocutuneError, UsageError
from docutune.registry import Registry
from docutune.trace import DatasetTrace, DocumentTrace, ModelTrace, RunTrace, SampleTrace, SymbolTrace

GUIDE = """# Guide

Acme sends parcels to every city of the country within two days. It weighs them, finds the shortest way and tells the
receiver when to be at home. Nothing is lost, for every parcel has a number.

## Returns

Parcels may be returned within thirty days of their arrival, in the wrapping in which they came. The sender pays for the
way back unless the parcel was damaged on its way to the receiver.
"""
CODE = '''"""Parcels for everyone."""


def send(grams: int) -> str:
    """Send one parcel and return its number."""
    return str(grams)


def track(number: str) -> str:
    """Tell where a parcel is at this moment."""
    return number
'''
PIPELINE = "version: 1\nproject: acme\nsources:\n  - path: docs\n  - path: src\n"
TRAIN = """train:
  - name: little
    uses: copyist
    with: {model: ./base}
runtime: {uses: parrot}
"""
STRANGER = """
import os, signal
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, TrainingConfig, hookimpl
from docutune.records import Answer, ModelRef, Message, Sample, Task

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Config(TrainingConfig):
    pass

class Copyist:
    def __init__(self, config): pass
    def train(self, train, validation, base, context):
        context.progress(1, 1, loss=0.5)
        adapter = context.folder / "adapter"
        adapter.mkdir()
        for name in ("adapter_config.json", "template.json"):
            (adapter / name).write_text("{}")
        (adapter / "weights").write_bytes(train.read_bytes())
        return ModelRef(base.folder, base.digest, adapter)

class Parrot:
    def __init__(self, config): pass
    def open(self, model): return self
    def answer(self, probes, variant):
        return (Answer(probe.id, variant, probe.messages[-1].content, True) for probe in probes)
    def close(self): pass

class Deadly:
    def __init__(self, config): pass
    def tasks(self, library): yield Task({}, ())
    async def run(self, task, context, complaint=None): os.kill(os.getpid(), signal.SIGKILL)

@hookimpl
def docutune_trainers(): return [Registration("copyist", 1, "Copies", Config, "stranger:Copyist")]
@hookimpl
def docutune_runtimes(): return [Registration("parrot", 1, "Repeats", Nothing, "stranger:Parrot")]
@hookimpl
def docutune_generators(): return [Registration("deadly", 1, "Dies", Nothing, "stranger:Deadly")]
"""


@dataclass(frozen=True)
class Trained:
    """A project with a model, and the summaries of the run that trained it and of one that reused it."""

    project: Installed
    first: dict[str, Any]
    second: dict[str, Any]


def fill(environment: Installed, pipeline: str = PIPELINE) -> Installed:
    """A small library with docs and code, and a stranger's package."""
    for name, text in {"docs/guide.md": GUIDE, "src/acme.py": CODE, "pipeline.yaml": pipeline}.items():
        path = environment.work / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    environment.install("stranger", {"stranger.py": STRANGER}, "stranger = stranger")
    return environment


@pytest.fixture
def project(environment: Installed) -> Installed:
    """A project that trains nothing."""
    return fill(environment)


@pytest.fixture(scope="module")
def trained(shared_environment: Installed) -> Trained:
    """A model that a stranger's trainer made and a stranger's runtime answered for; only to be looked at."""
    project = fill(shared_environment, PIPELINE + TRAIN)
    base = project.work / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    (base / "model.safetensors").write_bytes(b"weights")
    return Trained(project, project.answer("run"), project.answer("run"))


def trace(project: Installed, what: str, run: str | None = None) -> Any:
    return json.loads(json.dumps(Workspace(project.work).trace(what, run).to_json()))


def rows(project: Installed, run: str = "latest") -> list[dict[str, Any]]:
    text = (project.work / ".docutune/runs" / run / "samples.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def a_row(project: Installed, fact: str, run: str = "latest") -> dict[str, Any]:
    return next(row for row in rows(project, run) if row["fact"] == fact)


def spans(row: dict[str, Any]) -> list[str]:
    return ["{source}:{first_line}-{last_line}".format(**span) for span in row["origin"]["spans"]]


def ids(samples: list[dict[str, Any]]) -> set[str]:
    return {sample["id"] for sample in samples}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def refusal(project: Installed, what: str, run: str | None = None) -> str:
    """What is said of a name that cannot be traced."""
    with pytest.raises(UsageError) as caught:
        trace(project, what, run)
    return str(caught.value)


def test_a_sample_leads_to_its_lines_and_the_lines_lead_back(project: Installed) -> None:
    summary = project.answer("run")
    row = a_row(project, "purpose:acme.track")
    found = trace(project, row["id"])
    assert found["traced"] == "sample"
    for field in ("id", "split", "messages", "kind", "fact", "symbols", "language"):
        assert found[field] == row[field]
    assert (found["task"], found["producer"]) == (row["origin"]["task"], row["origin"]["producer"])
    place = {"source": "src/acme.py", "first_line": 9, "last_line": 11, "state": "unchanged"}
    assert found["places"] == [{**place, "lines": CODE.splitlines()[8:11]}]
    assert found["datasets"] == [
        {"version": summary["dataset"]["version"], "splits": {row["split"]: 1}, "runs": [summary["run"]]}
    ]
    assert (found["run"], found["runs"], found["models"], found["notes"]) == (summary["run"], [summary["run"]], [], [])
    back = trace(project, "src/acme.py:10")
    assert row["id"] in ids(back["samples"])
    assert trace(project, row["id"][:8])["id"] == row["id"]
    shown = project.docutune("trace", row["id"][:8]).stdout
    for line in ("from src/acme.py:9-11", '    10      """Tell where a parcel is at this moment."""', row["fact"]):
        assert line in shown


def test_lines_follow_text_that_moved(project: Installed) -> None:
    first = project.answer("run")
    row = a_row(project, "purpose:acme.track")
    edit(project.work / "src/acme.py", "\n\n\ndef track", "\n\n\n\n\ndef track")
    second = project.answer("run")
    found = trace(project, row["id"])
    (place,) = found["places"]
    assert (place["first_line"], place["lines"][0]) == (11, "def track(number: str) -> str:")
    assert (found["run"], found["runs"]) == (second["run"], [second["run"], first["run"]])
    then = trace(project, row["id"], first["run"])
    (place,) = then["places"]
    assert (then["run"], place["first_line"], place["state"], place["lines"]) == (first["run"], 9, "changed", [])
    assert then["runs"] == found["runs"]


def test_a_document_that_changed_or_went_shows_no_lines(project: Installed) -> None:
    project.answer("run")
    row = a_row(project, "purpose:acme.send")
    source = project.work / "src/acme.py"
    edit(source, "one parcel", "a parcel")
    shown = project.docutune("trace", row["id"]).stdout
    assert "from src/acme.py:4-6: changed since that run, so its lines are not shown" in shown
    assert "def send" not in shown
    assert "document src/acme.py: changed since run" in project.docutune("trace", "src/acme.py").stdout
    source.unlink()
    assert trace(project, row["id"])["places"][0]["state"] == "gone"
    assert trace(project, "src/acme.py")["state"] == "gone"
    assert trace(project, "latest")["documents"][1]["state"] == "gone"
    source.mkdir()
    assert trace(project, "src/acme.py")["state"] == "unknown"


def test_a_document_is_found_by_every_path_and_shows_what_it_made(project: Installed) -> None:
    summary = project.answer("run")
    found = trace(project, "docs/guide.md")
    expected = [row for row in rows(project) if any(span.startswith("docs/guide.md:") for span in spans(row))]
    assert ids(found["samples"]) == ids(expected)
    assert {sample["id"]: sample["spans"] for sample in found["samples"]} == {row["id"]: spans(row) for row in expected}
    (held,) = found["datasets"]
    assert sum(held["splits"].values()) == len(expected) < len(rows(project))
    assert (found["state"], found["lines"], found["runs"]) == ("unchanged", None, [summary["run"]])
    guide = project.work / "docs/guide.md"
    for name in (str(guide), "docs/../docs/guide.md"):
        assert trace(project, name)["samples"] == found["samples"]
    assert json.loads(below(project, "docs", "guide.md").stdout)["samples"] == found["samples"]
    symbols = trace(project, "src/acme.py")["symbols"]
    assert [symbol["name"] for symbol in symbols] == ["acme", "acme.send", "acme.track"]
    lines = trace(project, "src/acme.py:9-10")
    assert [symbol["name"] for symbol in lines["symbols"]] == ["acme", "acme.track"]
    touched = [
        row for row in rows(project) if any(span in ("src/acme.py:9-11", "src/acme.py:1-11") for span in spans(row))
    ]
    assert ids(lines["samples"]) == ids(touched) < ids(trace(project, "src/acme.py")["samples"])
    assert sum(lines["datasets"][0]["splits"].values()) == len(touched)
    nothing = trace(project, "docs/guide.md:2")
    assert (nothing["samples"] == []) == (not any(_has(row, "docs/guide.md", 2) for row in rows(project)))
    assert "so there is no line 9000" in refusal(project, "docs/guide.md:9000")
    bare = next(line for line in range(1, 10) if not any(_has(row, "docs/guide.md", line) for row in rows(project)))
    assert "no samples come from here" in project.docutune("trace", f"docs/guide.md:{bare}").stdout
    assert "lines count from 1" in refusal(project, "docs/guide.md:9-3")


def _has(row: dict[str, Any], source: str, line: int) -> bool:
    return any(
        span["source"] == source and span["first_line"] <= line <= span["last_line"] for span in row["origin"]["spans"]
    )


def test_a_symbol_leads_to_its_place_and_its_samples(project: Installed) -> None:
    (project.work / "src/parcels.py").write_text("from acme import send as post\n\n__all__ = ['post']\n")
    summary = project.answer("run")
    found = trace(project, "acme.send")
    assert (found["place"]["source"], found["place"]["first_line"], found["place"]["last_line"]) == (
        "src/acme.py",
        4,
        6,
    )
    assert found["place"]["lines"][0] == "def send(grams: int) -> str:"
    assert ids(found["samples"]) == {row["id"] for row in rows(project) if "acme.send" in row["symbols"]} != set()
    assert found["datasets"][0]["version"] == summary["dataset"]["version"]
    other = next(name for name in found["aliases"])
    assert trace(project, other)["name"] == "acme.send"
    assert found["name"] in project.docutune("trace", "acme.send").stdout


def test_two_versions_are_told_apart(project: Installed) -> None:
    first = project.answer("run")
    gone, stays = a_row(project, "purpose:acme.track"), a_row(project, "purpose:acme.send")
    edit(
        project.work / "src/acme.py", "Tell where a parcel is at this moment.", "Find a parcel by its number, anywhere."
    )
    second = project.answer("run")
    versions = [second["dataset"]["version"], first["dataset"]["version"]]
    assert versions[0] != versions[1]
    old = trace(project, gone["id"])
    assert (old["run"], [held["version"] for held in old["datasets"]]) == (first["run"], versions[1:])
    assert old["places"][0]["state"] == "changed"
    both = trace(project, stays["id"])
    assert (both["run"], [held["version"] for held in both["datasets"]]) == (second["run"], versions)
    assert "no sample" in refusal(project, gone["id"], second["run"])
    document = trace(project, "src/acme.py")
    assert [held["version"] for held in document["datasets"]] == versions
    assert (gone["id"] in ids(document["samples"]), stays["id"] in ids(document["samples"])) == (False, True)
    line = trace(project, "src/acme.py:10")
    assert stays["id"] not in ids(line["samples"])
    found = trace(project, versions[1][:7])
    assert (found["version"], found["run"], found["runs"]) == (versions[1], first["run"], [first["run"]])
    assert found["splits"] == {split: count for split, count in first["dataset"].items() if split != "version"}
    assert {document["source"] for document in found["documents"]} == {"docs/guide.md", "src/acme.py"}
    assert ids(found["samples"]) == ids(rows(project, first["run"]))
    run = trace(project, first["run"])
    assert (run["dataset"]["version"], run["pipeline"], run["outcome"]) == (versions[1], "pipeline.yaml", "finished")
    states = {document["source"]: document["state"] for document in run["documents"]}
    assert states == {"docs/guide.md": "unchanged", "src/acme.py": "changed"}
    assert trace(project, "latest")["id"] == second["run"]


def test_a_sample_that_was_left_out_says_so(project: Installed) -> None:
    (project.work / "pipeline.yaml").write_text(PIPELINE + "split: {unseen_symbols: 0.5}\n")
    project.answer("run")
    row = next(row for row in rows(project) if row["split"] is None)
    found = trace(project, row["id"])
    assert (found["split"], found["datasets"][0]["splits"], found["models"]) == (None, {"left out": 1}, [])
    assert "left out of the dataset" in project.docutune("trace", row["id"]).stdout
    version = trace(project, found["datasets"][0]["version"])
    assert version["splits"]["left out"] == sum(row["split"] is None for row in rows(project))


def test_a_model_leads_to_its_samples_and_samples_lead_to_the_model(trained: Trained, tmp_path: Path) -> None:
    project, first, second = trained.project, trained.first, trained.second
    (model,) = first["models"]
    found = trace(project, "little")
    assert (found["key"], found["trainer"], found["base"]) == (model["key"], "copyist", "./base")
    assert found["base_digest"] == model["base_digest"]
    assert (found["trained"], found["reused"]) == ([first["run"]], [second["run"]])
    assert found["figures"] == first["figures"]["little"] != {}
    assert found["training"]["loss"] == 0.5
    assert found["dataset"]["version"] == first["dataset"]["version"]
    learned = [row for row in rows(project) if row["split"] == "train"]
    assert ids([sample for sample in found["samples"] if sample["split"] == "train"]) == ids(learned)
    assert {document["source"] for document in found["documents"]} == {"docs/guide.md", "src/acme.py"}
    assert trace(project, model["key"][:9])["key"] == model["key"]
    brief = {"name": "little", "key": model["key"], "trained": [first["run"]], "reused": [second["run"]]}
    for what in (learned[0]["id"], "src/acme.py", "acme.send", first["dataset"]["version"], second["run"]):
        (named,) = trace(project, what)["models"]
        assert named.items() >= brief.items(), what
    assert f"trained    by run {first['run']}" in project.docutune("trace", "little").stdout
    shutil.copytree(project.work, tmp_path / "copy", symlinks=True)
    (tmp_path / "copy/.docutune/models" / model["key"][:24] / "model.json").write_text("{")
    damaged = Workspace(tmp_path / "copy").trace("little").to_json()
    assert damaged["key"] == model["key"]
    assert "model.json: cannot be read" in damaged["notes"][0]
    for path in (tmp_path / "copy/.docutune").glob("runs/2*/samples.jsonl"):
        path.unlink()
    for folder in (True, False):  # first with the dataset's own files, then without
        run = Workspace(tmp_path / "copy").trace(first["run"]).to_json()
        assert [named["key"] for named in run["models"]] == [model["key"]]
        assert bool(run["dataset"]["splits"]) == folder
        assert Workspace(tmp_path / "copy").trace("little").to_json()["key"] == model["key"]
        shutil.rmtree(tmp_path / "copy/.docutune/datasets", ignore_errors=True)


def test_an_adapter_says_where_it_comes_from(trained: Trained) -> None:
    (model,), version = trained.first["models"], trained.first["dataset"]["version"]
    adapter = trained.project.work / ".docutune" / model["adapter"]
    facts = {
        "name": "little",
        "project": "acme",
        "run": trained.first["run"],
        "key": model["key"],
        "dataset": version,
        "trainer": "copyist",
        "base": {"name": "./base", "digest": model["base_digest"]},
    }
    for path in (adapter / "provenance.json", adapter.parent / "model.json"):
        told = json.loads(path.read_text())
        assert told.items() >= facts.items()
        assert told["docutune"]
    assert not any("provenance" in name for name in told["files"])
    card = (adapter / "README.md").read_text()
    for said in ("acme", model["key"], version, "./base", model["base_digest"], "copyist", "docutune trace"):
        assert said in card
    assert "`docutune chat --model little`" in card
    assert trained.first["run"] not in card  # the same training gives the same files, whichever run does it


def test_a_report_says_where_its_questions_come_from(trained: Trained) -> None:
    run = trained.project.work / ".docutune/runs" / trained.first["run"]
    (model,) = json.loads((run / "report.json").read_text())["models"]
    assert model["answers"]
    for form in ("html", "md", "json"):
        text = (run / f"report.{form}").read_text().replace("<wbr>", "")  # where a long path may break
        for said in (trained.first["dataset"]["version"], model["key"], *(item["sample"] for item in model["answers"])):
            assert said in text, form
        assert all(place.split("/")[-1] in text for answer in model["answers"] for place in answer["sources"])
    for answer in model["answers"]:
        found = trace(trained.project, answer["sample"])
        assert found["messages"][0]["content"] == answer["question"]
        assert ["{source}:{first_line}-{last_line}".format(**place) for place in found["places"]] == answer["sources"]


def test_a_dataset_says_where_it_comes_from(project: Installed) -> None:
    summary = project.answer("run")
    version = summary["dataset"]["version"]
    description = project.work / ".docutune/datasets" / version / "dataset.json"
    told = json.loads(description.read_text())
    assert (told["version"], told["project"]) == (version, "acme")
    assert told["samples"] == {split: summary["dataset"][split] for split in ("train", "validation", "test")}
    assert "docutune trace" in told["origins"]
    edit(project.work / "pipeline.yaml", "project: acme", "project: other")
    assert project.answer("run")["dataset"]["version"] == version
    assert _made(project) == []
    description.write_text("{}")
    project.answer("run")
    assert _made(project) == ["dataset"]
    again = json.loads(description.read_text())
    assert again.pop("description_sha256") != told.pop("description_sha256")
    assert again == {**told, "project": "other"}


def _made(project: Installed) -> list[str]:
    manifest = json.loads((project.work / ".docutune/runs/latest/manifest.json").read_text())
    return [step["name"] for step in manifest["steps"] if step["status"] == "made"]


def test_a_name_that_means_two_things_asks_which(project: Installed) -> None:
    source = project.work / "src/acme.py"
    source.write_text(CODE + '\n\ndef py() -> None:\n    """Speak to a parcel as to a snake."""\n')
    project.answer("run")
    done = below(project, "src", "acme.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'acme.py' may mean document src/acme.py, symbol acme.py" in done.stderr
    assert "docutune trace document:acme.py" in done.stderr
    assert json.loads(below(project, "src", "document:acme.py").stdout)["source"] == "src/acme.py"
    assert json.loads(below(project, "src", "symbol:acme.py").stdout)["name"] == "acme.py"
    said = refusal(project, "run:acme.py")
    assert "'acme.py' is no run but a " in said and "docutune trace symbol:acme.py" in said
    assert "'latest' is no dataset version but a run\n  docutune trace run:latest" in refusal(project, "dataset:latest")


def below(project: Installed, folder: str, what: str) -> Any:
    """`docutune trace WHAT --json` in a folder of the project."""
    code = "import os, sys; from docutune.cli import main; os.chdir(sys.argv[1]); sys.exit(main(sys.argv[2:]))"
    return project.python(code, folder, "trace", what, "--json")


def test_a_name_that_nothing_bears_suggests_what_does(project: Installed) -> None:
    assert "there is no run yet" in refusal(project, "acme")
    project.answer("run")
    done = project.docutune("trace", "acme.sned")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 2)
    assert "'acme.sned' is no sample, document, symbol, model" in done.stderr
    assert "did you mean 'acme.send'?" in done.stderr
    assert "did you mean 'acme.track'?" in refusal(project, "track")
    assert "did you mean 'docs/guide.md'?" in refusal(project, "guide.md")
    assert "there is no run '20200101-000000'" in refusal(project, "20200101-000000")
    assert "there is no run 'nope'" in refusal(project, "acme", "nope")
    assert "6 digits" in refusal(project, rows(project)[0]["id"][:5])
    assert "no name to trace" in refusal(project, " ")
    assert "'acme.sned' is no symbol of this workspace; did you mean 'acme.send'?" in refusal(
        project, "symbol:acme.sned"
    )
    count = len((project.work / "docs/guide.md").read_text().splitlines())
    assert project.docutune("trace", f"docs/guide.md:{count}").returncode == 0
    assert f"docs/guide.md has {count} lines, so there is no line {count + 1}" in refusal(
        project, f"docs/guide.md:{count + 1}"
    )


def test_latest_is_not_another_run(project: Installed) -> None:
    first = project.answer("run")["run"]
    assert project.docutune("trace", "latest", "--run", first).returncode == 0
    project.answer("run")
    assert f"--run {first} and latest are two runs" in refusal(project, "latest", first)


def test_rows_of_question_answer_files_and_ids_that_begin_alike(project: Installed) -> None:
    rows = _rows_by_start()
    start, alike = next((start, found) for start, found in rows.items() if len(found) > 1)
    word, ((named, line), *_) = next((start, found) for start, found in rows.items() if start.isalpha())
    (project.work / "qa.jsonl").write_text("".join(f"{text}\n" for text in (line, alike[0][1], alike[1][1])))
    (project.work / f"src/{word}.py").write_text('"""A module whose name looks like the start of an id."""\n')
    (project.work / "pipeline.yaml").write_text(PIPELINE + "  - samples: qa.jsonl\n")
    project.answer("run")
    said = refusal(project, start)
    assert all(f"sample {name}" in said for name, _ in alike[:2])
    assert "give more digits" in said
    found = trace(project, alike[1][0])
    assert found["places"] == [
        {"source": "qa.jsonl", "first_line": 3, "last_line": 3, "state": "unchanged", "lines": [alike[1][1]]}
    ]
    assert ids(trace(project, "qa.jsonl:2")["samples"]) == {alike[0][0]}
    assert trace(project, word)["traced"] == "symbol"
    assert trace(project, f"sample:{word}")["id"] == named


def _rows_by_start() -> dict[str, list[tuple[str, str]]]:
    """Rows of a question-answer file by the first 6 digits of their samples' ids: each with the whole id."""
    registry = Registry.load()
    entry = registry.get("parser", "pairs")
    parser = registry.create(entry, entry.registration.config())
    lines = [json.dumps({"question": f"What is number {n}?", "answer": f"It is {n} of many."}) for n in range(20000)]
    found: dict[str, list[tuple[str, str]]] = {}
    for line, given in zip(lines, parser.parse("\n".join(lines).encode(), "qa.jsonl").samples, strict=True):
        found.setdefault(given.sample.id[:6], []).append((given.sample.id, line))
    return found


def test_the_catalog_is_not_asked(project: Installed) -> None:
    project.answer("run")
    names = (rows(project)[0]["id"], "docs/guide.md", "acme.send", "latest")
    before = [trace(project, name) for name in names]
    (project.work / ".docutune/catalog.sqlite").unlink()
    assert [trace(project, name) for name in names] == before
    assert not (project.work / ".docutune/catalog.sqlite").exists()


def test_a_killed_run_answers_only_for_what_it_left(project: Installed) -> None:
    first = project.answer("run")
    row = a_row(project, "purpose:acme.send")
    (project.work / "pipeline.yaml").write_text(PIPELINE + "generate: [{uses: grounded}, {uses: deadly}]\n")
    assert project.docutune("run").returncode == -9
    killed = trace(project, "latest")
    assert killed["id"] != first["run"]
    assert (killed["outcome"], killed["dataset"], killed["models"]) == ("interrupted", None, [])
    assert [document["samples"] for document in killed["documents"]] == [0, 0]
    for what in (row["id"], "src/acme.py", "acme.send"):
        assert trace(project, what)["run"] == first["run"]
    assert trace(project, "src/acme.py", killed["id"])["samples"] == []
    assert "no sample" in refusal(project, row["id"], killed["id"])


def test_damaged_and_missing_files_are_passed_over_with_a_note(project: Installed) -> None:
    first, second, third, fourth = (project.answer("run")["run"] for _ in range(4))
    runs = project.work / ".docutune/runs"
    row = a_row(project, "purpose:acme.send")
    (runs / fourth / "manifest.json").write_text('{"records_version": 1, "documents": [1]}')
    (runs / third / "manifest.json").write_text("[]")
    (runs / second / "samples.jsonl").unlink()
    (runs / second / "api.json").write_text("{")
    found = trace(project, row["id"])
    assert (found["run"], found["runs"]) == (first, [second, first])
    assert list(dict.fromkeys(note.split("/")[-2] for note in found["notes"])) == [fourth, third, second]
    symbol = trace(project, "acme.send")
    assert (symbol["run"], ids(symbol["samples"]) >= {row["id"]}) == (first, True)
    assert any("api.json: cannot be read" in note for note in symbol["notes"])
    done = project.docutune("trace", fourth)
    assert (done.returncode, "manifest.json is damaged" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    with pytest.raises(DocutuneError, match=r"manifest\.json: cannot be read: it holds no JSON object"):
        trace(project, third)
    samples = runs / first / "samples.jsonl"
    edit(samples, f'"id": "{row["id"]}", ', f'"id": "{row["id"]}", "oops, ')
    assert "is no sample" in refusal(project, row["id"])
    damaged = trace(project, "acme.send")
    assert any("samples.jsonl:" in note and "damaged, passed over" in note for note in damaged["notes"])
    assert row["id"] not in ids(damaged["samples"])
    samples.unlink()
    alone = trace(project, row["id"])
    assert (alone["run"], alone["places"], alone["split"]) == (None, [], row["split"])
    shutil.rmtree(runs)
    version = trace(project, alone["datasets"][0]["version"])
    assert (version["run"], version["runs"], ids(version["samples"])) == (None, [], ids(version["samples"]))
    assert row["id"] in ids(version["samples"])


def test_the_json_form_names_every_field(trained: Trained) -> None:
    kinds = {
        rows(trained.project)[0]["id"]: ("sample", SampleTrace),
        "docs/guide.md": ("document", DocumentTrace),
        "acme.send": ("symbol", SymbolTrace),
        "little": ("model", ModelTrace),
        trained.first["dataset"]["version"]: ("dataset", DatasetTrace),
        "latest": ("run", RunTrace),
    }
    for what, (kind, record) in kinds.items():
        found = trace(trained.project, what)
        assert found["traced"] == kind
        assert found.keys() == {field.name for field in dataclasses.fields(record)} | {"traced", "notes"}
    assert trained.project.answer("trace", "latest") == trace(trained.project, "latest")


def test_a_source_cannot_steer_the_terminal(project: Installed) -> None:
    edit(project.work / "docs/guide.md", "two days", "two \x1b[31mdays")
    project.answer("run")
    row = next(row for row in rows(project) if "docs/guide.md:1-4" in spans(row))
    shown = project.docutune("trace", row["id"]).stdout
    assert "[31mdays" in shown
    assert "\x1b" not in shown
