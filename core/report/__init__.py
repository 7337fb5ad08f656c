"""The report of a run: HTML, Markdown and JSON."""

from docutune.report.report import (
    CurvePoint,
    DatasetFacts,
    EvaluationFacts,
    LibraryFacts,
    ModelReport,
    Report,
    RunFacts,
    SideBySide,
    SourceProblem,
    StepFacts,
    headline,
    side_by_side,
    to_html,
    to_markdown,
)

__all__ = [
    "CurvePoint",
    "DatasetFacts",
    "EvaluationFacts",
    "LibraryFacts",
    "ModelReport",
    "Report",
    "RunFacts",
    "SideBySide",
    "SourceProblem",
    "StepFacts",
    "headline",
    "side_by_side",
    "to_html",
    "to_markdown",
]
