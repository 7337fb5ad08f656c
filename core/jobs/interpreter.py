"""Interpreters of other environments: whether a worker can run there, and whether it is the one that we mean."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from docutune.errors import JobError
from docutune.records import RECORDS_VERSION, JsonValue

_SECONDS = 120.0
_OLDEST = (3, 11)
_ASK = """
import importlib.metadata, json, sys
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]
found = {"python": sys.version_info[:2], "docutune": None, "plugins": []}
try:
    found["docutune"] = importlib.metadata.version("docutune")
except importlib.metadata.PackageNotFoundError:
    pass
if found["docutune"] == sys.argv[1]:
    from docutune.records import RECORDS_VERSION
    from docutune.registry import Registry
    found["records"] = RECORDS_VERSION
    found["plugins"] = [{**entry.facts, "missing": entry.missing} for entry in Registry.load().entries]
print()
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A plugin that shall run with another interpreter: what it is here, and what installs the libraries it needs."""

    facts: Mapping[str, JsonValue]
    packages: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.facts['kind']} '{self.facts['name']}'"


def complaint(python: Path, wanted: Wanted) -> tuple[str, str] | None:
    """Why the plugin cannot run with this interpreter, and what to do: asked of the interpreter itself.

    None when it can.
    """
    there = _ask(python)
    if isinstance(there, str):
        return f"{python} {there}", "name the interpreter of an environment, such as .venv-other/bin/python"
    install = f"install what is here, too: {python} -m pip install {' '.join(map(_quoted, wanted.packages))}"
    if tuple(there["python"]) < _OLDEST:
        return f"{python} is Python {_dotted(there['python'])}", f"docutune needs Python {_dotted(_OLDEST)} or newer"
    if there["docutune"] is None:
        return f"{python} has no docutune", install
    wrong = _other_docutune(there)
    if wrong is not None:
        return f"{python} has {wrong}", install
    plugins = [item for item in there["plugins"] if _names(item) == _names(wanted.facts)]
    if not plugins:
        return f"{python} has no {wanted}", install
    missing = plugins[0].pop("missing")
    if plugins[0] != wanted.facts:
        return f"{python} has {_described(plugins[0])}; here it is {_described(wanted.facts)}", install
    return (f"{wanted} needs {', '.join(missing)}, and {python} lacks it", install) if missing else None


def refuse_another(event: Mapping[str, JsonValue], python: Path | None, plugin: Mapping[str, JsonValue] | None) -> None:
    """JobError when a worker's "hello" or "plugin" event tells of another docutune or another plugin than ours."""
    wrong = None
    if event["event"] == "hello":
        wrong = _other_docutune(event)
    elif event["event"] == "plugin" and plugin is not None:
        found = {name: event.get(name) for name in plugin}
        wrong = None if found == plugin else f"{_described(found)}; here it is {_described(plugin)}"
    if wrong is not None:
        raise JobError(f"the worker{f' of {python}' if python else ''} has {wrong}", "install the same in both places")


def _ask(python: Path) -> dict[str, Any] | str:
    """What the interpreter says of itself, or why it says nothing."""
    try:
        done = subprocess.run(
            [python, "-c", _ASK, version("docutune")],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
        told = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except OSError as error:
        return f"cannot be started: {error.strerror or error}"
    except subprocess.TimeoutExpired:
        return f"says nothing within {_SECONDS:.0f} seconds"
    except (ValueError, IndexError):
        return "is no Python interpreter"
    if not isinstance(told, dict):
        last = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        return f"ends with exit code {done.returncode}: {last}"
    return told


def _other_docutune(there: Mapping[str, Any]) -> str | None:
    """How its docutune differs from ours; None when it does not."""
    if there["docutune"] != version("docutune"):
        return f"docutune {there['docutune']}; here it is {version('docutune')}"
    if there["records"] != RECORDS_VERSION:
        return f"a docutune with records of version {there['records']}; here it is {RECORDS_VERSION}"
    return None


def _names(facts: Mapping[str, JsonValue]) -> tuple[JsonValue, ...]:
    return facts["kind"], facts["name"]


def _described(facts: Mapping[str, JsonValue]) -> str:
    return "{kind} '{name}' of {package} {version}, revision {revision}".format(**facts)


def _quoted(package: str) -> str:
    return f"'{package}'"


def _dotted(numbers: Sequence[int]) -> str:
    return ".".join(map(str, numbers))
