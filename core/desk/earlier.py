"""What earlier runs have told of a training that a run goes on with from a checkpoint."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from docutune.jobs.processes import EVENTS, EventReader

_MOST = 20  # runs that are looked through


def points(runs: Sequence[Path], key: str, first: int, names: Collection[str]) -> dict[str, dict[int, float]]:
    """Figures by training step, from attempts at the training of that key before its step `first`.

    `runs` are those before the one that goes on, in their order. What an attempt did after its last checkpoint was done
    again by the next one, and is left away.
    """
    found: dict[str, dict[int, float]] = {}
    for run in list(reversed(runs))[:_MOST]:
        if first <= 1:
            break
        told = [event for event in _moves(run, key) if event["done"] < first]
        for event in told:
            for name in names:
                if name in event:
                    found.setdefault(name, {})[event["done"]] = event[name]
        first = min((event["done"] for event in told if event["done"] > 0), default=first)
    return found


def _moves(run: Path, key: str) -> Iterator[dict[str, Any]]:
    """The progress that one run made with that training; nothing where it has no events to read."""
    if not (run / EVENTS).is_file():
        return
    at = ""
    for event in EventReader(run)():
        if event["event"] == "step_started":
            at = str(event.get("key"))
        elif event["event"] == "progress" and at == key:
            yield event
