"""Stop is there while a run is at work; what a tab said of a run does not outlive that run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import DocutuneError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.live import Look


class AtWork:
    """Follows the run for one tab. `run` is the one that `message` is about, "" where it is about none."""

    def __init__(self, room: Room, stop: gr.Button, message: gr.HTML, stopped: str, others: Sequence[gr.HTML] = ()):
        """`stopped` is what is said of a run that was stopped; `others` are emptied, too, when the run has ended."""
        self._room, self._stopped = room, stopped
        self.run = gr.State("")
        self._able: gr.State = gr.State(None)
        self._outputs = [self._able, stop, self.run, message, *others]

    def follow(self) -> None:
        """Let the page's clock do it."""
        self._room.quietly(self._follow, [self._able, self.run], self._outputs)

    def _follow(self, able: bool | None, run: str) -> list[Any]:
        updates = [gr.skip() for _ in self._outputs]
        now = self._room.workspace.store.busy()
        if now != able:
            updates[:2] = [now, gr.update(interactive=now)]
        look = self._ended(run) if run and not now else None
        if look is not None:
            updates[2:] = ["", self._told(look), *("" for _ in updates[4:])]
        return updates

    def _ended(self, run: str) -> Look | None:
        try:
            look = self._room.workspace.desk.look()
        except DocutuneError:
            return None  # the progress below says what is wrong
        return look if look is not None and look.run == run and look.outcome != "running" else None

    def _told(self, look: Look) -> str:
        if look.outcome == "interrupted":
            return show.good(self._stopped)
        words = self._room.words
        told = words("run_is", run=look.run, outcome=words.either(look.outcome, look.outcome))
        return show.good(told) if look.outcome == "finished" else show.bad(told)
