"""Making a dataset version: what a run would do and cost, its start and end, and what it is at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.at_work import AtWork
from docutune.plugins.frontends.gradio.progress import Progress
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.api import RunRequest
    from docutune.chat.foresight import Estimate, Limit, Needed
    from docutune.planning import Plan, Planned
    from docutune.plugins.frontends.gradio.words import Words

_UNTIL = "dataset"


def build(room: Room) -> None:
    """Put it on the page. A run can be started once its plan has been seen."""
    words = room.words
    gr.HTML(show.to_do(words("dataset_generate_about", plan=words("dataset_plan"))), padding=False)
    with gr.Row():
        plan = gr.Button(words("dataset_plan"), variant="primary", elem_classes=["narrow"], elem_id="dataset-plan")
        start = gr.Button(words("dataset_start"), interactive=False, elem_classes=["narrow"], elem_id="dataset-start")
        stop = gr.Button(
            words("train_stop"), variant="stop", interactive=False, elem_classes=["narrow"], elem_id="dataset-stop"
        )
    message = gr.HTML(elem_id="dataset-message", padding=False)
    planned = gr.HTML(elem_id="dataset-planned", padding=False)
    at_work = AtWork(room, stop, message, words("dataset_stopped"), [planned])
    room.on(
        plan.click,
        room.handled(lambda: _plan(room), others=3),
        None,
        [message, at_work.run, planned, start],
        concurrency_limit=1,
    )
    room.on(start.click, room.handled(lambda: _start(room), others=2), None, [message, at_work.run, start])
    room.on(stop.click, room.handled(lambda: _stop(room)), None, message)
    at_work.follow()
    Progress(room, "dataset-", words("dataset_nothing_yet", plan=words("dataset_plan"))).build(curves=False)


def _request(room: Room) -> RunRequest:
    return replace(room.workspace.request(), until=_UNTIL)


def _plan(room: Room) -> tuple[Any, ...]:
    plan = room.workspace.plan(_request(room), _unseen)
    start = gr.update(interactive=True, variant="primary")
    at_work = room.workspace.store.live_run() or ""
    return "".join(show.to_do(note) for note in plan.notes), at_work, _planned(plan, room.words), start


def _start(room: Room) -> tuple[Any, ...]:
    run = room.workspace.start_detached(_request(room))
    told = show.good(room.words("dataset_started", run=run.name))
    return told, run.name, gr.update(interactive=False, variant="secondary")


def _stop(room: Room) -> str:
    """Ask the run at work to stop, and wait until it has."""
    stopped = room.workspace.stop(None, lambda owner, seconds: None)
    return show.good(room.words("train_not_running" if stopped is None else "dataset_stopped"))


def _planned(plan: Plan, words: Words) -> str:
    parts = [show.heading(words("plan_title")), show.facts(_documents(plan, words))]
    if plan.dataset is not None:
        parts.append(show.to_do(words("dataset_taken", version=plan.dataset.name)))
    heads = [words(name) for name in ("plan_step", "plan_action", "dataset_to_make", "reused", "dataset_asks")]
    parts.append(show.table(heads, (_row(step, words) for step in plan.steps), numbers=(2, 3)))
    parts += [_estimated(step, step.estimate, words) for step in plan.steps if step.estimate is not None]
    if not any(step.estimate for step in plan.steps):
        parts.append(show.good(words("dataset_free")))
    parts += [_limit(limit, words) for limit in plan.budget]
    return "".join(parts)


def _documents(plan: Plan, words: Words) -> Iterator[tuple[str, object]]:
    changes = plan.documents
    counts = {"added": len(changes.added), "changed": len(changes.changed), "removed": len(changes.removed)}
    for name, count in counts.items():
        yield words(f"dataset_documents_{name}"), count
    yield words("dataset_documents_reused"), changes.reused


def _row(step: Planned, words: Words) -> tuple[object, ...]:
    count = step.count
    counts = ("", "") if count is None else (count.total - count.reused, count.reused)
    asked = ""
    if step.asks is not None and step.action != "reuse":
        asked = words("dataset_asks_there", model=step.asks, server=step.server) if step.server else step.asks
    return step.name, words(f"plan_{step.action}"), *counts, asked


def _estimated(step: Planned, estimate: Estimate, words: Words) -> str:
    if estimate.expected is None or estimate.most is None:
        return show.to_do(words("dataset_cost_waits", step=step.name))
    told = words("dataset_cost_is", step=step.name, amount=_amount(estimate.expected, words))
    if estimate.replies:
        told += words("stop") + words("dataset_kept_replies", count=f"{estimate.replies:,}")
    most = words("dataset_cost_most", amount=_amount(estimate.most, words)) if estimate.expected.requests else ""
    return show.good("\n".join(filter(None, [told, most])))


def _amount(needed: Needed, words: Words) -> str:
    cost = words("cost_unknown") if needed.cost_usd is None else f"${needed.cost_usd:,.2f}"
    counts = {"requests": needed.requests, "sent": needed.input_tokens, "received": needed.output_tokens}
    return words("dataset_amount", cost=cost, **{name: f"{count:,}" for name, count in counts.items()})


def _limit(limit: Limit, words: Words) -> str:
    rest = max(0.0, limit.limit - limit.spent)
    figures = {"limit": limit.limit, "spent": limit.spent, "rest": rest}
    told = words(
        f"dataset_budget_{limit.suffices}",
        name=limit.name,
        **{name: f"{value:,.6g}" for name, value in figures.items()},
    )
    return show.bad(told) if limit.suffices == "no" else show.good(told)


def _unseen(done: int, total: int | None = None, **figures: float) -> None:
    """The page shows that it works; parsing takes seconds."""
