"""The run at work, or the newest one, as a page shows it again and again: read once, then only what is new."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docutune.desk import earlier
from docutune.desk.spending import Spending, Spent
from docutune.errors import DocutuneError
from docutune.following import Replay
from docutune.jobs.detached import TERMINAL
from docutune.jobs.processes import EVENTS, EventReader
from docutune.records import JsonValue, Outcome, StepInfo
from docutune.steps.base import Count
from docutune.workspace import Store

CURVES = ("loss", "eval_loss", "learning_rate")
"""Figures of a training that a page draws."""

_POINTS = 400  # of one curve: what a screen can show
_LAST_LINES = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """A step that is over."""

    name: str
    status: str
    seconds: float
    figures: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """A run at one moment. `outcome` is "running", "finished", "failed" or "interrupted".

    `curves` has for each of CURVES (step, value) pairs of the training that reported last, thinned out when there are
    many; where it went on from a checkpoint, they begin with what earlier runs told of it. `continues` is the training
    with which the next run goes on, and at which of its checkpoints; `notes` are then only those told since it was at
    work. `spent` is what its chat models have cost, None where none was asked.
    """

    run: str
    outcome: str
    seconds: float
    step: str = ""
    done: int | None = None
    total: int | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[Ended, ...] = ()
    notes: tuple[str, ...] = ()
    curves: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    log: str = ""
    continues: Mapping[str, Any] | None = None
    spent: Spent | None = None


class Live:
    """Looks at runs for all pages of one process; any thread may ask."""

    def __init__(self, store: Store, manifest: Callable[[str], dict[str, Any]]) -> None:
        self._store, self._manifest = store, manifest
        self._lock = threading.Lock()
        self._read: _Reading | None = None

    def look(self) -> Look | None:
        """The run at work, else the newest; None while there is none, or it has not written anything yet."""
        with self._lock:
            runs = self._store.runs()
            if not runs:
                return None
            name = self._store.live_run() or runs[-1].name
            if self._read is None or self._read.folder.name != name:
                self._read = _Reading(self._store, name)
            self._read.go_on()
            try:
                return self._read.look(self._manifest(name))
            except DocutuneError:
                return None  # it has just begun, or was removed a moment ago


class _Reading:
    """What the events of one run have told so far; a runlog.Listener."""

    def __init__(self, store: Store, run: str) -> None:
        self.folder = store.folder / "runs" / run
        self._store = store
        self._news = EventReader(self.folder)
        self._spending = Spending(store, run)
        self._replay = Replay(self)
        self._step = ""
        self._done: int | None = None
        self._total: int | None = None
        self._figures: dict[str, float] = {}
        self._steps: list[Ended] = []
        self._notes: list[str] = []
        self._past = 0
        self._curves: dict[str, dict[int, float]] = {}
        self._drawn = ""

    def go_on(self) -> None:
        """Take in what is new."""
        if (self.folder / EVENTS).is_file():
            self._replay.tell(self._news())

    def look(self, manifest: Mapping[str, Any]) -> Look:
        """The run now."""
        running = manifest["outcome"] == "running"
        return Look(
            run=self.folder.name,
            outcome=manifest["outcome"],
            seconds=manifest["seconds"],
            step=self._step if running else "",
            done=self._done,
            total=self._total,
            figures=dict(self._figures),
            steps=tuple(self._steps),
            notes=tuple(self._notes[self._past if manifest.get("continues") else 0 :]),
            curves={name: _thinned(points) for name, points in self._curves.items()},
            log=self._log(),
            continues=manifest.get("continues"),
            spent=self._spending.look(),
        )

    def joined(self, seconds: float) -> None:
        """Nothing is measured here."""

    def step_started(self, step: StepInfo, count: Count | None) -> None:
        """A step begins; the curves of an earlier training stay until this one has its own."""
        self._step, self._figures = step.name, {}
        self._done, self._total = (0, count.total) if count else (None, None)

    def progress(self, step: StepInfo, done: int, total: int | None, figures: Mapping[str, float]) -> None:
        """Work done inside the step."""
        self._done, self._total = done, total
        self._past = len(self._notes)
        self._figures.update({name: value for name, value in figures.items() if name != "again"})
        drawn = {name: figures[name] for name in CURVES if name in figures}
        if drawn and step.name != self._drawn:
            self._drawn = step.name
            self._curves = earlier.points(self._runs_before(), step.key, done, CURVES)
        for name, value in drawn.items():
            self._curves.setdefault(name, {})[done] = value

    def step_finished(self, step: StepInfo, outcome: Outcome) -> None:
        """The step ended."""
        self._steps.append(Ended(step.name, outcome.status, outcome.seconds, outcome.figures))
        self._step, self._done, self._total = "", None, None

    def note(self, text: str) -> None:
        """Something the user should know."""
        self._notes.append(text)

    def _runs_before(self) -> list[Path]:
        return [run for run in self._store.runs() if run.name < self.folder.name]

    def _log(self) -> str:
        """The last lines of what the run printed, or where it has no such file, of its log."""
        for name in (TERMINAL, "log.txt"):
            try:
                lines = (self.folder / name).read_text("utf-8", "replace").splitlines()
            except OSError:
                continue
            if lines:
                return "\n".join(lines[-_LAST_LINES:])
        return ""


def _thinned(points: Mapping[int, float]) -> tuple[tuple[int, float], ...]:
    """At most so many points, the last one among them. A figure that is told again is no point: it was not measured."""
    all_points = sorted(points.items())
    before = (None, *(value for _, value in all_points))
    ordered = [point for point, earlier in zip(all_points, before, strict=False) if point[1] != earlier]
    ordered += all_points[-1:] if all_points[-1:] != ordered[-1:] else []
    stride = -(-len(ordered) // _POINTS)
    return tuple(ordered[::-1][:: max(stride, 1)][::-1])
