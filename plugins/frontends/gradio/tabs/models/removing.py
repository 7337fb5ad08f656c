"""Removing a model: what would go and who would miss it is said first, and it goes only after that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import UsageError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.model_registry.removal import Removable


class Removing:
    """The last part of the tab; the clock takes what is gone out of table and choice."""

    def __init__(self, room: Room, chosen: gr.Dropdown) -> None:
        words = room.words
        self._room = room
        with gr.Accordion(words("models_remove"), open=False, elem_id="model-remove"):
            gr.Markdown(words("models_remove_about"))
            ask = gr.Button(words("models_remove_ask"), elem_classes=["narrow"], elem_id="model-remove-ask")
            message = gr.HTML(elem_id="model-remove-message", padding=False)
            with gr.Row(visible=False) as sure:
                remove = gr.Button(
                    words("models_remove_sure"), variant="stop", elem_classes=["narrow"], elem_id="model-remove-sure"
                )
                keep = gr.Button(words("models_remove_not"), elem_classes=["narrow"])
        key: gr.State = gr.State("")
        outputs = [message, sure, key]
        room.on(ask.click, room.handled(self.ask, others=2), chosen, outputs)
        room.on(remove.click, room.handled(self.remove, others=2), key, outputs)
        for event in (keep.click, chosen.input):  # not its change, which the removal itself brings about
            room.on(event, lambda: ("", gr.update(visible=False), ""), None, outputs, show_progress="hidden")

    def ask(self, name: str | None) -> tuple[Any, ...]:
        """Say what would go; nothing goes yet."""
        found = self._room.workspace.models.removable((name or "").strip(), force=True)
        return self._told(found), gr.update(visible=True), found.model.key

    def remove(self, key: str) -> tuple[Any, ...]:
        """Remove it."""
        words, workspace = self._room.words, self._room.workspace
        if not key:
            raise UsageError(words("models_remove_first"))
        gone = workspace.models.remove(key, force=True).model
        workspace.desk.loaded.forget_failure()
        told = show.good(words("models_removed", model=gone.name, digits=gone.key, size=show.size(gone.bytes)))
        return told, gr.update(visible=False), ""

    def _told(self, found: Removable) -> str:
        words, model = self._room.words, found.model
        what = words("models_goes_whole" if model.form == "whole" else "models_goes_adapter")
        lines = [words("models_goes", what=what, model=model.name, digits=model.key, size=show.size(model.bytes))]
        if model.dataset:
            lines.append(words("models_stays", dataset=model.dataset))
        if found.evaluated:
            lines.append(words("models_reports_stay"))
        users = [words("models_missed_by_runs", runs=", ".join(model.runs))] if model.runs else []
        if found.newest_of:
            users.append(words("models_missed_by_chat"))
        return show.to_do("\n".join(lines)) + (show.bad("\n".join(users)) if users else "")
