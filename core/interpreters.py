"""The interpreters that a pipeline file names with `python:`, asked before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from docutune.config import StepConfig
from docutune.discovery import OWN_PACKAGE
from docutune.errors import UsageError
from docutune.jobs.interpreter import Wanted, complaint
from docutune.pipeline import Pipeline, Window
from docutune.registry import Entry


def check_interpreters(pipeline: Pipeline, window: Window) -> None:
    """UsageError when a step that the run comes to cannot work with the interpreter that it names."""
    steps = pipeline.steps()
    window.check(steps)
    covered = {step.name for step, _ in window.covers(steps)}
    for name, step, python in _elsewhere(pipeline, window, covered):
        found = complaint(python, Wanted(step.entry.facts, _packages(step.entry)))
        if found is not None:
            raise UsageError(f"{pipeline.config.path}: {name}: python: {found[0]}", found[1])


def _elsewhere(pipeline: Pipeline, window: Window, covered: set[str]) -> Iterator[tuple[str, StepConfig, Path]]:
    """The covered steps that run in another environment."""
    for step in pipeline.config.train:
        if step.python is not None and f"train:{step.name}" in covered and not window.only_evaluate:
            yield f"train:{step.name}", step, step.python
    for step in pipeline.config.runtime:
        if step.python is not None and any(name.startswith("evaluate:") for name in covered):
            yield "runtime", step, step.python


def _packages(entry: Entry) -> tuple[str, ...]:
    """What pip installs so that the plugin runs, in the versions of this environment."""
    extra = entry.registration.extra or ""
    needed = () if extra else entry.registration.requires
    own = extra if extra.startswith(OWN_PACKAGE) else OWN_PACKAGE
    others = () if extra in ("", own) else (extra,)
    package = () if entry.package == OWN_PACKAGE else (f"{entry.package}=={entry.version}",)
    return (f"{own}=={version(OWN_PACKAGE)}", *package, *others, *needed)
