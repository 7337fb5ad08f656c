"""What a run shows, from its events: for whoever looks on from another process, while it goes or afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from docutune.jobs.processes import EVENTS, EventReader
from docutune.records import Outcome, StepInfo
from docutune.runlog import Listener
from docutune.steps.base import Count
from docutune.workspace import Store

_POLL_SECONDS = 0.2
_LOOK_SECONDS = 1.0  # between looks whether the run still lives
_NOT_FIGURES = {"time", "event", "step", "done", "total"}

Event = Mapping[str, Any]


class Follower(Listener, Protocol):
    """A listener that may come late."""

    def joined(self, seconds: float) -> None:
        """The step that was just begun began so long ago."""


def follow(store: Store, run: Path, follower: Follower) -> None:
    """Tell the follower what the run has done so far, then what it does, until it ends or its process dies.

    What is over is told in short: how each step ended, and the notes.
    """
    replay = Replay(follower)
    news = _News(run)
    replay.catch_up(list(news()))
    looked = float("-inf")
    while not replay.over:
        if time.monotonic() - looked >= _LOOK_SECONDS:
            looked = time.monotonic()
            if store.live_run() != run.name:
                replay.tell(news())
                return
        time.sleep(_POLL_SECONDS)
        replay.tell(news())


class Replay:
    """Events as calls of a follower."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._step = StepInfo("", "", "")
        self.over = False

    def catch_up(self, events: list[Event]) -> None:
        """What happened before anybody looked on."""
        began = [number for number, event in enumerate(events) if event["event"] == "step_started"]
        ended = [number for number, event in enumerate(events) if event["event"] == "step_finished"]
        now = began[-1] if began and (not ended or began[-1] > ended[-1]) else len(events)
        self.tell(event for event in events[:now] if event["event"] != "progress")
        moves = [event for event in events[now:] if event["event"] == "progress"]
        self.tell(event for event in events[now:] if event["event"] != "progress" or event is moves[-1])
        if now < len(events) and not self.over:
            self._follower.joined(time.time() - events[now]["time"])

    def tell(self, events: Iterator[Event]) -> None:
        """Pass events on, in their order."""
        for event in events:
            self._one(event)

    def _one(self, event: Event) -> None:
        match event["event"]:
            case "step_started":
                self._step = StepInfo(event["step"], event["plugin"], event["key"])
                count = event.get("count")
                self._follower.step_started(self._step, Count(**count) if count else None)
            case "progress":
                figures = {name: value for name, value in event.items() if name not in _NOT_FIGURES}
                self._follower.progress(self._step, event["done"], event["total"], figures)
            case "step_finished":
                outcome = Outcome(event["status"], event["seconds"], event.get("figures", {}))
                self._follower.step_finished(self._step, outcome)
            case "note":
                self._follower.note(event["text"])
            case "run_finished":
                self.over = True


class _News:
    """The events that came since the last call; none while the run has said nothing yet."""

    def __init__(self, run: Path) -> None:
        self._path = run / EVENTS
        self._read = EventReader(run)

    def __call__(self) -> Iterator[Event]:
        return self._read() if self._path.exists() else iter(())
