"""A small library with its pipeline, runs of it that can be killed, and what they left on the disk."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]
FACTS = {
    "send": "Send one parcel to a city and return its number.",
    "track": "Tell where a parcel is at this moment.",
    "weigh": "Put a parcel on the scales and read the grams.",
}
CODE = '"""Parcels."""\n' + "".join(f'\n\ndef {name}():\n    """{text}"""\n' for name, text in FACTS.items())
GUIDE = """# Guide

Acme sends parcels to every city of the country within two days. Nothing is lost, for every parcel has a number.

## Sending

Call `acme.send` with the weight in grams, and keep the number that it returns until the parcel has arrived.
"""
PIPELINE = """version: 1
project: acme
sources: [{path: guide.md}, {path: acme.py}]
generate: [{uses: grounded, with: {kinds: [purpose], phrasings: 4}}]
curate: [{uses: duplicates}]
split: {rephrased: 1.0, validation: 0.2}
train:
  - {name: smoke, uses: trl, with: {model: builtin/tiny, max_steps: 3, batch_size: 4, quantization: none}}
runtime: {uses: local, with: {max_new_tokens: 6, batch_size: 2, quantization: none}}
"""
OBSERVER = '''"""Kills its own process at the n-th edge of a step, or seconds after it; writes down each edge's time."""

import os, signal, threading, time
from docutune import hookimpl

edges = 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def edge():
    global edges
    edges += 1
    with open(os.environ["SOAK_EDGES"], "a") as file:
        file.write(f"{time.time()}\\n")
    number, delay = os.environ["SOAK_KILL"].split(":")
    if edges == int(number):
        if float(delay) == 0:
            die()
        timer = threading.Timer(float(delay), die)
        timer.daemon = True
        timer.start()

@hookimpl
def docutune_step_started(run, step):
    edge()

@hookimpl
def docutune_step_finished(run, step, outcome):
    edge()
'''
SITE = "site"


@dataclass(frozen=True)
class Moment:
    """When to kill: `delay` seconds after the `edge`-th edge of a run; edge 0 is the start of the process."""

    edge: int
    delay: float


@dataclass
class Killed:
    """A run that was started to be killed. `marker` stands in the environment of each of its processes."""

    code: int
    marker: str
    errors: str
    edges: list[float] = field(default_factory=list)


def make_project(folder: Path, pipeline: str = PIPELINE, package: str = "reaper", module: str = OBSERVER) -> Path:
    """Write the library, its pipeline file and a package of one module, by default the one that kills."""
    info = folder / SITE / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    files = {
        "guide.md": GUIDE,
        "acme.py": CODE,
        "pipeline.yaml": pipeline,
        f"{SITE}/{package}.py": module,
        f"{SITE}/{info.name}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        f"{SITE}/{info.name}/entry_points.txt": f"[docutune.plugins]\n{package} = {package}\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def docutune(project: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A command of docutune, run to its end."""
    return subprocess.run(
        [*prefix, *COMMAND, *arguments], cwd=project, env=_variables(project), capture_output=True, text=True
    )


def planned(project: Path) -> list[str]:
    """The steps that a run would take, in their order; each has two edges, its start and its end."""
    steps: list[dict[str, str]] = json.loads(docutune(project, "plan", "--json").stdout)["steps"]
    return [step["name"] for step in steps]


def run(project: Path, moment: Moment | None = None) -> Killed:
    """`docutune run`, killed at that moment unless it ended before."""
    marker = uuid.uuid4().hex
    edges = project / f"{marker}.edges"
    kill = f"{moment.edge}:{moment.delay}" if moment else "-1:0"
    variables = {**_variables(project), "SOAK_MARKER": marker, "SOAK_EDGES": str(edges), "SOAK_KILL": kill}
    with (project / "said").open("w+") as said:
        process = subprocess.Popen(
            [*COMMAND, "run", "--json"], cwd=project, env=variables, stdout=subprocess.DEVNULL, stderr=said
        )
        _wait(process, moment.delay if moment and moment.edge == 0 else None)
        said.seek(0)
        times = [float(line) for line in edges.read_text().split()] if edges.exists() else []
        return Killed(process.returncode, marker, said.read(), times)


def _wait(process: subprocess.Popen[bytes], patience: float | None) -> None:
    """Wait for the end; after `patience` seconds kill it."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def processes(marker: str) -> list[str]:
    """The processes of a run that live: pid and command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "environ").read_bytes():
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                    found.append(f"{entry.name} {line}")
            except OSError:
                continue  # it ended meanwhile, or belongs to somebody else
    return found


def survivors(marker: str, patience: float = 60.0) -> list[str]:
    """The processes of a run that are still there after `patience` seconds."""
    deadline = time.monotonic() + patience
    while (found := processes(marker)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def objects(project: Path) -> dict[str, str]:
    """SHA-256 of every final object: kept items and results, datasets, models' files (not their times)."""
    folder = project / ".docutune"
    paths = [path for area in ("cache", "results", "datasets") for path in _files(folder / area)]
    found = {str(path.relative_to(folder)): _digest(path) for path in paths}
    for model in sorted((folder / "models").glob("[!.]*")):
        named = json.loads((model / "model.json").read_text())["files"]
        found |= {f"models/{model.name}/{name}": _digest(model / name) for name in named}
    return found


def figures(project: Path) -> Any:
    """The figures of the newest run."""
    return json.loads((newest_run(project) / "manifest.json").read_text())["figures"]


def newest_run(project: Path) -> Path:
    """The folder that runs/latest names."""
    return (project / ".docutune/runs/latest").resolve()


def _files(folder: Path) -> Iterator[Path]:
    """Every file whose path has no part that starts with a dot: those are not published."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _variables(project: Path) -> Mapping[str, str]:
    path = os.pathsep.join(filter(None, [str(project / SITE), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, "SOAK_EDGES": os.devnull, "SOAK_KILL": "-1:0"}
