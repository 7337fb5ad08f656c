"""The report of a run: HTML, Markdown and JSON."""

from docutune.report.answers import changed_answers
from docutune.report.coverage import coverage
from docutune.report.dataset import dataset_facts
from docutune.report.facts import (
    Changes,
    Coverage,
    CurvePoint,
    DatasetFacts,
    EvaluationFacts,
    FailureFacts,
    LengthBin,
    Lengths,
    LibraryFacts,
    Meaning,
    ModelReport,
    ModuleCoverage,
    Report,
    RunFacts,
    Score,
    SideBySide,
    SourceProblem,
    Spending,
    StepFacts,
    TrainingFacts,
    Untold,
)
from docutune.report.report import to_html, to_json_text, to_markdown
from docutune.report.verdict import headline, meaning

__all__ = [
    "Changes",
    "Coverage",
    "CurvePoint",
    "DatasetFacts",
    "EvaluationFacts",
    "FailureFacts",
    "LengthBin",
    "Lengths",
    "LibraryFacts",
    "Meaning",
    "ModelReport",
    "ModuleCoverage",
    "Report",
    "RunFacts",
    "Score",
    "SideBySide",
    "SourceProblem",
    "Spending",
    "StepFacts",
    "TrainingFacts",
    "Untold",
    "changed_answers",
    "coverage",
    "dataset_facts",
    "headline",
    "meaning",
    "to_html",
    "to_json_text",
    "to_markdown",
]
