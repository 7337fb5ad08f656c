"""Generators that ask a base model on this machine, through the command line, on real models of small size."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

from docutune.records import Message, ModelRef, Prompt, Written

SAID = '{"answer": "Acme moves parcels."}'
WORDS = re.findall(
    r"\w+", "Send one parcel and return its number what is acme piece of the whole answer with JSON schema type string"
)
ASKER = """
from pydantic import BaseModel
from docutune import ChatConfig, Registration, hookimpl
from docutune.records import Message, Sample, Task

class Config(ChatConfig):
    pass

class Answer(BaseModel):
    answer: str

class Asker:
    def __init__(self, config): pass
    def tasks(self, library):
        for symbol in library.public():
            if symbol.kind == "function":
                yield Task({"name": symbol.name, "about": symbol.docstring}, (symbol.span,))
    async def run(self, task, context, complaint=None):
        question = f"What is {task.payload['name']}? {task.payload['about']}"
        asked = question + (f" Last time: {complaint}" if complaint else "")
        reply = await context.chat.ask([Message("user", asked)], Answer)
        answer = Message("assistant", reply.answer)
        return [Sample((Message("user", question), answer), "purpose", task.payload["name"], (task.payload["name"],))]

@hookimpl
def docutune_generators():
    return [Registration("asker", 1, "Asks", Config, "asker:Asker")]
"""
ALONE = """
import os, socket, sys
def tell(self, address, *rest):
    open(os.environ["CALLS"], "a").write(f"{address}\\n")
    raise OSError("no network here")
