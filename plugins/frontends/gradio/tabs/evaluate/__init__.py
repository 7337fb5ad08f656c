"""Evaluate: base against tuned; the answer first, then figures, both answers to each question, and blind rating."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from docutune.errors import DocutuneError, UsageError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.progress import Progress
from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs.evaluate.answers import Answers
from docutune.plugins.frontends.gradio.tabs.evaluate.judge import Judge
from docutune.plugins.frontends.gradio.tabs.evaluate.report import report


def build(room: Room) -> None:
    """Put the tab on the page."""
    words = room.words
    gr.Markdown(words("evaluate_about"))
    with gr.Row():
        start = gr.Button(words("evaluate_start"), variant="primary", elem_classes=["narrow"], elem_id="evaluate-start")
    message = gr.HTML(elem_id="evaluate-message", padding=False)
    with gr.Accordion(words("train_progress"), open=False):
        Progress(room, "evaluate-", words("evaluate_nothing_yet", tab=words("tab_train"))).build(curves=False)
    _Shown(room, message).build()
    room.on(start.click, room.handled(lambda: _start(room)), None, message)


def _start(room: Room) -> str:
    """Measure again in a run of its own, which never trains."""
    workspace = room.workspace
    if not workspace.models.list():
        raise UsageError(
            room.words("evaluate_untrained"), room.words("evaluate_untrained_hint", tab=room.words("tab_train"))
        )
    run = workspace.start_detached(replace(workspace.request(), only_evaluate=True))
    return show.good(room.words("evaluate_started", run=run.name))


class _Shown:
    """The choice of a report and of one of its models, and what is shown of them."""

    def __init__(self, room: Room, message: gr.HTML) -> None:
        self._room, self._message = room, message

    def build(self) -> None:
        """Put them on the page; a report that is new shows itself where nobody chose an older one."""
        words, room = self._room.words, self._room
        wrong = gr.HTML(elem_id="evaluate-wrong", padding=False)
        with gr.Row():
            run = gr.Dropdown(
                label=words("evaluate_run"), info=words("evaluate_run_info"), visible=False, elem_id="evaluate-run"
            )
            model = gr.Dropdown(
                label=words("evaluate_model"),
                info=words("evaluate_model_info"),
                visible=False,
                elem_id="evaluate-model",
            )
        with gr.Tabs(elem_id="evaluate-parts", visible=False) as parts:
            with gr.Tab(words("evaluate_report")):
                told = gr.HTML(elem_id="evaluate-report", padding=False)
            with gr.Tab(words("evaluate_answers")):
                self._answers = Answers(room, run, model)
            with gr.Tab(words("evaluate_judge")) as judging:
                self._judge = Judge(room, run, model, judging)
        seen = gr.State(None)
        outputs = [wrong, seen, run, model, parts, told, *self._answers.outputs, *self._judge.outputs]
        self._others = len(outputs) - 1
        whose = [run, model, self._judge.rater]
        room.quietly(room.handled(self._follow, self._others), [seen, *whose], outputs)
        choose = room.handled(self._open, self._others)
        for event in (run.input, model.input):
            room.on(event, choose, whose, outputs, show_progress="hidden")

    def _follow(self, seen: Any, run: str | None, model: str | None, rater: str) -> tuple[Any, ...]:
        """What there is to show when a report came or went; nothing while it is as it was."""
        runs = self._room.workspace.desk.reports.runs()
        if list(runs) == seen:
            return tuple(gr.skip() for _ in range(self._others + 1))
        newest = seen is None or not seen or run == seen[0]
        return self._open(None if newest else run, model, rater)

    def _open(self, run: str | None, model: str | None, rater: str) -> tuple[Any, ...]:
        """A report, the newest unless one is named that is there, and one of its models, the first likewise."""
        room = self._room
        runs = list(room.workspace.desk.reports.runs())
        if not runs:
            hidden = gr.update(visible=False)
            nothing = show.to_do(room.words("evaluate_none", tab=room.words("tab_train")))
            return nothing, runs, hidden, hidden, hidden, *(gr.skip() for _ in range(self._others - 4))
        chosen = run if run in runs else runs[0]
        shown, names = self._told(chosen)
        one = model if model in names else next(iter(names), None)
        return (
            "",
            runs,
            gr.update(choices=runs, value=chosen, visible=True),
            gr.update(choices=names, value=one, visible=len(names) > 1),
            gr.update(visible=True),
            shown,
            *self._answers.opened(chosen, one),
            *self._judge.opened(chosen, one, rater),
        )

    def _told(self, run: str) -> tuple[str, list[str]]:
        """What a report says, and the models that it measured; for one that cannot be read why, and none."""
        try:
            told = self._room.workspace.desk.reports.told(run, self._room.words.language)
        except DocutuneError as error:
            return self._room.mistake(error), []
        return report(self._room, told), [item.name for item in told.models if item.figures]
