"""Turning pages of a long list: one row of buttons under it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from docutune.plugins.frontends.gradio.room import Room


class Pages:
    """Back, forth, and which page of how many; not seen while all fits on one page."""

    def __init__(self, room: Room, name: str) -> None:
        words = room.words
        self._room = room
        self.number = gr.State(1)
        with gr.Row(visible=False, equal_height=True, elem_classes=["pages"]) as self.row:
            self.back = gr.Button(words("page_back"), elem_classes=["narrow"], elem_id=f"{name}-back")
            self.forth = gr.Button(words("page_forth"), elem_classes=["narrow"], elem_id=f"{name}-forth")
            self.place = gr.HTML(elem_id=f"{name}-page", padding=False)
        self.outputs: list[Any] = [self.number, self.row, self.back, self.forth, self.place]

    def told(self, number: int, pages: int) -> list[Any]:
        """Updates that show this page's number."""
        place = f'<p class="page">{self._room.words("page_is", number=number, pages=pages)}</p>'
        return [
            number,
            gr.update(visible=pages > 1),
            gr.update(interactive=number > 1),
            gr.update(interactive=number < pages),
            place,
        ]

    def turn(self, function: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Let the buttons call the function with the number of the page that is wanted, and then `inputs`.

        Its first result is HTML, in whose place a mistake is told.
        """
        room, handled = self._room, self._room.handled(function, len(outputs) - 1)
        for button, step in ((self.back, -1), (self.forth, 1)):
            room.on(
                button.click,
                lambda number, *values, step=step: handled(number + step, *values),
                [self.number, *inputs],
                list(outputs),
            )
