"""What is reused and what is made again: one finished project, copied for each test and changed in one thing."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.training

GUIDE = """# Guide

Acme sends parcels to every city of the country within two days. It weighs them, finds the shortest way and tells the
receiver when to be at home. Nothing is lost, for every parcel has a number.

The number is printed on the box and on the receipt. Whoever has it can ask for the parcel at any time of the day, by
telephone or in the office of the city where the parcel is at that moment.

## Prices

A parcel of one kilogram costs five crowns within a city and nine crowns from city to city. Heavy parcels are weighed
twice, and the lower weight counts. Letters are cheaper than parcels of any size.
"""
RETURNS = """# Returns

Parcels may be returned within thirty days of their arrival, in the wrapping in which they came. The sender pays for the
way back unless the parcel was damaged on its way to the receiver.
"""
LETTERS = """# Letters

Letters are carried by night in bags of blue linen, and reach every city of the country by the morning of the next day.
They are handed to the receiver in person, who signs for them on a card that goes back to the sender.
"""
CODE = '''"""Parcels for everyone who waits for one."""


def send(grams: int, *, city: str = "Bergen") -> str:
    """Send one parcel to a city and return its number."""
    return city


def track(number: str) -> str:
    """Tell where a parcel is at this moment."""
    return number


def weigh(number: str) -> int:
    """Put a parcel on the scales and read the grams."""
    return len(number)
'''
PIPELINE = """version: 1
project: acme
language: en
sources:
  - path: docs
  - path: src
parse:
  - uses: markdown
    with: {max_section_chars: 4000}
generate:
  - uses: grounded
    with: {kinds: [purpose, explanation], phrasings: 2}
  - uses: prompted
    with: {prompt: "What is {name} good for?"}
curate:
  - uses: duplicates
    with: {threshold: 0.9}
split: {rephrased: 0.5, validation: 0.1, seed: 0}
train:
  - name: smoke
    uses: trl
    with: {model: builtin/tiny, lora_rank: 4, learning_rate: 1.0e-3, max_steps: 2, batch_size: 4, seed: 0}
runtime:
  uses: local
  with: {max_new_tokens: 4}
evaluate:
  - uses: text-overlap
    with: {metrics: [rougeL]}
"""
STRANGER = """
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, TrainingConfig, hookimpl
from docutune.records import Message, Sample, Task

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    prompt: str = "What is {name}?"

class Prompted:
    def __init__(self, config):
        self.prompt = config.prompt
    def tasks(self, library):
        for symbol in library.public():
            yield Task({"name": symbol.name, "says": symbol.summary}, (symbol.span,))
    async def run(self, task, context, complaint=None):
        name = task.payload["name"]
        with open("calls", "a") as calls: calls.write(f"{name}\\n")
        if name == "acme.weigh" and Path("fail").exists(): raise KeyError("scales")
        question, answer = Message("user", self.prompt.format(name=name)), Message("assistant", task.payload["says"])
        more = () if Path("mention").exists() is False else (Message("assistant", "See `acme.deliver`."),)
        return [Sample((question, answer, *more), "purpose", f"good:{name}", (name,))]

@hookimpl
def docutune_generators():
    return [Registration("prompted", 1, "Asks", Config, "stranger:Prompted")]

class Trainer(TrainingConfig):
    pass

@hookimpl
def docutune_trainers():
    return [Registration("plain", 1, "Trains", Trainer, "stranger:Plain")]
