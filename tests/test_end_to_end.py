"""The main job through the command line: sources to a tuned model, its figures, its report and an answer."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.training

FACTS = {
    "send": "Send one parcel to a city and return its number.",
    "track": "Tell where a parcel is at this moment.",
    "weigh": "Put a parcel on the scales and read the grams.",
    "refund": "Pay back what a lost parcel was worth.",
    "label": "Print the sticker that goes on the box.",
    "pickup": "Ask the driver to come to your door.",
    "quote": "Say what a delivery will cost before you order it.",
    "archive": "Move old orders out of the way.",
}
CODE = '"""Parcels."""\n' + "".join(f'\n\ndef {name}():\n    """{text}"""\n' for name, text in FACTS.items())
PIPELINE = """version: 1
project: acme
sources:
  - path: acme.py
generate:
  - uses: grounded
    with: {kinds: [purpose], phrasings: 4}
split: {rephrased: 1.0, validation: 0.2}
train:
  - name: smoke
    uses: trl
    with: {model: builtin/tiny, lora_rank: 16, learning_rate: 8.0e-3, max_steps: 180, batch_size: 8}
runtime: {uses: local, with: {max_new_tokens: 48}}
"""
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
Call = subprocess.CompletedProcess[str]


def docutune(folder: Path, *arguments: str, **variables: str) -> Call:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=400,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acme")
    (folder / "acme.py").write_text(CODE)
    (folder / "pipeline.yaml").write_text(PIPELINE)
    return folder


@pytest.fixture(scope="module")
def summary(project: Path) -> dict[str, Any]:
    done = docutune(project, "run", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def figure(summary: dict[str, Any], metric: str) -> dict[str, Any]:
    (found,) = [item for item in summary["figures"]["smoke"]["text-overlap"] if item["metric"] == metric]
    return dict(found)


def test_the_tuned_model_knows_what_the_base_does_not(summary: dict[str, Any]) -> None:
    found = figure(summary, "rougeL")
    assert found["count"] == len(FACTS)
    assert found["tuned"] > found["base"] + 0.3
    assert found["verdict"] == "better"
    assert found["low"] <= found["difference"] <= found["high"]


def test_the_run_folder_holds_everything(summary: dict[str, Any], project: Path) -> None:
    run = Path(summary["folder"])
    report = json.loads((run / "report.json").read_text())
    (model,) = report["models"]
    losses = [point["loss"] for point in model["curve"] if "loss" in point]
    assert losses[-1] < losses[0] / 2
    assert sum(model["changes"][name] for name in ("improved", "worsened", "same")) == len(FACTS)
    assert 0 < len(model["answers"]) <= len(FACTS)
    assert all(answer["sources"][0].startswith("acme.py:") for answer in model["answers"])
    html = (run / "report.html").read_text()
    assert "<svg" in html
    assert "smoke" in html
    assert list((run / "tensorboard/smoke").glob("events.out.tfevents.*"))
    adapter = project / ".docutune" / summary["models"][0]["adapter"]
    assert {"adapter_config.json", "adapter_model.safetensors", "template.json", "README.md"} <= {
        path.name for path in adapter.iterdir()
    }
    card = (adapter / "README.md").read_text()
    assert summary["dataset"]["version"] in card
    assert summary["models"][0]["key"] in card
    assert json.loads((adapter / "provenance.json").read_text())["run"] == summary["run"]
    assert str(project) not in card


def test_a_second_run_and_eval_train_and_ask_nothing_again(summary: dict[str, Any], project: Path) -> None:
    for command in (["run"], ["eval"]):
        again = json.loads(docutune(project, *command, "--json").stdout)
        assert again["figures"] == summary["figures"]
        manifest = json.loads((Path(again["folder"]) / "manifest.json").read_text())
        assert {step["status"] for step in manifest["steps"]} == {"reused"}


def test_the_end_of_a_run_shows_the_difference_before_its_interval(summary: dict[str, Any], project: Path) -> None:
    found = figure(summary, "rougeL")
    shown = f"{found['difference']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f}, {found['count']} questions)"
    assert shown in docutune(project, "run").stdout


def test_eval_never_trains(summary: dict[str, Any], project: Path) -> None:
    runs = sorted((project / ".docutune/runs").iterdir())
    done = docutune(project, "eval", "--set", "train[0].with.max_steps=7")
    assert done.returncode == 2
    assert "train:smoke: not made yet with this pipeline file" in done.stderr
    assert sorted((project / ".docutune/runs").iterdir()) == runs


def test_chat_streams_an_answer_and_writes_it_down(summary: dict[str, Any], project: Path) -> None:
    answers = json.loads((Path(summary["folder"]) / "report.json").read_text())["models"][0]["answers"]
    best = max(answers, key=lambda answer: [score["tuned"] for score in answer["scores"]])
    done = docutune(project, "chat", best["question"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == best["tuned"].strip()
    asked = json.loads(docutune(project, "chat", "--base", "--json", "--max-new-tokens", "5", best["question"]).stdout)
    assert asked["answer"].strip() != best["tuned"].strip()
    history = json.loads(docutune(project, "chat", "--history", "--json").stdout)
    assert [(item["variant"], item["question"]) for item in history] == [
        ("tuned", best["question"]),
        ("base", best["question"]),
    ]
    assert history[0]["answer"] == done.stdout.removesuffix("\n")
    done = docutune(project, "chat", "--model", "nope", "hello")
    assert (done.returncode, "models of this workspace: smoke" in done.stderr) == (2, True)


def test_a_damaged_model_is_trained_again(summary: dict[str, Any], project: Path) -> None:
    weights = project / ".docutune" / summary["models"][0]["adapter"] / "adapter_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    planned = {step["name"]: step["action"] for step in json.loads(docutune(project, "plan", "--json").stdout)["steps"]}
    assert planned["base:builtin/tiny"] == "reuse"
    assert planned["train:smoke"] == "make"
    done = docutune(project, "run", "--json")
    assert json.loads(done.stdout)["figures"] == summary["figures"], done.stderr
    content[-1] ^= 1
    assert weights.read_bytes() == content


def test_the_page_on_the_workspace_names_every_file_and_key(summary: dict[str, Any], project: Path) -> None:
    page = (Path(__file__).parent.parent / "docs/workspace.md").read_text()
    words = set(re.findall(r"[\w.-]+", " ".join(re.findall(r"`([^`\n]+)`", page))))
    root = project / ".docutune"
    of_it = r"[0-9a-f]{2,64}|[\d-]{15,}(\.jsonl)?|(evaluate-)?smoke|events\.out\.tfevents\..*"  # named by what it is of
    own = re.compile(of_it)
    paths = [path.relative_to(root) for path in root.rglob("*")]
    parts = {part for path in paths for part in path.parts if path.parts[2:3] not in (("evaluate",), ("generate",))}
    assert {"manifest.json", "model.json", "adapter_model.safetensors", "chats", "jobs"} <= parts
    assert {part for part in parts if not own.fullmatch(part)} - words == set()
    run = Path(summary["folder"])
    files = [run / "manifest.json", *root.glob("models/*/model.json"), *root.glob("datasets/*/dataset.json")]
    keys = {key for file in files for key in json.loads(file.read_text())}
    keys |= set(json.loads(_lines(run / "samples.jsonl")[0]))
    events = [json.loads(line) for line in _lines(run / "events.jsonl")]
    assert {"curve", "digest", "documents", "origin"} <= keys
    assert keys - words == set()
    assert {event["event"] for event in events} - words == set()
    assert all(re.fullmatch(r"(cache|results)/[0-9a-f]{64}", line) for line in _lines(run / "objects.txt"))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_clean_leaves_what_the_model_stands_on_and_an_open_conversation(summary: dict[str, Any], project: Path) -> None:
    root = project / ".docutune"
    docutune(project, "run", "--until", "parse")
    old, base = root / "models" / ("a" * 24), root / "models" / ("b" * 24)
    adapter = root / Path(summary["models"][0]["adapter"]).parent
    shutil.copytree(adapter, old)
    shutil.copytree(root / summary["models"][0]["base_folder"], base)
    description = json.loads((base / "model.json").read_text())
    (base / "model.json").write_text(json.dumps({**description, "digest": "other"}))
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "chat"], cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as chat:
        deadline = time.monotonic() + 60
        while not list(root.glob("sessions/*/lock")) and time.monotonic() < deadline:
            time.sleep(0.05)
        done = json.loads(docutune(project, "clean", "--keep", "1", "--yes", "--json").stdout)
        assert chat.communicate("What is `acme.send` for?\n", timeout=120)[0].strip()
    assert chat.returncode == 0
    assert done["kinds"]["models"]["names"] == [f"models/{folder.name}" for folder in (old, base)]
    assert done["kinds"]["datasets"]["count"] == 0
    assert done["kinds"]["runs"]["count"] > 0
    again = json.loads(docutune(project, "run", "--json").stdout)
    assert again["figures"] == summary["figures"]
    manifest = json.loads((Path(again["folder"]) / "manifest.json").read_text())
    assert {step["status"] for step in manifest["steps"]} == {"reused"}


def test_a_backend_that_is_not_installed_gives_one_line(project: Path, tmp_path: Path) -> None:
    """The environment is a real one without torch: the standard library and docutune's own dependencies."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.abc, importlib.machinery, sys\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'peft'): raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
    )
    done = docutune(project, "validate", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "trainer 'trl' needs torch, peft: install with pip install 'docutune[trl]'" in done.stderr
    assert "Traceback" not in done.stderr
