"""What an adapter's folder says of where it comes from, so that it can be traced wherever it is copied to."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutune import atomic

FILE = "provenance.json"
"""Names the run, so it differs from training to training: no part of what makes a model the same."""


_FACTS = ("name", "project", "docutune", "run", "key", "trainer", "base", "dataset")


def leave(adapter: Path, facts: Mapping[str, Any]) -> None:
    """Write provenance.json into the adapter's folder, and what in it is the same for every such training into its
    model card, README.md, which is begun here when the trainer left none.

    `facts` are "name", "project", "docutune", "run", "key", "trainer", "base" ("name", "digest") and "dataset".
    """
    atomic.write_text(adapter / FILE, _told(facts))
    card = adapter / "README.md"
    written = card.read_bytes().rstrip() if card.is_file() else f"# Adapter {_cell(facts['name'])}".encode()
    atomic.write_bytes(card, written + f"\n\n{_section(facts)}".encode())


def unharmed(adapter: Path, described: Mapping[str, Any]) -> bool:
    """Whether provenance.json is what `leave` wrote of these facts, among which there may be others."""
    try:
        return (adapter / FILE).read_bytes() == _told({name: described[name] for name in _FACTS}).encode()
    except (OSError, KeyError):
        return False


def _told(facts: Mapping[str, Any]) -> str:
    return json.dumps({**facts, "trace": how_to(facts)}, indent=2, ensure_ascii=False) + "\n"


def how_to(facts: Mapping[str, Any]) -> str:
    """How to look up what was trained."""
    return (
        f"In the workspace of {_cell(facts['project'])}, `docutune trace {facts['key'][:16]}` lists the documents and "
        f"samples that this was trained on, and `docutune trace ID` shows file and lines of a sample; the ids stand in "
        f"`datasets/{facts['dataset']}/` there."
    )


def _section(facts: Mapping[str, Any]) -> str:
    shown = {
        "project": facts["project"],
        "model": facts["name"],
        "key": facts["key"],
        "trainer": facts["trainer"],
        "base model": facts["base"]["name"],
        "digest of the base": facts["base"]["digest"],
        "dataset version": facts["dataset"],
        "made with": f"docutune {facts['docutune']}",
    }
    rows = "\n".join(f"| {name} | {_cell(value)} |" for name, value in shown.items())
    return (
        f"## Where it comes from\n\n| | |\n| --- | --- |\n{rows}\n\n"
        f"`{FILE}` beside this page names the run, too. {how_to(facts)}\n\n"
        f"`docutune chat --model {shlex.quote(_cell(facts['name']))}` talks with it there.\n"
    )


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
