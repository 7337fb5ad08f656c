"""The forms of a report: one HTML page, Markdown, JSON."""

from __future__ import annotations

import json

from docutune.records import finite, to_json
from docutune.report.facts import Report
from docutune.report.words import Words


def to_html(report: Report) -> str:
    """One self-contained page: inline style and drawings, no script, and nothing that leaves the page."""
    return _render("report.html.j2", report, escape=True)


def to_markdown(report: Report) -> str:
    """The same in CommonMark with pipe tables."""
    return _render("report.md.j2", report, escape=False)


def to_json_text(report: Report) -> str:
    """The same for programs; a number that JSON does not have (NaN, infinity) is null."""
    return json.dumps(finite(to_json(report)), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _render(template: str, report: Report, escape: bool) -> str:
    from docutune.report.pages import environment  # Jinja is imported only when a report is written

    words = Words(report.language)
    return environment(escape).get_template(template).render(report=report, words=words, say=words.say)
