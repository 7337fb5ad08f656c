"""What a run is at now, or was when it was killed: from its lock, its manifest and its events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from docutune.checkpoints import last_step
from docutune.records import JsonValue
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Activity:
    """The step that began and did not end. `seconds` is its wall time so far, to its last sign of life if it died."""

    name: str
    seconds: float
    key: str = ""
    done: int | None = None
    total: int | None = None


def true_state(manifest: dict[str, Any], folder: Path, live: bool) -> dict[str, Any]:
    """The manifest of a run that did not end, with its true outcome and seconds, and "current": the step it is in.

    A run that does not hold the workspace's lock was killed: "interrupted", as of its last event.
    """
    if manifest["outcome"] != "running":
        return manifest
    events = list(_events(folder / "events.jsonl"))
    last = max((event["time"] for event in events), default=0.0)
    until = time.time() if live else last
    began = datetime.fromisoformat(manifest["started"]).timestamp()
    current = _current(events, until)
    facts: dict[str, JsonValue] = {
        "outcome": "running" if live else "interrupted",
        "seconds": round(max(until - began, manifest["seconds"]), 3),
        "current": None
        if current is None
        else {
            "name": current.name,
            "key": current.key,
            "seconds": current.seconds,
            "done": current.done,
            "total": current.total,
        },
    }
    return {**manifest, **facts}


def unfinished(manifest: dict[str, Any]) -> tuple[str, str] | None:
    """Name and key of the step in which a run was stopped, killed or failed."""
    if current := manifest.get("current"):
        return current["name"], current["key"]
    broken = [step for step in manifest["steps"] if step["status"] in ("cancelled", "failed")]
    return (broken[0]["name"], broken[0]["key"]) if broken else None


def continues(store: Store, manifest: dict[str, Any]) -> dict[str, Any] | None:
    """The training with which the run after this one goes on, and at which of its checkpoints; None without one."""
    step, key = unfinished(manifest) or ("", "")
    checkpoint = last_step(store.training_folder(key) / "checkpoints") if step.startswith("train:") else None
    return None if checkpoint is None else {"step": step, "checkpoint": checkpoint}


def goes_on(continuing: dict[str, Any]) -> str:
    """What the next run does, from what `continues` found."""
    return f"docutune run goes on: {continuing['step']} from step {continuing['checkpoint']:,}"


def _current(events: list[dict[str, Any]], until: float) -> Activity | None:
    current: Activity | None = None
    began = until
    for event in events:
        if event["event"] == "step_started":
            began = event["time"]
            current = Activity(event["step"], round(until - began, 3), event["key"])
        elif event["event"] == "progress" and current is not None:
            current = replace(current, done=event["done"], total=event["total"])
        elif event["event"] == "step_finished":
            current = None
    return current


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """The events written so far; a line that is half written, or was torn by a kill, does not count."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                continue
