"""The interpreters that a pipeline file names with `python:`, asked before anything is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from docutune.config import PipelineConfig, StepConfig
from docutune.discovery import OWN_PACKAGE
from docutune.errors import ConfigError, Problem
from docutune.jobs.interpreter import Wanted, complaint
from docutune.registry import Entry


def check_interpreters(config: PipelineConfig, only_evaluate: bool = False) -> None:
    """ConfigError when a step cannot work with the interpreter that it names, even one that this run does not come to.

    With `only_evaluate` nothing is trained, so no trainer's interpreter is asked.
    """
    found = []
    for name, step in _elsewhere(config, only_evaluate):
        assert step.python is not None
        wrong = complaint(step.python, Wanted(step.entry.facts, _packages(step.entry)))
        if wrong is not None:
            found.append((Problem(str(config.path), None, name, f"python: {wrong[0]}"), wrong[1]))
    if found:
        raise ConfigError(tuple(problem for problem, _ in found), "\n  ".join(dict.fromkeys(hint for _, hint in found)))


def _elsewhere(config: PipelineConfig, only_evaluate: bool) -> Iterator[tuple[str, StepConfig]]:
    """The steps that run in another environment."""
    steps = [] if only_evaluate else [(f"train:{step.name}", step) for step in config.train]
    steps += [("runtime", step) for step in config.runtime]
    yield from ((name, step) for name, step in steps if step.python is not None)


def _packages(entry: Entry) -> tuple[str, ...]:
    """What pip installs so that the plugin runs, in the versions of this environment."""
    extra = entry.registration.extra or ""
    needed = () if extra else entry.registration.requires
    own = extra if extra.startswith(OWN_PACKAGE) else OWN_PACKAGE
    others = () if extra in ("", own) else (extra,)
    package = () if entry.package == OWN_PACKAGE or not entry.version else (_source(entry.package, ""),)
    return (_source(OWN_PACKAGE, own.removeprefix(OWN_PACKAGE)), *package, *others, *needed)


def _source(package: str, extras: str) -> str:
    """What gives pip the same package: the folder or file that it was installed from here, else its version.

    pip notes the origin of what came from no index: https://packaging.python.org/en/latest/specifications/direct-url/
    """
    here = distribution(package)
    origin = json.loads(here.read_text("direct_url.json") or "{}")
    url = urlsplit(origin.get("url", ""))
    folder = Path(url2pathname(url.path))
    if url.scheme == "file" and folder.exists() and "vcs_info" not in origin:
        return f"{folder}{extras}"
    if url.scheme in ("", "file"):
        return f"{package}{extras}=={here.version}"
    vcs = origin.get("vcs_info")
    place = f"{vcs['vcs']}+{origin['url']}@{vcs['commit_id']}" if vcs else origin["url"]
    return f"{package}{extras} @ {place}"
