"""The run at work as tabs show it: figures, cost, curves, steps and log, a second old at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.live import Ended, Look
    from docutune.desk.spending import Spent

_HEIGHT = 240


class Progress:
    """Components that follow the run of the workspace, whoever started it, and wherever."""

    def __init__(self, room: Room, prefix: str = "", nothing_yet: str = "") -> None:
        """`prefix` tells the parts of several tabs apart; `nothing_yet` is what to do while there is no run."""
        self._room, self._prefix = room, prefix
        self._nothing_yet = nothing_yet or room.words("train_nothing_yet", start=room.words("train_start"))

    def build(self, curves: bool = True) -> None:
        """Put them on the page and let them follow; without `curves` what only a training has is left away."""
        words, room, prefix = self._room.words, self._room, self._prefix
        gr.HTML(show.heading(words("train_progress")), padding=False)
        head = gr.HTML(elem_id=f"{prefix}progress", padding=False)
        drawn = self._plots() if curves else []
        steps = gr.HTML(elem_id=f"{prefix}steps", padding=False)
        with gr.Accordion(words("log"), open=False):
            log = gr.Textbox(lines=14, max_lines=14, show_label=False, interactive=False, elem_id=f"{prefix}log")
        seen: gr.State = gr.State(None)
        room.quietly(self._follow if curves else self._follow_undrawn, seen, [seen, head, steps, log, *drawn])
        if curves:
            self._boards()

    def _plots(self) -> list[Any]:
        words = self._room.words
        colours = {words("train_loss"): "#2563eb", words("eval_loss"): "#d97706"}
        with gr.Row(visible=False) as curves:
            loss = _plot(words("loss"), words("at_training_step"), colours)
            rate = _plot(words("learning_rate"), words("at_training_step"), None)
        return [curves, loss, rate]

    def _boards(self) -> None:
        room = self._room
        with gr.Row():
            board = gr.Button(room.words("board"), elem_classes=["narrow"], elem_id="board")
            address = gr.HTML(elem_id="board-at", padding=False)
        room.on(board.click, room.handled(self._board), None, address)

    def _follow(self, seen: Any) -> tuple[Any, ...]:
        """What has changed since this page was told last; nothing when nothing has."""
        try:
            look = self._room.workspace.desk.look()
        except Exception as error:
            return (None, self._room.mistake(error), *(gr.skip() for _ in range(5)))
        now = _sign(look)
        if now == seen:
            return tuple(gr.skip() for _ in range(7))
        if look is None:
            told = show.to_do(self._nothing_yet)
            return now, told, "", self._room.words("log_empty"), gr.update(visible=False), gr.skip(), gr.skip()
        log = look.log or self._room.words("log_empty")
        return now, self._head(look), self._steps(look), log, *self._curves(look, seen)

    def _follow_undrawn(self, seen: Any) -> tuple[Any, ...]:
        return self._follow(seen)[:4]

    def _head(self, look: Look) -> str:
        words, figures = self._room.words, look.figures
        told: list[tuple[str, object]] = [(words("status"), words.either(look.outcome, look.outcome))]
        if look.outcome == "running":
            told.append((words("step"), look.step or "…"))
            if look.total:
                told.append((words("train_progress"), f"{look.done or 0:,} / {look.total:,}"))
            if "loss" in figures:
                told.append((words("loss_now"), f"{figures['loss']:.3f}"))
            if "tokens_per_second" in figures:
                told.append((words("speed"), f"{figures['tokens_per_second']:,.0f}"))
            if "seconds_left" in figures:
                told.append((words("left"), show.duration(figures["seconds_left"], words)))
        told += self._cost(look.spent) if look.spent else ()
        told.append((words("time"), show.duration(look.seconds, words)))
        parts = [show.facts(told), show.bar(look.done, look.total) if look.outcome == "running" else ""]
        if look.continues:
            parts.append(show.good(words("train_continues", **look.continues)))
        parts += [show.to_do(note) for note in look.notes[-3:]]
        return "".join(parts)

    def _curves(self, look: Look, seen: Any) -> tuple[Any, Any, Any]:
        """The plots, where they have new points."""
        if not look.curves:
            return gr.update(visible=False), gr.skip(), gr.skip()
        if seen is not None and seen[-1] == _sign(look)[-1]:  # type: ignore[index]
            return gr.skip(), gr.skip(), gr.skip()
        import pandas as pd

        words = self._room.words
        loss = [
            (step, value, words(label))
            for name, label in (("loss", "train_loss"), ("eval_loss", "eval_loss"))
            for step, value in look.curves.get(name, ())
        ]
        rate = look.curves.get("learning_rate", ())
        return (
            gr.update(visible=True),
            pd.DataFrame(loss, columns=["step", "value", "curve"]),
            pd.DataFrame(rate, columns=["step", "value"]),
        )

    def _cost(self, spent: Spent) -> list[tuple[str, object]]:
        words = self._room.words
        cost = words("cost_unknown") if spent.cost_usd is None else f"${spent.cost_usd:,.4f}"
        told: list[tuple[str, object]] = [(words("requests"), spent.requests)]
        if spent.under_way:
            told.append((words("requests_under_way"), spent.under_way))
        return [
            *told,
            (words("tokens_in"), spent.input_tokens),
            (words("tokens_out"), spent.output_tokens),
            (words("cost"), cost),
        ]

    def _steps(self, look: Look) -> str:
        words = self._room.words
        rows = [
            (step.name, words.either(step.status, step.status), self._result(step), show.duration(step.seconds, words))
            for step in look.steps
        ]
        heads = [words("step"), words("status"), words("result"), words("time")]
        return show.table(heads, rows, numbers=(3,)) if rows else ""

    def _result(self, step: Ended) -> str:
        """The whole numbers that a step tells of its work: "65 samples, 2 rejected"."""
        words = self._room.words
        counted = (
            (name, value)
            for name, value in step.figures.items()
            if isinstance(value, int) and f"figure_{name}" in words.texts
        )
        return words("comma").join(words(f"figure_{name}", count=f"{value:,}") for name, value in counted)

    def _board(self) -> str:
        room, words = self._room, self._room.words
        look = room.workspace.desk.look()
        if look is None:
            return show.to_do(words("board_no_run"))
        board = room.workspace.desk.board(look.run, room.closing)
        link = show.link(board.address, board.address)
        return f'<div class="box good">{words("board_at", run=look.run)} {link}</div>'


def _plot(title: str, step: str, colours: dict[str, str] | None) -> gr.LinePlot:
    """One curve, or several with a colour each."""
    several: dict[str, Any] = {"color": "curve", "color_map": colours, "color_title": " "} if colours else {}
    return gr.LinePlot(x="step", y="value", title=title, x_title=step, y_title=" ", height=_HEIGHT, **several)


def _sign(look: Look | None) -> tuple[Any, ...] | None:
    """What tells two looks apart, the curves last; seconds count only while it is at work."""
    if look is None:
        return ("none",)
    lengths = tuple((name, len(points), points[-1]) for name, points in look.curves.items())
    clock = round(look.seconds) if look.outcome == "running" else 0
    said = len(look.steps), len(look.notes), len(look.log)
    return look.run, look.outcome, clock, look.step, look.done, look.spent, *said, lengths
