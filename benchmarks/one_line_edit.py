"""What a one-line edit costs in a library of 2,000 documents: `python benchmarks/one_line_edit.py [--documents 2000]`.

Makes the library in a temporary folder, runs the pipeline without training, runs it unchanged, changes one line of one
document, plans and runs again. Every command is a process of its own; counts come from the plan and from what the runs
wrote. Exits with 1 when more than the edited document is parsed again, or a sample of another document changes.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
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
STEPS = ("parse", "generate:grounded", "curate:duplicates", "dataset")
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
WITHOUT_FSYNC = f"import os; os.fsync = lambda descriptor: None; {COMMAND}"


@dataclass(frozen=True)
class Timed:
    """A finished command: its JSON answer, its wall time, and the processor time of it and its children."""

    answer: Any
    seconds: float
    processor: float


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
    again = docutune(folder, "run")
    show_counts(plan, before, samples(again))
    unsynced = without_fsync(folder)
    rows = {
        "full run": full,
        "full run, `os.fsync` doing nothing": unsynced,
        "unchanged run": unchanged,
        "plan after the edit": plan,
        "run after the edit": again,
    }
    for name, timed in rows.items():
        print(f"| {name} | {cells(timed.seconds, full.seconds)} | {cells(timed.processor, full.processor)} |")
    for step in STEPS:
        print(f"  {step}: " + ", ".join(f"{took(timed, step):.2f} s" for timed in (full, unchanged, again)))
    return int(went_too_far(plan, edited, before, samples(again)))


def cells(seconds: float, whole: float) -> str:
    return f"{seconds:.1f} | {seconds / whole:.2f}"


def show_counts(plan: Timed, before: dict[str, Any], after: dict[str, Any]) -> None:
    """What the plan said before the run, and what the run's samples say after it."""
    documents = plan.answer["documents"]
    print(", ".join(f"{len(documents[word])} {word}" for word in ("added", "changed", "removed")), end=", ")
    print(f"{documents['reused']:,} documents reused")
    for step in plan.answer["steps"]:
        if step["count"]:
            made = step["count"]["total"] - step["count"]["reused"]
            print(f"{step['name']}: {made} of {step['count']['total']:,} items made again, {step['stale']} stale")
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    print(f"samples: {len(before):,} before, {len(gone)} gone, {len(new)} new")


def went_too_far(plan: Timed, edited: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether more was made again than the edit explains."""
    counts = {step["name"]: step["count"] for step in plan.answer["steps"]}
    parsed = counts["parse"]["total"] - counts["parse"]["reused"]
    changed = [before[name] for name in before.keys() - after.keys()]
    changed += [after[name] for name in after.keys() - before.keys()]
    return parsed != 1 or {source(row) for row in changed} != {edited}


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
    """The full run of the same library in another folder with os.fsync doing nothing: what durability costs."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        write_library(Path(name), len(list((folder / "docs").rglob("*.md"))))
        return docutune(Path(name), "run", code=WITHOUT_FSYNC)


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
    started, used = time.perf_counter(), processor_seconds()
    command: Sequence[str] = [sys.executable, "-c", code, *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return Timed(json.loads(done.stdout), time.perf_counter() - started, processor_seconds() - used)


def processor_seconds() -> float:
    """Processor time of all commands so far: unlike wall time it hardly depends on what else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
    code = f'import house\n\nkey = {name}({number}, second="{chance.choice(WORDS)}")\nprint(key)'
    return (
        f"\n## Door {part} of room {number}\n\nThe {sentence(chance, 40)}.\n\n"
        f"Call `{name}` to open it:\n\n```python\n{code}\n```\n"
    )


def sentence(chance: random.Random, length: int) -> str:
    return " ".join(chance.choices(WORDS, k=length))


if __name__ == "__main__":
    sys.exit(main())
