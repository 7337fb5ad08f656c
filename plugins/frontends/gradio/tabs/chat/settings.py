"""How a chat is answered: the system prompt, and what docutune.records.Sampling knows."""

from __future__ import annotations

from typing import Any

import gradio as gr

from docutune.plugins.frontends.gradio.room import Room
from docutune.records import Sampling

_LONGEST = 256
"""Tokens of the longest reply, unless somebody asks for more: as `docutune chat`."""


class Settings:
    """The components; `inputs` are what `sampling` takes, in its order, behind the system prompt."""

    def __init__(self, room: Room) -> None:
        words, usual = room.words, Sampling(max_new_tokens=_LONGEST)
        with gr.Accordion(words("chat_settings"), open=False, elem_id="chat-settings"):
            self.system = gr.Textbox(
                value="",
                label=words("chat_system"),
                info=words("chat_system_info"),
                lines=2,
                max_lines=8,
                elem_id="chat-system",
            )
            with gr.Column(elem_classes=["form-grid"]):
                numbers = [
                    _number(room, "temperature", usual.temperature, step=0.1),
                    _number(room, "top_p", usual.top_p, step=0.05),
                    _number(room, "max_new_tokens", usual.max_new_tokens, precision=0),
                    _number(room, "seed", usual.seed, precision=0),
                ]
                ends = gr.Textbox(
                    value="",
                    label=words("chat_ends"),
                    info=words("chat_ends_info"),
                    lines=1,
                    max_lines=4,
                    elem_id="chat-ends",
                )
        self.inputs: list[Any] = [*numbers, ends]
        # a number that is built without a value shows 0, and 0 is a seed
        room.on(room.page.load, lambda: gr.update(value=None), None, numbers[-1], show_progress="hidden")


def sampling(
    temperature: float | None, top_p: float | None, longest: int | None, seed: int | None, ends: str
) -> Sampling:
    """What the components hold; UsageError for what cannot be. An empty field is the usual value."""
    usual = Sampling()
    stop = tuple(line.replace("\\n", "\n") for line in ends.splitlines() if line)
    return Sampling(
        usual.temperature if temperature is None else temperature,
        usual.top_p if top_p is None else top_p,
        longest,
        seed,
        stop,
    )


def _number(room: Room, name: str, value: float | None, step: float = 1, precision: int | None = None) -> gr.Number:
    words = room.words
    return gr.Number(
        value=value,
        step=step,
        precision=precision,
        label=words(f"chat_{name}"),
        info=words(f"chat_{name}_info"),
        placeholder=words("unset"),
        elem_id=f"chat-{name.replace('_', '-')}",
    )
