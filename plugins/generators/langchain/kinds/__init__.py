"""The kinds of samples that are asked for, one file each."""

from __future__ import annotations

from docutune.plugins.generators.langchain.kinds import (
    bug_fix,
    dialogue,
    explanation,
    how_to,
    migration,
    negative,
    question_answer,
    signature,
    task_to_code,
)
from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Told

__all__ = ["KINDS", "Kind", "Told"]

_MODULES = (
    question_answer,
    explanation,
    how_to,
    task_to_code,
    migration,
    bug_fix,
    signature,
    dialogue,
    negative,
)
KINDS: dict[str, Kind] = {module.KIND.name: module.KIND for module in _MODULES}
"""By name, in the order in which they are asked for."""
