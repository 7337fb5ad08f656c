"""Who answers: the model that is loaded for all pages, or a choice of one to load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import DocutuneError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs.models.shelf import choices

if TYPE_CHECKING:
    from docutune.desk.seat import State


class Answerer:
    """The line that tells who answers, and the way to another model."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.told = gr.HTML(elem_id="chat-model", padding=False)
        with gr.Row(elem_id="chat-choice"):
            self.name = gr.Dropdown(
                label=words("chat_model"),
                info=words("chat_model_info"),
                allow_custom_value=True,
                elem_id="chat-models",
            )
            self.load = gr.Button(words("chat_load"), elem_id="chat-load", elem_classes=["narrow"])

    def follow(self) -> None:
        """Let the components do something."""
        room = self._room
        seen: gr.State = gr.State((None, None))
        room.on(self.load.click, room.handled(self._load), self.name, self.told)
        room.quietly(self._look, [self.name, seen], [seen, self.told, self.name])

    def _load(self, name: str | None) -> str:
        loaded = self._room.workspace.desk.loaded
        loaded.load((name or "").strip() or None)
        return self._told(loaded.state)

    def _look(self, name: str | None, seen: tuple[Any, Any]) -> tuple[Any, ...]:
        """What changed of the loaded model, and of those that may be chosen."""
        desk = self._room.workspace.desk
        told, there = self._told(desk.loaded.state), desk.model_changes()
        names = gr.skip() if there == seen[1] else self._choices(name)
        return (told, there), gr.skip() if told == seen[0] else told, names

    def _choices(self, name: str | None) -> Any:
        """The choice stays; at first it is what is loaded, else the newest."""
        try:
            found = choices(self._room)
        except DocutuneError as error:
            return gr.update(choices=[], info=str(error))
        first = found[0][1] if found else None
        return gr.update(choices=found, value=name or self._room.workspace.desk.loaded.state.name or first)

    def _told(self, state: State) -> str:
        words = self._room.words
        news = ""
        if state.error is not None:
            news = show.bad(state.error.message, state.error.hint)
        elif state.phase in ("loading", "unloading"):
            news = show.to_do(words(f"chat_{state.phase}", model=state.name))
        if state.loaded is None:
            return news or show.to_do(words("chat_none", load=words("chat_load")))
        named = state.loaded.named
        told = news + show.good(words("chat_ready", model=named.name, origin=named.origin))
        return told + (show.to_do(words("chat_base_only", model=named.name)) if named.form == "base" else "")
