"""Dataset: generate one, look at its versions, browse, edit and rate samples, import and export.

The version that is chosen above all parts is what they show; it is read from the disk when it is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gradio as gr

from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs.dataset import (
    browse,
    compare,
    exporting,
    generate,
    importing,
    quality,
    versions,
)


def build(room: Room) -> None:
    """Put the tab on the page."""
    words = room.words
    gr.Markdown(words("dataset_about"))
    chosen = versions.Chosen(room)
    parts: Mapping[str, Callable[[], None]] = {
        "generate": lambda: generate.build(room),
        "versions": lambda: versions.build(room, chosen),
        "quality": lambda: quality.build(room, chosen.version),
        "compare": lambda: compare.build(room, chosen.version),
        "samples": lambda: browse.build(room, chosen.version),
        "import": lambda: importing.build(room),
        "export": lambda: exporting.build(room, chosen.version),
    }
    with gr.Tabs(elem_id="dataset-parts"):
        for name, part in parts.items():
            with gr.Tab(words(f"dataset_part_{name}"), id=f"dataset-{name}"):
                part()
    chosen.follow()
