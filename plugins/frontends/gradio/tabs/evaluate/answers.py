"""Every held-out question with the answers of base and tuned model side by side, some at a time."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.pages import Pages
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.questions import Question, Questions, Which
    from docutune.plugins.frontends.gradio.words import Words

_PER_PAGE = 10
_WHICH: tuple[Which, ...] = ("all", "changed", "improved", "worsened", "right", "wrong")


class Answers:
    """The questions of the chosen report."""

    def __init__(self, room: Room, run: gr.Dropdown, model: gr.Dropdown) -> None:
        self._room = room
        self._which = gr.Radio(label=room.words("evaluate_which"), elem_id="evaluate-which", visible=False)
        self._list = gr.HTML(elem_id="evaluate-questions", padding=False)
        self._pages = Pages(room, "evaluate-questions")
        self.outputs: list[Any] = [self._which, self._list, *self._pages.outputs]
        inputs, turned = [run, model, self._which], [self._list, *self._pages.outputs]
        turn = room.handled(self._page, len(turned) - 1)
        room.on(self._which.input, room.handled(self._chosen, len(turned) - 1), inputs, turned)
        self._pages.turn(turn, inputs, turned)

    def opened(self, run: str, model: str | None) -> list[Any]:
        """Updates that show the first questions of a model; what is wrong with them stands in their place."""
        words = self._room.words
        try:
            found = self._found(run, model)
        except Exception as error:
            return [gr.update(visible=False), self._room.mistake(error), *self._pages.told(1, 1)]
        if found is None:
            return [gr.update(visible=False), show.to_do(words("evaluate_unmeasured")), *self._pages.told(1, 1)]
        counts = {which: len(found.those(which)) for which in _WHICH}
        hidden = () if found.judge else ("right", "wrong")
        choices = [
            (f"{words(f'evaluate_which_{which}')} ({counts[which]:,})", which)
            for which in _WHICH
            if which not in hidden
        ]
        info = words("evaluate_which_info", metric=found.judge) if found.judge else ""
        return [gr.update(choices=choices, value="all", info=info, visible=True), *self._shown(found, "all", 1)]

    def _chosen(self, run: str, model: str, which: Which) -> tuple[Any, ...]:
        return self._page(1, run, model, which)

    def _page(self, number: int, run: str, model: str, which: Which) -> tuple[Any, ...]:
        found = self._found(run, model)
        assert found is not None, "there is a choice only where something was measured"
        return tuple(self._shown(found, which, number))

    def _found(self, run: str, model: str | None) -> Questions | None:
        if model is None:
            return None
        return self._room.workspace.desk.reports.questions(run, model, self._room.words.language)

    def _shown(self, found: Questions, which: Which, number: int) -> list[Any]:
        words, items = self._room.words, found.those(which)
        pages = max(1, -(-len(items) // _PER_PAGE))
        number = min(max(number, 1), pages)
        part = items[(number - 1) * _PER_PAGE : number * _PER_PAGE]
        shown = "".join(_card(words, item) for item in part) or show.to_do(words("evaluate_no_such"))
        return [shown, *self._pages.told(number, pages)]


def _card(words: Words, item: Question) -> str:
    asked = item.asked
    marks = [words.either(f"evaluate_change_{asked.change}", ""), *item.shifts]
    about = "".join(f"<i>{escape(mark)}</i>" for mark in marks if mark)
    sides = pair(
        words,
        ((words("evaluate_base"), asked.base), (words("evaluate_tuned"), asked.tuned)),
    )
    sources = f'<span class="from">{escape(", ".join(asked.sources))}</span>' if asked.sources else ""
    return (
        f'<div class="card asked {escape(asked.change)}"><div class="marks">{about}</div>'
        f'<div class="question">{escape(asked.question)}</div>{sides}'
        f"{expected(words, asked.reference)}{sources}</div>"
    )


def pair(words: Words, sides: tuple[tuple[str, str], ...]) -> str:
    """Answers beside each other, each under its name."""
    told = "".join(
        f"<div><span>{escape(name)}</span><div>{escape(text.strip() or words('evaluate_empty'))}</div></div>"
        for name, text in sides
    )
    return f'<div class="pair">{told}</div>'


def expected(words: Words, text: str) -> str:
    """What the dataset says, folded away."""
    if not text:
        return ""
    return f"<details><summary>{escape(words('evaluate_expected'))}</summary><div>{escape(text)}</div></details>"