"""
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
KEPT = ("cache", "results", "datasets", "models")


@dataclass(frozen=True)
class Project:
    """A pipeline file with its sources and workspace, and the packages that its commands see."""

    work: Path
    site: Path
    code: str = COMMAND

    @property
    def store(self) -> Path:
        return self.work / ".docutune"

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(self.site), os.environ.get("PYTHONPATH", "")]))
        return {**os.environ, "PYTHONPATH": path, "XDG_CACHE_HOME": str(self.site.parent / "home"), **variables}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", self.code, *arguments],
            cwd=self.work,
            env=self.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", self.code, *arguments],
            cwd=self.work,
            env=self.environment(variables),
            capture_output=True,
            text=True,
            timeout=300,
        )

    def answer(self, *arguments: str, **variables: str) -> Any:
        done = self.call(*arguments, "--json", **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def plan(self, *arguments: str, **variables: str) -> dict[str, str]:
        """What would be done with each step, in their order."""
        return {step["name"]: step["action"] for step in self.answer("plan", *arguments, **variables)["steps"]}

    def steps(self) -> dict[str, str]:
        """What the last run did with each step."""
        manifest = json.loads((self.store / "runs/latest/manifest.json").read_text())
        return {step["name"]: step["status"] for step in manifest["steps"]}

    def rows(self) -> dict[str, Any]:
        """The samples of the last run by their ids."""
        lines = (self.store / "runs/latest/samples.jsonl").read_text().splitlines()
        return {row["id"]: row for row in map(json.loads, lines)}

    def change(self, name: str, old: str, new: str) -> None:
        path = self.work / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} in {name}"
        path.write_text(text.replace(old, new))

    def objects(self, *areas: str) -> list[Path]:
        """Every kept file, but TensorBoard's."""
        found = (path for area in areas for path in sorted((self.store / area).rglob("*")) if path.is_file())
        return [path for path in found if "tensorboard" not in path.parts]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, dict[str, Any]]:
    """A project that was run to its end, and the summary of that run. Nobody may change it."""
    folder = tmp_path_factory.mktemp("reuse")
    project = Project(folder / "work", folder / "site")
    files = {"docs/guide.md": GUIDE, "docs/returns.md": RETURNS, "src/acme.py": CODE, "pipeline.yaml": PIPELINE}
    for name, text in files.items():
        (project.work / name).parent.mkdir(parents=True, exist_ok=True)
        (project.work / name).write_text(text)
    install(project, STRANGER)
    return project, project.answer("run")


def install(project: Project, text: str) -> None:
    info = project.site / "stranger-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (project.site / "stranger.py").write_text(text)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[docutune.plugins]\nstranger = stranger\n")


@pytest.fixture
def project(finished: tuple[Project, dict[str, Any]], tmp_path: Path) -> Project:
    """A copy of the finished project, in another folder."""
    shutil.copytree(finished[0].work, tmp_path / "work", symlinks=True)
    shutil.copytree(finished[0].site, tmp_path / "site")
    (tmp_path / "work/calls").unlink()
    return Project(tmp_path / "work", tmp_path / "site")


STEPS = (
    "parse",
    "generate:grounded",
    "generate:prompted",
    "curate:duplicates",
    "dataset",
    "base:builtin/tiny",
    "train:smoke",
    "evaluate:smoke",
)


def reused_before(first: str | None, prompted: str = "reuse") -> dict[str, str]:
    """The plan in which `first` is made, all before it is reused, and all after it has to wait and see.

    Parsing is done for the plan, so that the steps after it need not wait; the second of two generators waits for none:
    where `first` stands before it, it does what `prompted` says.
    """
    if first is None:
        return dict.fromkeys(STEPS, "reuse")
    place = STEPS.index(first)
    actions = ["reuse"] * place + ["make"] + ["waits"] * (len(STEPS) - place - 1)
    if first == "parse":
        actions[1] = "make"
    if place < STEPS.index("generate:prompted"):
        actions[STEPS.index("generate:prompted")] = prompted
    return dict(zip(STEPS, actions, strict=True))


# ---- what must be made again