socket.socket.connect = tell
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0].partition("_")[0] in ("langchain", "langsmith", "openai", "tenacity", "detect"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""
"""A machine without a network, and without the libraries for providers."""


class Context:
    """A contracts.Context in this process, of which nobody hears."""

    seed = 0

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def progress(self, done: int, total: int | None = None, **figures: float) -> None: ...


def schooled(folder: Path, steps: int) -> Path:
    """A base model that read conversations in which every answer is SAID, for that many steps."""
    from docutune.hf.tiny import Recipe, make

    chance = random.Random(0)
    asked = [" ".join(chance.choices(WORDS, k=chance.randint(3, 30))) for _ in range(300)]
    form = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n{}<|im_end|>\n"
    folder.mkdir()
    lines = (json.dumps({"text": form.format(question, SAID)}) for question in asked)
    (folder / "texts.jsonl").write_text("\n".join(lines))
    recipe = Recipe(
        vocabulary=400, hidden=64, row=64, batch=8, learning_rate=5e-3, fewest_steps=steps, most_steps=steps
    )
    return make(folder / "texts.jsonl", Context(folder / "model"), recipe).folder


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return schooled(tmp_path_factory.mktemp("models") / "writer", steps=50)


@pytest.fixture(scope="module")
def babbler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return schooled(tmp_path_factory.mktemp("models") / "babbler", steps=1)


class Project:
    """A library of functions and a pipeline that asks a model of this machine about each."""

    def __init__(self, installed: Installed, functions: int = 10) -> None:
        self.installed, self.work = installed, installed.work
        installed.install("asker", {"asker.py": ASKER}, "asker = asker")
        (self.work / "src").mkdir()
        for number in range(functions):
            code = f'def part_{number:03}() -> int:\n    """Piece {number:03} of the whole."""\n    return {number}\n'
            (self.work / f"src/m{number:03}.py").write_text(code)

    def write(self, more: dict[str, Any] | None = None, uses: str = "asker", **options: Any) -> None:
        pipeline = {
            "version": 1,
            "project": "acme",
            "sources": [{"path": "src"}],
            "generate": [
                {"uses": "grounded"},
                {"uses": uses, "with": {"temperature": 0.2, "max_tokens": 40} | options},
            ],
            "runtime": {"uses": "local", "with": {"quantization": "none"}},
            "curate": [],
            **(more or {}),
        }
        (self.work / "pipeline.yaml").write_text(json.dumps(pipeline))

    def run(self, *arguments: str) -> Any:
        return self.installed.answer("run", *arguments, OMP_NUM_THREADS="1")

    def begin(self) -> subprocess.Popen[bytes]:
        code = "import sys; from docutune.cli import main; sys.exit(main(['run']))"
        path = os.pathsep.join(filter(None, [str(self.installed.site), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen([sys.executable, "-c", code], cwd=self.work, env=environment, stderr=subprocess.PIPE)

    def replies(self) -> int:
        found = (self.work / ".docutune/replies").rglob("*")
        return sum(1 for path in found if re.fullmatch(r"[0-9a-f]{62}", path.name))

    def manifest(self) -> Any:
        return json.loads((self.work / ".docutune/runs/latest/manifest.json").read_text())

    def rows(self, name: str) -> list[Any]:
        text = (self.work / ".docutune/runs/latest" / name).read_text()
        return [json.loads(line) for line in text.splitlines()]


def wait_for(what: Callable[[], Any], process: subprocess.Popen[bytes]) -> Any:
    while not (found := what()):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.01)
    return found


def worker_of(process: subprocess.Popen[bytes]) -> int | None:
    """The process that holds the model."""
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if b"docutune.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return None


def test_a_model_of_this_machine_writes_samples_without_network_and_providers(
    environment: Installed, writer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.install("alone", {"sitecustomize.py": ALONE})
    monkeypatch.setenv("CALLS", str(environment.work / "calls"))
    project = Project(environment)
    project.write(model=f"local:{writer}")
    planned = environment.docutune("plan").stdout
    assert f"asks local:{writer}, nothing leaves this machine, 10 to make" in planned
    project.run()
    made = [row for row in project.rows("samples.jsonl") if row["origin"]["producer"] == "asker@1"]
    assert {row["messages"][-1]["content"] for row in made} == {"Acme moves parcels."}
    assert len(made) == 10
    assert {row["origin"]["model"] for row in made} == {f"local:{writer}"}
    spent = project.manifest()["spending"]
    assert spent["requests"] == 10
    assert spent["cost_usd"] == 0
    assert 0 < spent["output_tokens"] <= 10 * 40, "as the model's tokenizer counts"
    assert not (environment.work / "calls").exists(), (environment.work / "calls").read_text()
    moved = environment.work / "elsewhere"
    shutil.copytree(writer, moved)
    project.write(model="local:./elsewhere")
    project.run()
    steps = {step["name"]: step["status"] for step in project.manifest()["steps"]}
    assert steps["generate:asker"] == "reused", "a model is what it is, wherever it lies"


def test_the_model_that_is_trained_is_asked_where_none_is_named(environment: Installed, babbler: Path) -> None:
    project = Project(environment, functions=2)
    training = {"train": [{"uses": "trl", "with": {"model": str(babbler)}}]}
    project.write(training, uses="langchain", kinds=["how-to"])
    project.run("--until", "dataset")
    rejected = [row for row in project.rows("rejected.jsonl") if row["producer"] == "langchain"]
    assert len(rejected) == 2, "it babbles, twice for each function"
    assert all(row["reason"].startswith("the reply ") for row in rejected), rejected
    assert project.manifest()["spending"]["requests"] == 4
    assert [step["name"] for step in project.manifest()["steps"]][:2] == ["parse", f"base:{babbler}"]
    project.run("--until", "dataset")
    assert {step["status"] for step in project.manifest()["steps"]} == {"reused"}


def test_what_was_written_before_a_kill_is_not_asked_for_again(environment: Installed, babbler: Path) -> None:
    project = Project(environment, functions=12)
    project.write(model=f"local:{babbler}", max_tokens=40, concurrency=2, temperature=1.0)
    process = project.begin()
    wait_for(lambda: project.replies() >= 4, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    project_has = project.replies()
    assert project_has < 24, "all was done before the kill"
    project.run()
    spent = project.manifest()["spending"]
    assert spent["requests"] + project_has == project.replies() == 24, "two tries for each function"
    assert spent["replies_reused"] == project_has


def test_a_worker_that_dies_is_told_in_one_line_and_nothing_is_lost(environment: Installed, babbler: Path) -> None:
    project = Project(environment, functions=12)
    project.write(model=f"local:{babbler}", max_tokens=40, concurrency=2, temperature=1.0)
    process = project.begin()
    wait_for(lambda: project.replies() >= 2, process)
    worker = worker_of(process)
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    told = process.communicate()[1].decode().partition("error: ")[2]
    assert process.returncode == 1
    assert told.startswith(f"local:{babbler}, on this machine: the worker process was killed by SIGKILL")
    assert "Traceback" not in told
    kept = project.replies()
    project.run()
    assert project.manifest()["spending"]["requests"] == 24 - kept


def test_an_interrupt_ends_the_worker_too(environment: Installed, babbler: Path) -> None:
    project = Project(environment, functions=12)
    project.write(model=f"local:{babbler}", max_tokens=200, concurrency=2, temperature=1.0)
    process = project.begin()
    worker = wait_for(lambda: worker_of(process), process)
    wait_for(lambda: project.replies() >= 2, process)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert not Path(f"/proc/{worker}").exists()


WRONG: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    ({}, {}, "generate[1].with: no chat model is named, and nothing is trained whose base could be asked; write model"),
    ({"model": "local"}, {}, "generate[1].with.model: no chat model is named, and nothing is trained"),
    ({"model": "local:"}, {}, "generate[1].with.model: write local, or local:NAME_OR_FOLDER"),
    (
        {"model": "local:builtin/tiny"},
        {},
        "generate[1].with.model: builtin/tiny cannot write: it shows that a pipeline",
    ),
    (
        {},
        {"train": [{"uses": "trl", "with": {"model": "builtin/tiny"}}]},
        "generate[1].with: builtin/tiny cannot write",
    ),
    ({"model": "local:./nowhere"}, {}, "generate[1].with.model: no folder "),
    ({"model": "local:a/b", "base_url": "http://localhost:1/v1"}, {}, "'local:a/b' runs on this machine, and base_url"),
    (
        {"base_url": "http://localhost:1/v1"},
        {},
        "no model is named, and base_url is for servers; the model of a server",
    ),
)


@pytest.mark.parametrize(("options", "more", "message"), WRONG)
def test_what_cannot_work_is_told_before_anything_is_made(
    environment: Installed, options: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    project = Project(environment, functions=1)
    project.write(more, **options)
    done = environment.docutune("validate")
    assert done.returncode == 2
    assert message in done.stderr


def test_a_model_that_is_not_here_ends_the_run_with_one_line(environment: Installed) -> None:
    project = Project(environment, functions=1)
    project.write(model="local:nobody/has-this")
    done = environment.docutune("run", HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert "error: model 'nobody/has-this' is not in the cache" in done.stderr
    assert "Traceback" not in done.stderr


# ---- what the runtime promises


def session(model: Path, **options: Any) -> Callable[..., dict[str, Written]]:
    import torch

    from docutune.plugins.runtimes.local.plugin import Config
    from docutune.plugins.runtimes.local.serve import Local

    torch.set_float32_matmul_precision("highest")  # as in a worker: making a tiny model lowers it
    opened = Local(Config(quantization="none", **options)).open(ModelRef(model, "digest"))

    def complete(prompts: list[Prompt], **sampling: float) -> dict[str, Written]:
        given = {"temperature": 1.0, "max_new_tokens": 30, **sampling}
        return {written.prompt: written for written in opened.complete(prompts, "base", **given)}

    return complete


def prompt(name: str, words: str, seed: int) -> Prompt:
    return Prompt(name, (Message("user", words),), seed)


def test_a_prompt_gets_the_same_text_whatever_stands_beside_it(babbler: Path) -> None:
    complete = session(babbler)
    prompts = [prompt(str(seed), " ".join(WORDS[: 3 + seed]), seed) for seed in range(7)]
    together = complete(prompts)
    alone = {one.id: complete([one])[one.id] for one in prompts}
    assert together == alone
    assert len({written.text for written in together.values()}) == 7
    other = complete([prompt("0", " ".join(WORDS[:3]), 99)])
    assert other["0"].text != alone["0"].text, "another seed"


def test_tokens_are_drawn_as_often_as_the_model_says() -> None:
    import torch

    from docutune.hf.choosing import Seeded

    scores = torch.tensor([[0.5, 0.0, 0.3, 0.2]]).log().repeat(4000, 1)
    chosen = Seeded(range(4000), 1.0)(torch.empty(0), scores).argmax(dim=1)
    assert [round(share, 1) for share in (torch.bincount(chosen, minlength=4) / 4000).tolist()] == [0.5, 0, 0.3, 0.2]
    sharp = Seeded(range(4000), 0.1)(torch.empty(0), scores).argmax(dim=1)
    assert (sharp == 0).float().mean() > 0.98


def test_a_prompt_that_is_too_long_is_refused_and_the_others_are_answered(babbler: Path) -> None:
    complete = session(babbler, max_length=64)
    written = complete([prompt("long", "parcel " * 200, 1), prompt("short", "parcel", 2)])
    assert "longer than 64" in str(written["long"].refused)
    assert written["short"].refused is None
    assert written["short"].output_tokens > 0
    beyond = complete([prompt("short", "parcel", 2)], max_new_tokens=4090)["short"].refused
    assert "are more than the model's 4,096" in str(beyond)


@pytest.mark.parametrize("opens", ["model", "template"])
def test_thoughts_are_no_part_of_what_is_written(opens: str) -> None:
    from docutune.hf.complete import spoken

    class Tokenizer:
        """Words are tokens."""

        words = ("<think>", "</think>", "let", "me", "{", "}", "see", "<|assistant|>")

        def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
            return " ".join(self.words[number] for number in ids)

        def get_vocab(self) -> dict[str, int]:
            return {word: number for number, word in enumerate(self.words)}

    generator: Any = type("Generator", (), {"tokenizer": Tokenizer()})()
    asked, before = ([7, 0], []) if opens == "template" else ([7], [0])
    assert spoken(generator, asked, [*before, 2, 3, 4, 1, 4, 5]) == "{ }"
    assert spoken(generator, asked, [*before, 2, 3, 4]) == "", "it was cut off while it thought"
    assert spoken(generator, [7], [4, 0, 2, 1, 5]) == "{ <think> let </think> }", "a reply about such marks"
