"""Blind rating: two answers without names, and afterwards how often each model's was better."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import DocutuneError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs.evaluate.answers import expected, pair
from docutune.plugins.frontends.gradio.tabs.evaluate.report import figures

if TYPE_CHECKING:
    from docutune.desk.judging import Choice, Shown, Tally

_CHOICES: tuple[Choice, ...] = ("first", "second", "same", "neither", "skip")
_GIVEN_SHOWN = 200


class Judge:
    """One question at a time; which answer is whose stays in the workspace until the tally is asked for."""

    def __init__(self, room: Room, run: gr.Dropdown, model: gr.Dropdown, tab: gr.Tab) -> None:
        words = room.words
        self._room = room
        gr.HTML(f"<p>{escape(words('judge_about'))}</p>", padding=False)
        self._message = gr.HTML(elem_id="judge-message", padding=False)
        self.rater = rater = gr.Textbox(
            label=words("judge_rater"), info=words("judge_rater_info"), elem_id="judge-rater", value=""
        )
        self._question = gr.HTML(elem_id="judge-question", padding=False)
        self._id = gr.State("")
        with gr.Row(visible=False) as self._buttons:
            buttons = {
                choice: gr.Button(words(f"judge_{choice}"), elem_classes=["narrow"], elem_id=f"judge-{choice}")
                for choice in _CHOICES
            }
        with gr.Row(visible=False) as self._more:
            back = gr.Button(words("judge_back"), elem_classes=["narrow"], elem_id="judge-back")
            names = gr.Button(words("judge_names"), elem_classes=["narrow"], elem_id="judge-names")
        self._tally = gr.HTML(elem_id="judge-tally", padding=False)
        self.outputs: list[Any] = [
            *(self._message, self._question, self._id, self._buttons, self._more, self._tally),
        ]
        others, whose = len(self.outputs) - 1, [run, model, rater]
        look = room.handled(self._look, others)
        for event in (tab.select, rater.submit, rater.blur):
            room.on(event, look, whose, self.outputs, show_progress="hidden")
        for choice, button in buttons.items():
            give = room.handled(partial(self._give, choice), others)
            room.on(button.click, give, [*whose, self._id], self.outputs, concurrency_limit=1)
        room.on(back.click, room.handled(self._take_back, others), whose, self.outputs, concurrency_limit=1)
        room.on(names.click, room.handled(self._named, 1), [run, model], [self._message, self._tally])

    def opened(self, run: str, model: str | None, rater: str) -> list[Any]:
        """Updates for another report."""
        try:
            return list(self._look(run, model, rater))
        except Exception as error:
            hidden = gr.update(visible=False)
            return [self._room.mistake(error), "", "", hidden, hidden, ""]

    def _look(self, run: str | None, model: str | None, rater: str) -> tuple[Any, ...]:
        if run is None or model is None:
            hidden = gr.update(visible=False)
            return "", show.to_do(self._room.words("evaluate_unmeasured")), "", hidden, hidden, ""
        return self._shown(run, model, self._room.workspace.desk.judging.shown(run, model, _name(rater)))

    def _give(self, choice: Choice, run: str, model: str, rater: str, shown: str) -> tuple[Any, ...]:
        """Keep the verdict; where the question was judged elsewhere meanwhile, say so and show the next one."""
        judging = self._room.workspace.desk.judging
        try:
            return self._shown(run, model, judging.give(run, model, _name(rater), shown, choice))
        except DocutuneError as error:
            return self._room.mistake(error), *self._look(run, model, rater)[1:]

    def _take_back(self, run: str, model: str, rater: str) -> tuple[Any, ...]:
        judging = self._room.workspace.desk.judging
        return self._shown(run, model, judging.take_back(run, model, _name(rater)))

    def _named(self, run: str, model: str) -> tuple[str, str]:
        return "", self._told(run, model)

    def _shown(self, run: str, model: str, shown: Shown) -> tuple[Any, ...]:
        """The question, or at the end the tally."""
        words = self._room.words
        more = gr.update(visible=shown.done > 0)
        if shown.id is None:
            told = show.good(words("judge_done", total=shown.total)) if shown.total else show.to_do(words("judge_none"))
            tally = self._told(run, model) if shown.total else ""
            return "", told, "", gr.update(visible=False), more, tally
        place = words("judge_place", number=shown.done + 1, total=shown.total)
        sides = pair(words, tuple(zip(words("judge_sides").split(), shown.answers, strict=True)))
        card = (
            f'<div class="card asked"><div class="marks"><i>{escape(place)}</i></div>'
            f'<div class="question">{escape(shown.question)}</div>{sides}{expected(words, shown.expected)}</div>'
        )
        return "", card, shown.id, gr.update(visible=True), more, ""

    def _told(self, run: str, model: str) -> str:
        """How often each was better, with the names, and every judgement."""
        words = self._room.words
        tally = self._room.workspace.desk.judging.tally(run, model, words.language)
        names = ("tuned", "base", "same", "neither", "skip")
        counts = show.facts((words(f"judge_was_{name}"), tally.counts[name]) for name in names)
        parts = [show.heading(words("judge_tally", model=model)), counts]
        if tally.figure is not None:
            parts.append(figures(words, (tally.figure,)))
        return "".join([*parts, self._given(tally)])

    def _given(self, tally: Tally) -> str:
        words = self._room.words
        rows = (
            (" ".join(item.question.split())[:120], words(f"judge_was_{item.verdict}"), item.rater or "—", item.note)
            for item in tally.given[:_GIVEN_SHOWN]
        )
        heads = [words("judge_question"), words("evaluate_verdict"), words("judge_rater"), words("judge_note")]
        return show.table(heads, rows) if tally.given else ""


def _name(rater: str) -> str | None:
    return rater.strip() or None
