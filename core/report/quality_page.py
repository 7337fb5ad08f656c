"""The forms of the report on a dataset's quality: one HTML page, and JSON."""

from __future__ import annotations

import json

from docutune.records import finite, to_json
from docutune.report.facts import ModuleCoverage
from docutune.report.findings import findings, headline
from docutune.report.quality import Quality
from docutune.report.words import Words

_MODULES = 12


def to_html(quality: Quality) -> str:
    """One self-contained page: inline style and drawings, no script, and nothing that leaves the page."""
    from docutune.report.histogram import histogram
    from docutune.report.pages import environment  # Jinja is imported only when a report is written

    words = Words(quality.language)
    return (
        environment(escape=True)
        .get_template("quality.html.j2")
        .render(
            quality=quality,
            words=words,
            say=words.say,
            findings=findings(quality),
            headline=headline(quality),
            histogram=histogram,
            modules=_worst(quality),
        )
    )


def to_json_text(quality: Quality) -> str:
    """The same for programs."""
    return json.dumps(finite(to_json(quality)), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _worst(quality: Quality) -> list[ModuleCoverage]:
    """The modules with the most public symbols that no sample speaks of."""
    modules = quality.coverage.modules if quality.coverage else ()
    lacking = [module for module in modules if module.in_samples < module.symbols]
    return sorted(lacking, key=lambda module: (module.in_samples - module.symbols, module.module))[:_MODULES]
