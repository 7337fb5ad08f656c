"""Settings: which keys are set, where the workspace is, and what this machine can do."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.providers import Key
    from docutune.plugins.frontends.gradio.words import Words


def build(room: Room) -> None:
    """Put the tab on the page."""
    words = room.words
    gr.Markdown(words("settings_about"))
    message = gr.HTML(padding=False)
    keys = gr.HTML(elem_id="keys", padding=False)
    gr.Markdown(words("settings_keys_how"))
    here = gr.HTML(padding=False)
    gr.HTML(show.heading(words("settings_machine")), padding=False)
    machine = gr.HTML(
        show.to_do(words("settings_unchecked", check=words("settings_check"))), elem_id="machine", padding=False
    )
    check = gr.Button(words("settings_check"), elem_classes=["narrow"])

    room.on(
        room.page.load,
        room.handled(lambda: ("", _keys(room), _here(room)), others=2),
        None,
        [message, keys, here],
        show_progress="hidden",
    )
    room.on(check.click, room.handled(lambda: _machine(room)), None, machine)


def _keys(room: Room) -> str:
    words = room.words
    rows = ((key.provider, key.variable, words(_state(key))) for key in room.workspace.desk.provider_keys())
    heads = [words("provider"), words("variable"), words("state")]
    return show.heading(words("settings_keys")) + show.table(heads, rows)


def _state(key: Key) -> str:
    if key.asked:
        return "key_asked" if key.present else "key_asked_unset"
    return "key_set" if key.present else "key_unset"


def _here(room: Room) -> str:
    return show.heading(room.words("settings_here")) + show.table(["", ""], _places(room, room.words))


def _places(room: Room, words: Words) -> Iterator[tuple[str, str]]:
    file = room.workspace.desk.file.path
    yield words("folder"), str(room.workspace.project)
    yield words("pipeline_file"), file.name if file.is_file() else words("none")
    yield words("version"), version("docutune")


def _machine(room: Room) -> str:
    words = room.words
    rows = [(check.name, check.found, check.advice or "") for check in room.workspace.desk.machine()]
    return show.table([words("check"), words("found"), words("advice")], rows)
