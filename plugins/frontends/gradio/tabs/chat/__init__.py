"""Chat: questions to the loaded model, answered as one watches; what was said is kept by the workspace."""

from __future__ import annotations

from typing import Any

import gradio as gr

from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs.chat.answerer import Answerer
from docutune.plugins.frontends.gradio.tabs.chat.judging import Judging
from docutune.plugins.frontends.gradio.tabs.chat.kept import Kept
from docutune.plugins.frontends.gradio.tabs.chat.settings import Settings
from docutune.plugins.frontends.gradio.tabs.chat.talk import Talk


def build(room: Room) -> None:
    """Put the tab on the page."""
    room.closing.callback(room.workspace.desk.talks.close)
    gr.Markdown(room.words("chat_about"))
    with gr.Row():
        with gr.Column(scale=3, min_width=340):
            answerer = Answerer(room)
            talk = Talk(room)
            judging = Judging(room)
            settings = Settings(room)
        with gr.Column(scale=1, min_width=280):
            kept = Kept(room)
    answerer.follow()
    talk.follow(settings)
    judging.follow(talk.chat)
    kept.follow(talk.chat)
    talk.turns_to(kept.list.input, kept.list)
    talk.turns_to(kept.new.click, None)
    _remove(room, talk, kept)


def _remove(room: Room, talk: Talk, kept: Kept) -> None:
    """A chat that is gone makes room for a new one."""

    def remove(chat: str) -> tuple[Any, ...]:
        return kept.remove(chat), gr.update(visible=False), *talk.turned("")

    outputs = [kept.message, kept.doubt, *talk.turned_parts]
    room.on(kept.sure.click, room.handled(remove, len(outputs) - 1), talk.chat, outputs)