def pipeline(old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.change("pipeline.yaml", old, new)


def stranger(old: str, new: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        assert STRANGER.count(old) == 1
        install(project, STRANGER.replace(old, new))

    return change


def source(name: str, old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.change(name, old, new)


def renamed(project: Project) -> None:
    (project.work / "src/acme.py").rename(project.work / "src/parcels.py")


EDITS: dict[str, tuple[Callable[[Project], None], str, str | None]] = {
    # the edit, the first step that must be made, and the first once the dataset of the edited pipeline is there
    "a document's byte": (source("docs/guide.md", "two days", "ten days"), "parse", "base:builtin/tiny"),
    "a code file's byte": (source("src/acme.py", "at this moment", "at that moment"), "parse", "base:builtin/tiny"),
    "a module's name": (renamed, "parse", "train:smoke"),
    "a parser's option": (pipeline("max_section_chars: 4000", "max_section_chars: 300"), "parse", "train:smoke"),
    "the language": (pipeline("language: en", "language: zh"), "generate:grounded", "train:smoke"),
    "a generator's option": (pipeline("phrasings: 2", "phrasings: 3"), "generate:grounded", "train:smoke"),
    "a generator's prompt": (pipeline("good for?", "for?"), "generate:prompted", "train:smoke"),
    "a plugin's revision": (stranger('"prompted", 1', '"prompted", 2'), "generate:prompted", None),
    "a curator's option": (pipeline("threshold: 0.9", "threshold: 0.8"), "curate:duplicates", None),
    "the seed of the split": (
        pipeline("validation: 0.1, seed: 0", "validation: 0.1, seed: 3"),
        "dataset",
        "train:smoke",
    ),
    "a share of the split": (pipeline("rephrased: 0.5", "rephrased: 0.9"), "dataset", "train:smoke"),
    "the learning rate": (pipeline("1.0e-3", "2.0e-3"), "train:smoke", "train:smoke"),
    "the seed of the training": (
        pipeline("batch_size: 4, seed: 0", "batch_size: 4, seed: 1"),
        "train:smoke",
        "train:smoke",
    ),
    "the trainer": (pipeline("uses: trl", "uses: plain"), "train:smoke", "train:smoke"),
    "a runtime's option": (pipeline("max_new_tokens: 4", "max_new_tokens: 5"), "evaluate:smoke", "evaluate:smoke"),
    "an evaluator's option": (pipeline("[rougeL]", "[rougeL, bleu]"), "evaluate:smoke", "evaluate:smoke"),
}


CHANGES_PROMPTED = ("a code file's byte", "a module's name")
"""Edits of the sources that the generator `prompted` gets to see, which looks at symbols alone."""


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_makes_again_what_depends_on_it_and_nothing_before(project: Project, edit: str) -> None:
    change, first, then = EDITS[edit]
    change(project)
    assert project.plan() == reused_before(first, "make" if edit in CHANGES_PROMPTED else "reuse")
    project.answer("run", "--until", "dataset")
    assert project.plan() == reused_before(then)


def test_another_version_of_the_records_makes_everything_again(project: Project) -> None:
    newer = replace(project, code=f"import docutune.records as r; r.RECORDS_VERSION += 1; {COMMAND}")
    plan = newer.answer("plan")["steps"]
    assert {step["name"]: step["action"] for step in plan} == reused_before("parse", "make")
    assert [step["count"]["reused"] for step in plan if step["count"]] == [0, 0, 0]
    newer.answer("run", "--until", "dataset")
    made = {"parse": "reused", **dict.fromkeys(STEPS[1:4], "made"), "dataset": "reused"}
    assert newer.steps() == made  # the plan has parsed already, and the samples are the same
    assert newer.plan() == reused_before("train:smoke")
    assert project.plan() == reused_before(None)


@pytest.fixture
def with_folder(project: Project) -> Project:
    """The copy with its base model in a folder of the user's own, file by file the same."""
    (described,) = [
        path for path in project.store.glob("models/*/model.json") if "trainer" not in json.loads(path.read_text())
    ]
    shutil.copytree(described.parent, project.work / "base", ignore=lambda *_: {"model.json"})
    project.change("pipeline.yaml", "builtin/tiny", "./base")
    return project


def in_folder(plan: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("builtin/tiny", "./base"): action for name, action in plan.items()}


def test_a_base_model_is_its_files_whatever_it_is_called(with_folder: Project) -> None:
    assert with_folder.plan() == in_folder(reused_before(None))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"])
def test_another_base_model_is_trained_anew(with_folder: Project, name: str) -> None:
    """The chat template is the system prompt's place: it belongs to the base."""
    flip(with_folder.work / "base" / name, 0.5)
    assert with_folder.plan() == in_folder(reused_before("train:smoke"))


# ---- what must not


def moved(project: Project) -> Project:
    place = project.work.parent / "another place/与 other"
    place.parent.mkdir()
    return replace(project, work=project.work.rename(place))


def touched(project: Project) -> Project:
    for path in project.work.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)
    return project


def other_key_order(project: Project) -> Project:
    """Sections and options the other way round."""
    sections = {line.partition(":")[0]: [line] for line in PIPELINE.splitlines() if line[0] not in " "}
    current = ""
    for line in PIPELINE.splitlines():
        if line[0] != " ":
            current = line.partition(":")[0]
        else:
            sections[current].append(line)
    text = "\n".join(line for name in reversed(sections) for line in sections[name]) + "\n"
    options = "model: builtin/tiny, lora_rank: 4, learning_rate: 1.0e-3, max_steps: 2, batch_size: 4, seed: 0"
    assert options in text
    text = text.replace(options, ", ".join(reversed(options.split(", "))))
    (project.work / "pipeline.yaml").write_text(text)
    return project


def comments(project: Project) -> Project:
    text = PIPELINE.replace("\n", "   # why\n\n")
    (project.work / "pipeline.yaml").write_text(f"# About\n\n{text}")
    return project


def defaults_written_out(project: Project) -> Project:
    project.change("pipeline.yaml", "max_steps: 2", "max_steps: 2, schedule: cosine, lora_dropout: 0.0")
    project.change("pipeline.yaml", "rephrased: 0.5", "unseen_symbols: 0.0, rephrased: 0.5")
    project.change("pipeline.yaml", "phrasings: 2", "phrasings: 2, max_answer_chars: 1200, max_facts: null")
    project.change("pipeline.yaml", "  - path: src", "  - {path: src, include: [], exclude: []}")
    return project


def sources_turned_round(project: Project) -> Project:
    project.change("pipeline.yaml", "  - path: docs\n  - path: src\n", "  - path: src\n  - path: docs\n")
    return project


def one_processor(project: Project) -> Project:
    narrow = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    return replace(project, code=f"{narrow}; {COMMAND}")


def unchanged(project: Project) -> Project:
    return project


HITS: dict[str, tuple[Callable[[Project], Project], dict[str, str]]] = {
    "nothing": (unchanged, {}),
    "another path": (moved, {}),
    "every time of change": (touched, {}),
    "the order of keys": (other_key_order, {}),
    "comments and blank lines": (comments, {}),
    "defaults written out": (defaults_written_out, {}),
    "the order of sources": (sources_turned_round, {}),
    "one processor": (one_processor, {}),
    "threads": (unchanged, {"OMP_NUM_THREADS": "3", "PYTHONHASHSEED": "7"}),
    "the level of logs": (unchanged, {"TRANSFORMERS_VERBOSITY": "debug", "DOCUTUNE_STRICT": "1"}),
    "time zone and locale": (unchanged, {"TZ": "Asia/Shanghai", "LC_ALL": "C", "LANG": "zh_CN.UTF-8"}),
}


@pytest.mark.parametrize("difference", HITS)
def test_what_decides_nothing_makes_nothing_again(project: Project, difference: str) -> None:
    change, variables = HITS[difference]
    plan = change(project).answer("plan", **variables)
    assert {step["name"]: step["action"] for step in plan["steps"]} == reused_before(None)
    assert all(step["count"]["reused"] == step["count"]["total"] > 0 for step in plan["steps"] if step["count"])
    assert {step["stale"] for step in plan["steps"]} == {0}
    documents = plan["documents"]
    assert (documents["added"], documents["changed"], documents["removed"]) == ([], [], [])
    assert documents["reused"] == 3


def test_a_terminal_makes_nothing_again(project: Project) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", COMMAND, "run"]
    done = subprocess.run(
        command, cwd=project.work, env=project.environment({}), stdout=theirs, stderr=theirs, timeout=180, check=True
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 0
    assert project.steps() == dict.fromkeys(STEPS, "reused")


def test_one_processor_makes_the_same_objects_as_many(project: Project, tmp_path: Path) -> None:
    made = {}
    for name, change in (("many", unchanged), ("one", one_processor)):
        shutil.rmtree(project.store)
        change(project).answer("run", "--until", "dataset")
        assert set(project.steps().values()) == {"made"}
        made[name] = {path.relative_to(project.store): path.read_bytes() for path in project.objects(*KEPT)}
    assert made["many"] == made["one"] != {}


# ---- documents


def test_an_edited_an_added_and_a_removed_document(project: Project) -> None:
    before = project.rows()
    project.change("docs/guide.md", "costs five crowns", "costs six crowns")
    (project.work / "docs/returns.md").unlink()
    (project.work / "docs/letters.md").write_text(LETTERS)
    plan = project.answer("plan")
    documents = plan["documents"]
    assert documents.pop("since") == (project.store / "runs/latest").resolve().name
    assert documents == {
        "added": ["docs/letters.md"],
        "changed": ["docs/guide.md"],
        "removed": ["docs/returns.md"],
        "reused": 1,
    }
    steps = {step["name"]: step for step in plan["steps"]}
    assert steps["parse"]["count"] == {"total": 3, "reused": 1}
    count = steps["generate:grounded"]["count"]
    assert count["total"] - count["reused"] == 2  # the section on prices, and the one on letters
    assert steps["generate:grounded"]["stale"] == 2  # the former section on prices, and the one on returns
    project.answer("run", "--until", "dataset")
    after = project.rows()
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    assert origins(before, gone) == {"docs/guide.md", "docs/returns.md"}
    assert origins(after, new) == {"docs/guide.md", "docs/letters.md"}
    assert all("five crowns" in text(before[name]) or "thirty days" in text(before[name]) for name in gone)
    assert all("six crowns" in text(after[name]) or "blue linen" in text(after[name]) for name in new)
    version = json.loads((project.store / "runs/latest/manifest.json").read_text())["dataset"]
    written = "".join(path.read_text() for path in (project.store / "datasets" / version).glob("*.jsonl"))
    assert "five crowns" not in written and "thirty days" not in written
    assert not (project.work / "calls").exists()  # no task of the other generator was done
    assert set(project.plan("--until", "dataset").values()) == {"reuse"}


def origins(rows: Mapping[str, Any], names: Sequence[str] | set[str]) -> set[str]:
    return {span["source"] for name in names for span in rows[name]["origin"]["spans"]}


def text(row: Mapping[str, Any]) -> str:
    return json.dumps(row["messages"], ensure_ascii=False)


def test_an_edited_function_is_asked_about_again_and_no_other(project: Project) -> None:
    project.change("src/acme.py", "read the grams", "read the ounces")
    project.answer("run", "--until", "generate")
    assert (project.work / "calls").read_text().split() == ["acme.weigh"]


def test_samples_kept_or_left_out_for_a_name_are_asked_for_again_when_the_name_comes_or_goes(project: Project) -> None:
    (project.work / "mention").touch()
    project.answer("run", "--until", "dataset", "--from", "generate")
    assert "good:acme.send" not in mentioning(project, "See `acme.deliver`.")
    addition = '\n\ndef deliver() -> None:\n    """Bring the parcel to the door of its receiver."""\n'
    with (project.work / "src/acme.py").open("a") as file:
        file.write(addition)
    project.answer("run", "--until", "dataset")
    assert "good:acme.send" in mentioning(project, "See `acme.deliver`.")
    project.change("src/acme.py", addition, "")
    project.answer("run", "--until", "dataset")
    assert "good:acme.send" not in mentioning(project, "See `acme.deliver`.")


def mentioning(project: Project, words: str) -> set[str]:
    """The facts of the last run's samples in which these words are."""
    return {row["fact"] for row in project.rows().values() if words in text(row)}


# ---- failed, partial and damaged results


def test_a_generator_that_fails_half_way_leaves_nothing_that_looks_finished(project: Project) -> None:
    project.change("pipeline.yaml", "good for?", "for?")
    (project.work / "fail").touch()
    assert project.call("run", "--until", "generate").returncode == 1
    step = {step["name"]: step for step in project.answer("plan")["steps"]}["generate:prompted"]
    assert step["action"] == "make"
    assert step["count"]["reused"] < step["count"]["total"]
    (project.work / "fail").unlink()
    project.answer("run", "--until", "generate")
    assert "What is acme.weigh for?" in "".join(path.read_text() for path in project.objects("cache"))
    calls = (project.work / "calls").read_text().split()
    assert calls.count("acme.weigh") == 2
    assert len(calls) == step["count"]["total"] + 1  # nothing else was asked for twice


def test_a_training_that_was_killed_is_no_model(project: Project) -> None:
    longer = ("--set", "train[0].with.max_steps=100000")
    models = sorted((project.store / "models").iterdir())
    shutil.rmtree(project.store / "runs")  # its last run has a worker's events, too
    with project.start("run", *longer) as run:
        try:
            os.kill(first_progress(project)["pid"], signal.SIGKILL)
            _, errors = run.communicate(timeout=120)
        finally:
            run.kill()
    assert run.returncode == 1
    assert "killed by SIGKILL" in errors
    assert sorted((project.store / "models").iterdir()) == models
    assert project.plan(*longer) == reused_before("train:smoke")
    assert project.plan() == reused_before(None)


def first_progress(project: Project) -> dict[str, Any]:
    """The first event of the training's worker, once it has trained for a step."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        path = project.store / "runs/latest/jobs/smoke/events.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        events: list[dict[str, Any]] = [json.loads(line) for line in lines if line.endswith("\n")]
        if any(event["event"] == "progress" for event in events):
            return events[0]
        time.sleep(0.05)
    raise TimeoutError("the training made no progress")


def test_a_staged_folder_is_no_model(project: Project) -> None:
    model = trained(project)
    model.rename(model.with_name(f".{model.name}.01234567.tmp"))
    assert project.plan() == reused_before("train:smoke")


def trained(project: Project) -> Path:
    (adapter,) = project.store.glob("models/*/adapter")
    return adapter.parent


def test_a_truncated_result_is_made_again_from_the_answers_that_are_kept(
    project: Project, finished: tuple[Project, dict[str, Any]]
) -> None:
    (result,) = [path for path in project.objects("results") if b"rougeL" in path.read_bytes()]
    content = result.read_bytes()
    for size in (0, 10, 65, len(content) // 2, len(content) - 1):
        result.write_bytes(content[:size])
        assert project.plan() == reused_before("evaluate:smoke"), size
    assert project.answer("run")["figures"] == finished[1]["figures"]
    assert result.read_bytes() == content
    assert not (project.store / "runs/latest/jobs").exists()  # no model was loaded


@pytest.mark.parametrize("name", ["train.jsonl", "validation.jsonl", "test.jsonl"])
def test_a_dataset_that_lacks_a_file_is_written_again(project: Project, name: str) -> None:
    (path,) = (project.store / "datasets").glob(f"*/{name}")
    content = path.read_bytes()
    path.unlink()
    assert project.plan() == reused_before("dataset")
    project.answer("run")
    assert path.read_bytes() == content
    assert project.steps() == dict.fromkeys(STEPS, "reused") | {"dataset": "made"}


def missing(folder: Path) -> None:
    (folder / "adapter/template.json").unlink()


def extra(folder: Path) -> None:
    (folder / "adapter/adapter_model.bin").write_bytes(b"weights of another model")


def flipped(folder: Path) -> None:
    flip(folder / "adapter/adapter_config.json", 0.5)


def emptied(folder: Path) -> None:
    (folder / "model.json").write_bytes(b"")


@pytest.mark.parametrize("harm", [missing, extra, flipped, emptied])
def test_a_model_folder_that_is_not_as_it_was_made_is_no_model(project: Project, harm: Callable[[Path], None]) -> None:
    harm(trained(project))
    assert project.plan() == reused_before("train:smoke")


def flip(path: Path, place: float) -> None:
    """Change one bit at a place between 0, the first byte, and 1, the last."""
    content = bytearray(path.read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)


FLIP_ALL = """
import contextlib, io, json, sys
from pathlib import Path
from docutune.cli import main

for name in sys.stdin.read().splitlines():
    path = Path(name)
    content = path.read_bytes()
    for place in (0, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = main(["plan", "--json"])
        found = code == 0 and any(step["action"] == "make" for step in json.loads(printed.getvalue())["steps"])
        path.write_bytes(content)
        if not found:
            print(f"{name} at {place}: not found, exit code {code}")
print("done")
"""


def test_a_flipped_byte_is_found_in_every_kept_object_wherever_it_is(project: Project) -> None:
    """Answers are read only where the result that holds them all is gone, the figures of the quality report only where
    it is written, which no plan names: the next test damages those, too.
    """
    objects = [path for path in project.objects(*KEPT) if not is_answer(path) and not is_quality(path)]
    assert {path.relative_to(project.store).parts[0] for path in objects} == set(KEPT)
    done = subprocess.run(
        [sys.executable, "-c", FLIP_ALL],
        input="\n".join(map(str, objects)),
        cwd=project.work,
        env=project.environment({}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "done\n", done.stderr
    assert project.plan() == reused_before(None)


def is_answer(path: Path) -> bool:
    return b'"ended"' in path.read_bytes() and "results" not in path.parts


def is_quality(path: Path) -> bool:
    return path.parent.parent.name == "results" and b'"lengths"' in path.read_bytes()


def test_with_every_object_damaged_the_same_command_makes_the_same_again(
    project: Project, finished: tuple[Project, dict[str, Any]]
) -> None:
    rows, objects = project.rows(), dict(contents(project))
    for number, path in enumerate(project.objects(*KEPT)):
        flip(path, (0, 0.5, 1)[number % 3])
    summary = project.answer("run")
    assert project.steps() == dict.fromkeys(STEPS, "made")
    assert summary["dataset"] == finished[1]["dataset"]
    assert summary["figures"] == finished[1]["figures"]
    assert project.rows() == rows
    assert dict(contents(project)) == objects


def contents(project: Project) -> Iterator[tuple[str, bytes]]:
    """What is kept, but for what names the run and tells of time."""
    for path in project.objects(*KEPT):
        if path.name not in ("model.json", "provenance.json"):
            yield path.relative_to(project.store).as_posix(), path.read_bytes()
