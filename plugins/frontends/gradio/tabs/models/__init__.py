"""Models: what was trained is looked at, loaded and unloaded, written for other tools, and removed."""

from __future__ import annotations

from typing import Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs.models.loading import described, panel
from docutune.plugins.frontends.gradio.tabs.models.removing import Removing
from docutune.plugins.frontends.gradio.tabs.models.shelf import about, choices, table
from docutune.plugins.frontends.gradio.tabs.models.writing import Writer


def build(room: Room) -> None:
    """Put the tab on the page."""
    words, desk = room.words, room.workspace.desk
    room.closing.callback(desk.loaded.close)
    room.closing.callback(desk.exports.stop)
    gr.Markdown(words("models_about"))
    listed = gr.HTML(elem_id="models", padding=False)
    chosen = gr.Dropdown(
        [],
        allow_custom_value=True,
        label=words("models_choose"),
        info=words("models_choose_info"),
        elem_id="model",
    )
    with gr.Row():
        load = gr.Button(words("models_load"), variant="primary", elem_classes=["narrow"], elem_id="model-load")
        unload = gr.Button(words("models_unload"), elem_classes=["narrow"], elem_id="model-unload")
    message = gr.HTML(elem_id="models-message", padding=False)
    loaded = [gr.HTML(elem_id=name, padding=False) for name in ("loaded", "loaded-about")]
    inside = gr.HTML(elem_id="model-inside", padding=False)
    writer = Writer(room, chosen)
    Removing(room, chosen)

    tab = _Tab(room, writer)
    room.on(load.click, room.handled(tab.load), chosen, message)
    room.on(unload.click, room.handled(tab.unload), None, message)
    room.on(chosen.input, room.handled(tab.gone_on), chosen, message, show_progress="hidden")
    room.on(chosen.change, room.handled(tab.inside), chosen, inside, show_progress="hidden")
    seen: gr.State = gr.State((None, ("", ""), None))
    room.quietly(tab.follow, [seen, chosen], [seen, listed, chosen, inside, *loaded, *writer.followed])


class _Tab:
    """What the buttons do, and what the clock shows."""

    def __init__(self, room: Room, writer: Writer) -> None:
        self._room, self._writer, self._desk = room, writer, room.workspace.desk

    def load(self, name: str | None) -> str:
        """Begin to load; how it goes stands in the panel."""
        self._desk.loaded.load((name or "").strip() or None)
        return ""

    def unload(self) -> str:
        """End the model's process and wait for that; what it freed stands in the panel."""
        if self._desk.loaded.state.phase == "none":
            return show.good(self._room.words("models_none_loaded"))
        self._desk.loaded.unload()
        return ""

    def gone_on(self, name: str | None) -> str:
        """Another model is looked at: what went wrong with the last one need not be told any more.

        A name that is typed arrives together with the click on Load, or after it.
        """
        self._desk.loaded.forget_failure((name or "").strip())
        return ""

    def inside(self, name: str | None) -> str:
        """All that is known of one model."""
        return about(self._room, (name or "").strip())

    def follow(self, seen: tuple[Any, ...], name: str | None) -> tuple[Any, ...]:
        """What has changed since this page was told last."""
        try:
            shelf, *listed = self._shelf(seen[0], name)
            state = self._desk.loaded.state
            loaded = panel(self._room.words, state), described(self._room.words, state)
            writing, *written = self._writer.follow(seen[2])
        except Exception as error:
            skipped = (gr.skip() for _ in self._writer.followed)
            return seen, gr.skip(), gr.skip(), gr.skip(), self._room.mistake(error), gr.skip(), *skipped
        told = (gr.skip() if now == before else now for now, before in zip(loaded, seen[1], strict=True))
        return (shelf, loaded, writing), *listed, *told, *written

    def _shelf(self, seen: Any, name: str | None) -> tuple[Any, ...]:
        """The table, the choice, and the inside of what is chosen, where models have come or gone."""
        look = self._desk.look()
        sign = (*self._desk.model_changes(), look.outcome if look else "")
        if seen is not None and sign == seen[0]:
            return seen, gr.skip(), gr.skip(), gr.skip()
        found = choices(self._room)
        names = [value for _, value in found]
        first = next(iter(names), "")
        kept = name if name and (name in names or seen is None) else first
        if seen is not None and name == seen[1]:
            kept = first  # nobody chose the one that was the newest
        return (sign, first), table(self._room), gr.update(choices=found, value=kept), self.inside(kept)
