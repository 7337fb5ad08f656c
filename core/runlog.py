"""What a run leaves behind while it goes: manifest.json, events.jsonl and log.txt in its folder; observers are told."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypedDict

from docutune.atomic import append
from docutune.records import JsonValue, Outcome, RunInfo, StepInfo, to_json
from docutune.registry import Registry
from docutune.steps.base import Count
from docutune.workspace import write_manifest


class Listener(Protocol):
    """A skin that shows a run: a terminal, a log, a page."""

    def step_started(self, step: StepInfo, count: Count | None) -> None:
        """A step begins."""

    def progress(self, step: StepInfo, done: int, total: int | None, figures: Mapping[str, float]) -> None:
        """Work done inside the step."""

    def step_finished(self, step: StepInfo, outcome: Outcome) -> None:
        """The step ended."""

    def note(self, text: str) -> None:
        """Something the user should know."""


class StepEntry(TypedDict):
    """A step in the manifest; seconds are wall time."""

    name: str
    plugin: str
    key: str
    status: str
    seconds: float
    figures: JsonValue


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class RunLog:
    """Writes down what happens in one run, and passes it on to the listener and to observers.

    `record` takes every state of the manifest: from the first on the run is in the catalog.
    """

    info: RunInfo
    registry: Registry
    listener: Listener
    record: Callable[[Mapping[str, Any]], None]
    facts: dict[str, Any] = field(default_factory=dict)
    steps: list[StepEntry] = field(default_factory=list)
    outcome: str = "running"
    version: str = field(default_factory=lambda: version("docutune"))
    python: str = field(default_factory=platform.python_version)
    platform: str = field(default_factory=lambda: platform.platform(terse=True))
    started: str = field(default_factory=now)
    finished: str | None = None
    _clock: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Wall time since the run began."""
        return round(time.monotonic() - self._clock, 3)

    def begin(self, step: StepInfo, count: Count | None) -> None:
        """A step begins."""
        self._event("step_started", step=step.name, plugin=step.plugin, key=step.key, count=to_json(count))
        self._notify("step_started", step=step)
        self.listener.step_started(step, count)

    def progress(self, step: StepInfo, done: int, total: int | None, figures: Mapping[str, float]) -> None:
        """Work done inside a step."""
        self._event("progress", step=step.name, done=done, total=total, **figures)
        self.listener.progress(step, done, total, figures)

    def end(self, step: StepInfo, outcome: Outcome) -> None:
        """A step ended; the manifest says so at once."""
        self.steps.append(
            {
                "name": step.name,
                "plugin": step.plugin,
                "key": step.key,
                "status": outcome.status,
                "seconds": round(outcome.seconds, 3),
                "figures": to_json(outcome.figures),
            }
        )
        facts = {"seconds": round(outcome.seconds, 3), "figures": to_json(outcome.figures)}
        self._event("step_finished", step=step.name, status=outcome.status, **facts)
        self.write()
        self._notify("step_finished", step=step, outcome=outcome)
        self.listener.step_finished(step, outcome)

    def note(self, text: str) -> None:
        """Something the user should know: in the log and before their eyes."""
        self._event("note", text=text)
        self._append("log.txt", f"{now()} {text}\n")
        self.listener.note(text)

    def mark(self, outcome: str) -> None:
        """How the run ends: "finished", "failed" or "interrupted". Nothing is written yet."""
        self.outcome, self.finished = outcome, now()

    def close(self, outcome: str) -> None:
        """The run ended."""
        self.mark(outcome)
        self._event("run_finished", outcome=outcome)
        self.write()

    def used(self, objects: Iterable[str]) -> None:
        """Name kept objects ("area/key") that this run made or reused: what no run names may be cleaned away."""
        text = "".join(f"{name}\n" for name in objects)
        append(self.info.folder / "objects.txt", text.encode(), durable=True)  # before the manifest says it ended

    def write(self) -> None:
        """Write the manifest as it stands, and enter it into the catalog."""
        manifest = self.manifest()
        write_manifest(self.info.folder, manifest)
        self.record(manifest)

    def manifest(self) -> dict[str, JsonValue]:
        """Everything that is known of the run now."""
        return {
            "run": self.info.id,
            "project": self.info.project,
            "docutune": self.version,
            "python": self.python,
            "platform": self.platform,
            "started": self.started,
            "finished": self.finished,
            "seconds": self.seconds,
            "outcome": self.outcome,
            "steps": [to_json(step) for step in self.steps],
            **self.facts,
        }

    def _event(self, event: str, **facts: JsonValue) -> None:
        line = json.dumps({"time": time.time(), "event": event, **facts}, ensure_ascii=False)
        self._append("events.jsonl", f"{line}\n")

    def _append(self, name: str, text: str) -> None:
        append(self.info.folder / name, text.encode())

    def _notify(self, event: str, **facts: object) -> None:
        for problem in self.registry.notify(event, run=self.info, **facts):
            self.note(problem)


def run_info(folder: Path, project: str) -> RunInfo:
    """The run whose folder this is."""
    return RunInfo(folder.name, project, folder)
