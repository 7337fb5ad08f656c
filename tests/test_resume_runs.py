"""`docutune run` stopped, killed and given again: the same command goes on by itself, to the same model."""

from __future__ import annotations

import hashlib
import json
import os
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
from tiny import base

pytestmark = pytest.mark.training

SOAK = Path(__file__).parent / "soak"
COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]
CODE = '"""Parcels."""\n' + "".join(
    f'\n\ndef {name}():\n    """{name.capitalize()} one parcel, and return its number."""\n'
    for name in ("send", "track", "weigh", "label")
)
PIPELINE = """version: 1
project: acme
sources: [{path: acme.py}]
generate: [{uses: grounded, with: {kinds: [purpose], phrasings: 4}}]
split: {rephrased: 0, validation: 0.2}
train:
  - name: smoke
    uses: trl
    with: {model: ./base, quantization: none, lora_rank: 4, lora_dropout: 0.1, max_steps: 30, batch_size: 4,
           micro_batch_size: 2, save_steps: 1}
"""
VARIABLES = {**os.environ, "OMP_NUM_THREADS": "1"}
Call = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project on a base that is there, so that a run is little more than its training."""
    folder = tmp_path_factory.mktemp("project")
    base(folder / "made")
    (folder / "made/model").rename(folder / "base")
    (folder / "acme.py").write_text(CODE)
    (folder / "pipeline.yaml").write_text(PIPELINE)
    return folder


@pytest.fixture(scope="module")
def unbroken(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any]:
    """The model of a run that nobody stopped."""
    whole = tmp_path_factory.mktemp("whole") / "project"
    shutil.copytree(project, whole)
    assert run(whole).returncode == 0
    return made(whole)


def docutune(folder: Path, *arguments: str) -> Call:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=VARIABLES, capture_output=True, text=True, timeout=300
    )


def run(folder: Path) -> Call:
    return docutune(folder, "run", "--until", "train:smoke")


def broken(folder: Path, how: Callable[[subprocess.Popen[str]], None], more: int = 3) -> Call:
    """Begin a run; break it off as soon as its training is that many checkpoints further."""
    before = step(folder)
    with subprocess.Popen(
        [*COMMAND, "run", "--until", "train:smoke"],
        cwd=folder,
        env=VARIABLES,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while step(folder) < before + more:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        how(process)
        out, errors = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def step(folder: Path) -> int:
    names = [path.name for path in (folder / ".docutune/training").glob("*/checkpoints/step-*")]
    return max((int(name[5:]) for name in names), default=0)


def made(folder: Path) -> tuple[str, Any]:
    """SHA-256 of the adapter and its card, and the curve without the machine's own figures."""
    (model,) = (folder / ".docutune/models").glob("[!.]*")
    digest = hashlib.sha256()
    for name in ("adapter_model.safetensors", "adapter_config.json", "README.md"):
        digest.update((model / "adapter" / name).read_bytes())
    curve = json.loads((model / "model.json").read_text())["curve"]
    return digest.hexdigest(), [
        {name: point[name] for name in ("step", "loss", "eval_loss") if name in point} for point in curve
    ]


def shown_steps(folder: Path) -> list[int]:
    """The steps that the newest run showed of its training."""
    events = (folder / ".docutune/runs/latest/events.jsonl").read_text().splitlines()
    return [event["done"] for event in map(json.loads, events) if event["event"] == "progress"]


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()


def told(process: subprocess.Popen[str]) -> None:
    process.terminate()


def twice_interrupted(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)


def test_a_run_broken_off_in_every_way_goes_on_to_the_same_model(
    project: Path, unbroken: tuple[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    assert broken(folder, told).returncode == 143
    first = step(folder)
    planned = docutune(folder, "plan")
    assert re.search(rf"^make +train:smoke +trl +continue at step {step(folder)}\b", planned.stdout, re.MULTILINE)
    interrupted = broken(folder, twice_interrupted)
    assert interrupted.returncode == 130
    assert "the training goes on at step" in interrupted.stderr
    assert all(done >= first for done in shown_steps(folder))
    assert "error" not in interrupted.stderr
    ending = f"stopped: the training is saved\n  docutune run goes on: train:smoke from step {step(folder)}\n"
    assert interrupted.stderr.endswith(ending)
    assert broken(folder, killed).returncode == -9
    reached = step(folder)
    done = run(folder)
    assert done.returncode == 0, done.stderr
    (going_on,) = re.findall(r"the training goes on at step (\d+)", done.stderr)
    assert int(going_on) >= reached
    assert made(folder) == unbroken
    assert not list((folder / ".docutune/training").iterdir())


def test_a_changed_option_is_named_and_changing_it_back_goes_on(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    broken(folder, told)
    reached = step(folder)
    pipeline = (folder / "pipeline.yaml").read_text()
    (folder / "pipeline.yaml").write_text(pipeline.replace("lora_rank: 4", "lora_rank: 2"))
    changed = broken(folder, told, more=1)
    said = f"in the training that was stopped at step {reached} lora_rank was 4, is now 2"
    assert said in changed.stderr
    assert json.loads(docutune(folder, "clean", "--dry-run", "--json").stdout)["kinds"]["training"]["count"] == 0
    (first,) = [
        path
        for path in (folder / ".docutune/training").iterdir()
        if '"lora_rank": 4' in (path / "training.json").read_text()
    ]
    (second,) = [path for path in (folder / ".docutune/training").iterdir() if path != first]
    (folder / "pipeline.yaml").write_text(pipeline)
    shutil.rmtree(first / "checkpoints")
    shutil.copytree(second / "checkpoints", first / "checkpoints")
    refused = run(folder)
    assert refused.returncode == 1
    assert (
        "this checkpoint is of another training: lora_rank was 2, is now 4; lora_alpha was 4.0, is now 8.0"
        in refused.stderr
    )
    shutil.rmtree(first / "checkpoints")
    (folder / "pipeline.yaml").write_text(pipeline.replace("max_steps: 30", "max_steps: 2"))
    finished = run(folder)
    assert (finished.returncode, "set back, it goes on" in finished.stderr) == (0, True)
    (folder / "pipeline.yaml").write_text(pipeline.replace("max_steps: 30", "max_steps: 3"))
    again = run(folder)
    assert (again.returncode, "it starts anew" in again.stderr) == (0, False)
    shutil.rmtree(sorted((folder / ".docutune/runs").glob("2*"))[0])
    freed = json.loads(docutune(folder, "clean", "--yes", "--keep", "1", "--json").stdout)["kinds"]["training"]
    assert freed["count"] == 2
    assert not list((folder / ".docutune/training").iterdir())


def test_kills_and_damages_lose_nothing_but_to_transformers_own_checkpoints(
    record_property: Callable[[str, object], None],
) -> None:
    done = subprocess.run([sys.executable, SOAK, "training", "--short"], capture_output=True, text=True, timeout=500)
    record_property("counts", done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" kills (") == 2
