"""What a one-line edit costs in a library of 2,000 documents: `python benchmarks/one_line_edit.py [--documents 2000]`.

Makes the library in a temporary folder, runs the pipeline without training, runs it unchanged, changes one line of one
document, plans and runs again. Every command is a process of its own; counts come from what the runs wrote. Exits with 1
when more than the edited document is parsed again, or a sample of another document changes.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

SYLLABLES = ("ka", "so", "mi", "ter", "ban", "lo", "ne", "rus", "fi", "gol", "dra", "pe")
WORDS = ["".join(parts) for parts in product(SYLLABLES, repeat=2)]
ROOMS = ["".join(parts) for parts in product(SYLLABLES, repeat=3)]
FUNCTIONS_PER_MODULE = 10
PIPELINE = "version: 1\nproject: house\nsources:\n  - path: docs\n  - path: src\n"
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
WITHOUT_FSYNC = f"import os; os.fsync = lambda descriptor: None; {COMMAND}"


@dataclass(frozen=True)
class Timed:
    """A finished command: its JSON answer and its wall time."""

    answer: Any
    seconds: float


def main() -> int:
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_library(folder, arguments.documents)
        if arguments.profile:
            return profile(folder, arguments.profile)
        return measure(folder)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time the steps of a one-line edit in a large library.")
    parser.add_argument("--documents", type=int, default=2000, help="Markdown files; one Python module for 20 of them")
    parser.add_argument("--profile", type=Path, help="write a cProfile of the edited run here instead")
    return parser.parse_args()


def measure(folder: Path) -> int:
    full = docutune(folder, "run")
    before = samples(full)
    unchanged = docutune(folder, "run")
    edited = edit(folder)
    plan = docutune(folder, "plan")
    after_edit = docutune(folder, "run")
    fails = report_counts(edited, before, samples(after_edit), full, after_edit)
    unsynced = without_fsync(folder)
    rows = {
        "full run": full.seconds,
        "full run, os.fsync doing nothing": unsynced.seconds,
        "unchanged run": unchanged.seconds,
        "plan after the edit": plan.seconds,
        "run after the edit": after_edit.seconds,
    }
    for name, seconds in rows.items():
        print(f"| {name} | {seconds:.2f} | {seconds / full.seconds:.3f} |")
    for step in ("parse", "generate:grounded", "curate:duplicates", "dataset"):
        print(f"  {step}: " + ", ".join(f"{took(timed, step):.2f} s" for timed in (full, unchanged, after_edit)))
    return int(fails)


def report_counts(
    edited: str, before: dict[str, Any], after: dict[str, Any], full: Timed, again: Timed
) -> bool:
    """Print what was made again; whether it was more than the edit explains."""
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    parsed, tasks = items(again, "parse"), items(again, "generate:grounded")
    print(f"{items(full, 'parse')[1]:,} files, {items(full, 'generate:grounded')[1]:,} tasks, {len(before):,} samples")
    print(f"after the edit: parsed again {parsed[0]}, tasks made again {tasks[0]}, samples gone {len(gone)}, new {len(new)}")
    elsewhere = {source(before[name]) for name in gone} | {source(after[name]) for name in new}
    return parsed[0] != 1 or elsewhere != {edited}


def items(run: Timed, step: str) -> tuple[int, int]:
    """Items of a step that were made, and all of them, from the run's events."""
    lines = (Path(run.answer["folder"]) / "events.jsonl").read_text().splitlines()
    progress = [event for event in map(json.loads, lines) if event["event"] == "progress" and event["step"] == step]
    return (progress[-1]["total"] - progress[0]["done"], progress[-1]["total"]) if progress else (0, 0)


def took(run: Timed, step: str) -> float:
    """Seconds that a step took, from the run's manifest."""
    manifest = json.loads((Path(run.answer["folder"]) / "manifest.json").read_text())
    return next(float(entry["seconds"]) for entry in manifest["steps"] if entry["name"] == step)


def samples(run: Timed) -> dict[str, Any]:
    """Sample id -> row of the run's samples."""
    lines = (Path(run.answer["folder"]) / "samples.jsonl").read_text().splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def source(row: Any) -> str:
    return str(row["origin"]["spans"][0]["source"])


def without_fsync(folder: Path) -> Timed:
    """The full run in a fresh workspace with os.fsync doing nothing: what durability costs."""
    (folder / ".docutune").rename(folder / "kept")
    return docutune(folder, "run", code=WITHOUT_FSYNC)


def edit(folder: Path) -> str:
    """Change one line of one document; its name."""
    path = sorted((folder / "docs").rglob("*.md"))[-1]
    lines = path.read_text().splitlines(keepends=True)
    lines[4] = "This line was written anew, and says of the room what nobody had said before.\n"
    path.write_text("".join(lines))
    return path.relative_to(folder).as_posix()


def profile(folder: Path, output: Path) -> int:
    docutune(folder, "run")
    edit(folder)
    command = [sys.executable, "-m", "cProfile", "-o", str(output.absolute()), "-m", "docutune.cli", "run", "--json"]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL).returncode


def docutune(folder: Path, *arguments: str, code: str = COMMAND) -> Timed:
    started = time.perf_counter()
    command: Sequence[str] = [sys.executable, "-c", code, *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return Timed(json.loads(done.stdout), time.perf_counter() - started)


# ---- the library


def write_library(folder: Path, documents: int) -> None:
    """The same files every time: documents that call the functions of a package, and that package."""
    modules = max(1, documents // 20)
    (folder / "src/house").mkdir(parents=True)
    (folder / "src/house/__init__.py").write_text('"""Rooms of a house."""\n')
    for number in range(modules):
        (folder / f"src/house/{ROOMS[number]}.py").write_text(module(number))
    for number in range(documents):
        path = folder / f"docs/{number // 100:02}/{number:05}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(number, modules))
    (folder / "pipeline.yaml").write_text(PIPELINE)


def module(number: int) -> str:
    chance = random.Random(f"module {number}")
    functions = (
        f'\n\ndef {name}(first: int, *, second: str = "{chance.choice(WORDS)}") -> str:\n'
        f'    """Open the {sentence(chance, 8)}.\n\n    Args:\n'
        f"        first: The {sentence(chance, 6)}.\n        second: The {sentence(chance, 6)}.\n"
        f'    """\n    return second\n'
        for name in WORDS[:FUNCTIONS_PER_MODULE]
    )
    return f'"""The {sentence(chance, 10)}."""\n' + "".join(functions)


def document(number: int, modules: int) -> str:
    chance = random.Random(f"document {number}")
    title = f"# Room {number}\n\nThe {sentence(chance, 25)}.\n\nThe {sentence(chance, 25)}.\n"
    return title + "".join(section(number, part, chance, modules) for part in range(3))


def section(number: int, part: int, chance: random.Random, modules: int) -> str:
    name = f"house.{ROOMS[chance.randrange(modules)]}.{chance.choice(WORDS[:FUNCTIONS_PER_MODULE])}"
    code = f"import house\n\nkey = {name}({number}, second=\"{chance.choice(WORDS)}\")\nprint(key)"
    return (
        f"\n## Door {part} of room {number}\n\nThe {sentence(chance, 40)}.\n\n"
        f"Call `{name}` to open it:\n\n```python\n{code}\n```\n"
    )


def sentence(chance: random.Random, length: int) -> str:
    return " ".join(chance.choices(WORDS, k=length))


if __name__ == "__main__":
    sys.exit(main())
