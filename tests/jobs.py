"""A project whose training lasts as long as a test wants it to, without torch; and looks at its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from installed import Installed

CODE = '"""Parcels."""\n\n\ndef send():\n    """Send one parcel to a city and return its number."""\n'
PIPELINE = """version: 1
project: acme
sources: [{path: acme.py}]
split: {rephrased: 0}
train:
  - name: smoke
    uses: patient
    with: {model: ./base}
"""
TRAINER = '''
import hashlib, os, subprocess, sys, time
from pathlib import Path
from typing import Literal
from pydantic import BaseModel, ConfigDict
from docutune import Registration, TrainingConfig, hookimpl
from docutune.errors import Cancelled
from docutune.records import Answer, Measure, ModelRef, Probe

class Config(TrainingConfig):
    stuck: Literal["never", "importing", "loading", "step"] = "never"

class Patient:
    """Makes a step every 20 ms until the file "enough" appears; what it is told to save takes it a second."""

    def __init__(self, config):
        self.stuck = config.stuck

    def train(self, train, validation, base, context):
        Path("prefix").write_text(sys.prefix)
        subprocess.Popen(["sleep", "600"])
        while self.stuck == "importing":
            Path("stuck").touch()
            time.sleep(0.01)
        if self.stuck == "loading":
            self.compute()
        first = max((int(path.name[5:]) for path in context.kept.glob("checkpoints/step-*")), default=0)
        step = first
        try:
            while not Path("enough").exists():
                step += 1
                context.progress(step, 10**6, loss=1 / step, learning_rate=1e-4, tokens_per_second=123.4,
                                 memory_gib=1.5, seconds_left=30.0)
                time.sleep(0.02)
                if self.stuck == "step" and step > first + 20:
                    self.compute()
        except Cancelled:
            time.sleep(1)
            (context.kept / "checkpoints" / f"step-{step:08}").mkdir(parents=True)
            raise
        adapter = context.folder / "adapter"
        adapter.mkdir()
        for name in ("adapter_config.json", "template.json", "adapter_model.safetensors"):
            (adapter / name).write_text("{}")
        return ModelRef(base.folder, base.digest, adapter)

    def compute(self):
        """Minutes inside one call of C: Python hears no signal."""
        Path("stuck").touch()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Asker:
    def __init__(self, config): pass
    def probes(self, held_out, library): return [Probe("1", held_out[0].sample.messages[:-1])]
    async def measure(self, answers, held_out, library, context):
        return [Measure("length", answer.probe, answer.variant, 1.0) for answer in answers]

class Echo:
    def __init__(self, config): pass
    def open(self, model):
        if Path("stuck").exists():
            Patient.compute(self)
        return self
    def answer(self, probes, variant):
        Path("served").write_text(sys.prefix)
        return (Answer(probe.id, variant, "yes", True) for probe in probes)
    def stream(self, messages, variant, sampling): yield sys.prefix
    def close(self): pass

@hookimpl
def docutune_evaluators():
    return [Registration("patient", 1, "Asks one thing", Nothing, "patient:Asker")]

@hookimpl
def docutune_runtimes():
    return [Registration("patient", 1, "Says yes", Nothing, "patient:Echo")]

@hookimpl
def docutune_trainers():
    return [Registration("patient", 1, "Waits", Config, "patient:Patient"REQUIRES)]
'''
COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]


def ask(project: Installed, python: str = "") -> None:
    """Have the model asked, too, by the runtime of the same package."""
    file = project.work / "pipeline.yaml"
    text = file.read_text().replace("rephrased: 0", "rephrased: 1.0")
    file.write_text(f"{text}runtime: {{uses: patient{python}}}\nevaluate: [{{uses: patient}}]\n")


def prepare(project: Installed, requires: str = "", **options: str) -> None:
    """Write the sources, a base, the pipeline file and the trainer."""
    project.install("patient", {"patient.py": TRAINER.replace("REQUIRES", requires)}, "patient = patient")
    (project.work / "acme.py").write_text(CODE)
    (project.work / "base").mkdir(exist_ok=True)
    (project.work / "base/config.json").write_text("{}")
    (project.work / "base/model.safetensors").write_text("")
    given = "".join(f", {name}: {value}" for name, value in options.items())
    (project.work / "pipeline.yaml").write_text(PIPELINE.replace("./base", f"./base{given}"))


def variables(project: Installed) -> dict[str, str]:
    """The environment of a command that the test starts itself."""
    path = os.pathsep.join(filter(None, [str(project.site), os.environ.get("PYTHONPATH", "")]))
    own = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return {**own, "PYTHONPATH": path, "XDG_CACHE_HOME": str(project.work / "cache")}


def start(project: Installed, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
    """A command that goes on while the test does."""
    return subprocess.Popen([*COMMAND, *arguments], cwd=project.work, env=variables(project), text=True, **streams)


def eventually(condition: Callable[[], object], seconds: float = 120) -> bool:
    """Whether it holds soon."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def training(project: Installed, run: str = "latest") -> bool:
    """Whether the run has come to its training, and made a step."""
    events = project.work / ".docutune/runs" / run / "jobs/smoke/events.jsonl"
    return events.exists() and '"progress"' in events.read_text()


def owner(project: Installed) -> int:
    """The process of the run at work, as it says itself."""
    return int(json.loads((project.work / ".docutune/owner.json").read_text())["process"]["pid"])


def processes(project: Installed) -> list[str]:
    """The command lines of all living processes that work in the project's folder, whatever their parents."""
    return list(_at_work(project).values())


def end(project: Installed) -> None:
    """End them, as a test that went wrong leaves them."""
    for pid in _at_work(project):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _at_work(project: Installed) -> dict[int, str]:
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == project.work:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return {pid: line for pid, line in found.items() if line}
