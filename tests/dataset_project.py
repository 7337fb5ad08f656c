"""A small project with documents, code and question-answer pairs, whose dataset changes in known ways."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.cli.app import run as main

GUIDE = """# Guide

## Sending

Acme sends parcels to every city of the country within two days, rain or shine. Each is weighed, gets its number, and
is on its way before noon; what comes in later leaves with the first van of the next morning.

## Tracking

Every parcel has a number, and `acme.track` tells where it is at this moment.
"""
RETURNS = """# Returns

What nobody wants comes back within thirty days, at the cost of whoever sent it. It is weighed again, its number is
crossed out, and the money is paid back at the end of the same week.
"""
CODE = '''"""Parcels for everyone."""


def send(grams: int, *, city: str = "Bergen") -> str:
    """Send one parcel and return its number.

    Args:
        grams: its weight.
        city: where it goes.
    """
    return city


def track(number: str) -> str:
    """Tell where a parcel is at this moment."""
    return number
'''
PAIRS = """question,answer,split
Who owns Acme?,Its drivers own Acme together.,train
Where does Acme sit?,In a yellow house by the harbour of Bergen.,train
Is there a night shift?,"No, drivers sleep at night, and so do their horses.",train
Since when is there Acme?,Since the winter of 1911.,test
哪天送货？,每天都送货，节假日也送。,train
"""
PIPELINE = """version: 1
project: acme
sources:
  - path: docs
  - path: src
  - samples: qa.csv
split: {rephrased: 0.2, validation: 0.1}
"""


def write_project(work: Path) -> None:
    """The project as it is at first."""
    for name, text in {"docs/guide.md": GUIDE, "src/acme.py": CODE, "qa.csv": PAIRS, "pipeline.yaml": PIPELINE}.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text, encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that stands there once."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def docutune(folder: Path, *arguments: str) -> Done:
    """A command that only looks or writes, in this process: a fresh one would import everything anew."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return Done(code, out.getvalue(), err.getvalue())


def answer(folder: Path, *arguments: str) -> Any:
    """What a command with --json says; it must succeed."""
    done = docutune(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(folder: Path, *arguments: str) -> str:
    """What a command says that must fail."""
    done = docutune(folder, *arguments)
    assert done.returncode in (1, 2), done.stdout
    return done.stderr
