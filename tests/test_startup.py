"""Start-up: commands that only look load little; modules are counted, so noise cannot hide a regression."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import Installed

COUNT = """
import json, sys
from docutune.cli import main
code = main(json.loads(sys.argv[1]))
print(json.dumps({"code": code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""
HEAVY = {"datasets", "gradio", "langchain", "langchain_core", "numpy", "torch", "transformers", "trl"}


def modules(environment: Installed, *arguments: str) -> set[str]:
    """The modules that a command has loaded when it ends."""
    done = environment.python(COUNT, json.dumps(arguments))
    report = json.loads(done.stderr.splitlines()[-1])
    assert report["code"] == 0, done.stderr
    return set(report["modules"])


def write_project(folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "docs" / "guide.md").write_text("# Guide\n\nCall `acme.fetch` to fetch a page.\n")
    (folder / "acme.py").write_text('def fetch(url: str) -> str:\n    """Fetch a page."""\n    return url\n')
    (folder / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources:\n  - path: docs\n  - path: acme.py\n"
        "train:\n  - uses: trl\n    with: {model: builtin/tiny}\n"
    )


@pytest.mark.parametrize("command", [["--help"], ["-h"], ["--version"]])
def test_help_loads_the_least(command: list[str], environment: Installed) -> None:
    loaded = modules(environment, *command)
    assert "click" in loaded
    assert len(loaded) <= 350
    assert not loaded & {*HEAVY, "pydantic", "stevedore", "pluggy", "yaml", "rich"}


@pytest.mark.parametrize("command", [["validate"], ["plan"], ["plugins", "list"], ["plugins", "info", "trl"]])
def test_commands_that_look_load_no_libraries_of_plugins(command: list[str], environment: Installed) -> None:
    write_project(environment.work)
    loaded = modules(environment, *command)
    assert "pydantic" in loaded
    assert len([name for name in loaded if not name.startswith("docutune")]) <= 470
    assert "tinydb" not in loaded and "docutune.reporting" not in loaded
    assert not loaded & HEAVY


def test_help_asks_no_plugin(environment: Installed) -> None:
    environment.install("acme-loud", {"acme_loud.py": "raise SystemExit('imported')"}, "loud = acme_loud")
    assert "acme_loud" not in modules(environment, "--help")


def test_an_evaluator_measures_without_torch(environment: Installed) -> None:
    done = environment.python(
        "import sys\n"
        "from pathlib import Path\n"
        "from docutune.plugins.evaluators.text_overlap.metrics import metrics_for\n"
        "(rouge,) = metrics_for(['rougeL'], Path.cwd())\n"
        "values = rouge.compute(predictions=['one parcel'], references=['one parcel'])\n"
        "print(values['rougeL'], *sorted({'torch', 'transformers'} & sys.modules.keys()))\n"
        "import transformers\n"
    )
    assert (done.returncode, done.stdout) == (0, "[1.0]\n"), done.stderr
