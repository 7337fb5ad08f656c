"""Code as a reader would type it: without callouts and prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CALLOUTS = re.compile(r"(?:\s*(?:#|//|--|;;))?(?:\s*<(?:\d{1,3}|\.)>|\s*<!--\d{1,3}-->)+\s*$")
_NAMES = {"py": "python", "python3": "python", "pycon": "python", "sh": "bash", "shell": "bash", "js": "javascript"}


def shown(lines: Sequence[str], language: str) -> tuple[str, str]:
    """The code and its language, lower-case as after a Markdown fence."""
    code = "\n".join(_CALLOUTS.sub("", line) for line in lines).strip("\n")
    language = language.strip().lower()
    language = _NAMES.get(language, language)
    if language in ("", "python") and code.lstrip().startswith(">>> "):
        return _typed(code), "python"
    return code, language


def _typed(session: str) -> str:
    """What was typed in an interactive Python session: no prompts, no output."""
    typed: list[str] = []
    open_statement = False
    for line in session.split("\n"):
        text = line.strip()
        prompt = text == ">>>" or text.startswith(">>> ")
        open_statement = prompt or (open_statement and (text == "..." or text.startswith("... ")))
        if open_statement:
            typed.append(text[4:])
    return "\n".join(typed).strip("\n")
