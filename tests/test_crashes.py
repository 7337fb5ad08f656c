"""SIGKILL at any moment: nothing acknowledged is lost, nothing is torn, and the same command goes on to the same end.

The kill loops stand in tests/soak; `make soak` runs their long form.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from installed import Installed

SOAK = Path(__file__).parent / "soak"
CODE = '"""Parcels."""\n\n\ndef send():\n    """Send one parcel to a city."""\n'
CROWD = """
import hashlib, os
from pathlib import Path
from docutune import Registration, TrainingConfig, hookimpl
from docutune.records import Answer, Measure, ModelRef, Probe
from pydantic import BaseModel, ConfigDict

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Crowd:
    def __init__(self, config): pass
    def train(self, train, validation, base, context):
        adapter = context.folder / "adapter"
        adapter.mkdir()
        for name in ("adapter_config.json", "template.json", "adapter_model.safetensors"):
            (adapter / name).write_text("{}")
        return ModelRef(base.folder, base.digest, adapter)
    def open(self, model): return self
    def answer(self, probes, variant):
        together = hashlib.sha256("".join(probe.id for probe in probes).encode()).hexdigest()
        for number, probe in enumerate(probes):
            if number == 3 and os.environ.get("DIE"): os._exit(1)
            yield Answer(probe.id, variant, f"asked with {together}", True)
    def close(self): pass
    def probes(self, held_out, library):
        return [Probe(str(number), held_out[0].sample.messages[:-1] * (1 + number)) for number in range(6)]
    async def measure(self, answers, held_out, library, context):
        return [Measure("length", answer.probe, answer.variant, float(len(answer.text))) for answer in answers]

@hookimpl
def docutune_trainers(): return [Registration("crowd", 1, "Writes a file", TrainingConfig, "crowd:Crowd")]

@hookimpl
def docutune_runtimes(): return [Registration("crowd", 1, "Says who else was asked", Nothing, "crowd:Crowd")]

@hookimpl
def docutune_evaluators(): return [Registration("crowd", 1, "Asks six things", Nothing, "crowd:Crowd")]
"""
PIPELINE = "version: 1\nproject: acme\nsources: [{path: acme.py}]\n"


@pytest.mark.training
@pytest.mark.parametrize("part", ["pipeline", "books", "default-storage"])
def test_kills_lose_nothing(part: str, record_property: Callable[[str, object], None]) -> None:
    """Part "default-storage" is the loop of part "books" over TinyDB's own storage; there it must find losses."""
    done = subprocess.run([sys.executable, SOAK, part, "--short"], capture_output=True, text=True, timeout=500)
    record_property("counts", done.stdout)
    assert done.returncode == 0, done.stderr
    assert " kills (" in done.stdout


def _delete(path: Path) -> None:
    path.unlink()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * (path.stat().st_size // 256))


def _half_a_page_of_noise(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(range(256)) * 8 + content[4096 + 2048 :])


def test_a_run_killed_as_soon_as_it_can_be_seen_is_in_the_status(environment: Installed) -> None:
    (environment.work / "acme.py").write_text(CODE)
    (environment.work / "pipeline.yaml").write_text(PIPELINE)
    killed = environment.python(
        "import os, signal, sys\n"
        "from docutune import atomic, cli\n"
        "publish = atomic.publish_folder\n"
        "def publish_and_die(made, final):\n"
        "    publish(made, final)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic.publish_folder = publish_and_die\n"
        "cli.main(['run'])"
    )
    assert killed.returncode == -9
    assert len(list((environment.work / ".docutune/runs").glob("2*"))) == 1
    assert [row["outcome"] for row in environment.answer("status")] == ["interrupted"]


def test_the_catalog_is_rebuilt_by_one_command(environment: Installed) -> None:
    (environment.work / "acme.py").write_text(CODE)
    (environment.work / "pipeline.yaml").write_text(PIPELINE)
    for until in ("parse", "generate", "dataset"):
        environment.answer("run", "--until", until)
    before = environment.answer("status")
    assert len(before) == 3
    for harm in (_delete, _truncate, _empty, _noise, _half_a_page_of_noise):
        harm(environment.work / ".docutune/catalog.sqlite")
        done = environment.docutune("status", "--rebuild", "--json")
        assert done.returncode == 0, done.stderr
        assert "index rebuilt: 3 runs" in done.stderr
        assert json.loads(done.stdout) == before
    assert environment.answer("status") == before
    environment.answer("run")
    assert environment.answer("status")[1:] == before


def test_answers_do_not_depend_on_where_an_evaluation_was_interrupted(environment: Installed) -> None:
    """The runtime's answers depend on what they are asked together with, as those of a batch on a GPU do."""
    environment.install("crowd", {"crowd.py": CROWD}, "crowd = crowd")
    (environment.work / "acme.py").write_text(CODE)
    (environment.work / "base").mkdir()
    (environment.work / "base/config.json").write_text("{}")
    (environment.work / "base/model.safetensors").write_text("")
    (environment.work / "pipeline.yaml").write_text(
        f"{PIPELINE}split: {{rephrased: 1.0}}\ntrain: [{{name: smoke, uses: crowd, with: {{model: ./base}}}}]\n"
        "runtime: {uses: crowd}\nevaluate: [{uses: crowd}]\n"
    )

    def answers() -> dict[str, bytes]:
        kept = (environment.work / ".docutune/cache").rglob("*")
        return {path.name: path.read_bytes() for path in kept if path.is_file() and b"asked with" in path.read_bytes()}

    environment.answer("run")
    expected = answers()
    assert len(expected) == 12
    (environment.work / ".docutune").rename(environment.work / "first")
    assert environment.docutune("run", DIE="1").returncode == 1
    assert len(answers()) == 3
    environment.answer("run")
    assert answers() == expected
