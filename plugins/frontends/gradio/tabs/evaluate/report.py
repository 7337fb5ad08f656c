"""What a report says: the answer in one sentence, what it means, the figures, what failed, and the report itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.reports import Figure, Told
    from docutune.plugins.frontends.gradio.words import Words

_KINDS = {"better": "good", "worse": "bad"}


def report(room: Room, told: Told) -> str:
    """All of it as HTML."""
    words = room.words
    parts = [
        f'<div class="verdict {_KINDS.get(told.verdict, "even")}">{escape(told.headline)}</div>',
        _links(room, told.run),
        _meaning(words("evaluate_says"), told.says, words("evaluate_does_not_say"), told.does_not_say),
        *(show.bad(f"{item.step}: {item.message}", item.hint) for item in told.failures),
    ]
    for model in told.models:
        if model.figures:
            parts.append(show.heading(words("evaluate_of", model=model.name, base=model.base, trainer=model.trainer)))
            parts.append(figures(words, model.figures))
    if not any(model.figures for model in told.models):
        parts.append(show.to_do(words("evaluate_unmeasured")))
    return "".join(parts)


def figures(words: Words, found: Iterable[Figure]) -> str:
    """Figures as a table: what was measured, both means with their intervals, the difference with its own."""
    heads = ["metric", "base", "tuned", "difference", "interval", "questions", "verdict"]
    rows = (
        (
            words("evaluate_with_note", metric=item.metric, note=item.note) if item.note else item.metric,
            item.base,
            item.tuned,
            item.difference,
            item.interval,
            item.count,
            item.told,
        )
        for item in found
    )
    return show.table([words(f"evaluate_{head}") for head in heads], rows, numbers=(1, 2, 3, 4, 5))


def _links(room: Room, run: str) -> str:
    """The whole report and the page on the dataset, each in a tab of its own."""
    words, reports = room.words, room.workspace.desk.reports
    names = {"report.html": words("evaluate_whole"), "quality.html": words("evaluate_quality")}
    links = [show.link(f"/reports/{run}/{name}", text) for name, text in names.items() if reports.has(run, name)]
    return f'<p class="links">{" · ".join(links)}</p>' if links else ""


def _meaning(says: str, said: Sequence[str], does_not: str, unsaid: Sequence[str]) -> str:
    parts = "".join(
        f"<div><b>{escape(title)}</b><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul></div>"
        for title, lines in ((says, said), (does_not, unsaid))
        if lines
    )
    return f'<div class="meaning">{parts}</div>' if parts else ""
