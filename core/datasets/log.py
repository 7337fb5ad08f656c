"""What `docutune dataset log` shows: how the dataset changed from run to run, and imports among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from docutune import tags
from docutune.datasets.diff import between
from docutune.errors import DocutuneError
from docutune.trace.history import History, Run
from docutune.version_names import Chosen
from docutune.workspace import Store

Act: TypeAlias = Literal["made", "reused", "taken", "imported"]


@dataclass(frozen=True, slots=True)
class Change:
    """How a version differs from the one before it; `why` names the causes, the most frequent first."""

    since: str
    added: int
    removed: int
    changed: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened: a run made, reused or took a version, or one was imported. `change` None where it is as before.

    `note` says why there is no comparison.
    """

    time: str
    version: str
    act: Act
    run: str | None
    outcome: str
    tags: tuple[str, ...]
    change: Change | None = None
    note: str = ""


def log(store: Store, limit: int | None) -> list[Entry]:
    """What happened, newest first; only the entries that are shown are compared with the ones before them."""
    history, pins = History(store), tags.read(store)
    acts = [*(_of_run(run, pins) for run in history.runs if run.dataset), *_imports(pins)]
    acts.sort(key=lambda entry: (entry.time, entry.run or ""))
    newest = list(enumerate(acts))[-limit:] if limit else list(enumerate(acts))
    return [_compared(history, acts[place - 1] if place else None, entry) for place, entry in reversed(newest)]


def _of_run(run: Run, pins: tags.Pins) -> Entry:
    assert run.dataset is not None
    act: Act = "taken" if run.takes else "reused"
    for step in run.facts["steps"]:
        if step["name"] == "dataset" and step["status"] == "made" and not run.takes:
            act = "made"
    facts = run.facts
    return Entry(str(facts["started"]), run.dataset, act, run.id, str(facts["outcome"]), pins.of(run.dataset))


def _imports(pins: tags.Pins) -> list[Entry]:
    return [
        Entry(item.time, version, "imported", None, item.file, pins.of(version))
        for version, item in pins.imported.items()
    ]


def _compared(history: History, before: Entry | None, entry: Entry) -> Entry:
    change, note = None, ""
    if before is not None and before.version != entry.version:
        first, second = (Chosen(item.version, item.version, run=item.run) for item in (before, entry))
        try:
            found = between(history, first, second)
        except DocutuneError as error:
            note = f"not compared: {error.message}"
        else:
            counts = (len(found.of("added")), len(found.of("removed")), len(found.of("changed")))
            change = Change(before.version, *counts, tuple(found.causes))
    return Entry(entry.time, entry.version, entry.act, entry.run, entry.outcome, entry.tags, change, note)
