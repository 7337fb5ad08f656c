"""Code as replies give it: without the fence that models like to put around it."""

from __future__ import annotations

import ast
import re
from contextlib import suppress

from docutune.plugins.generators.langchain.material import fenced
from docutune.plugins.generators.langchain.mentions import PYTHON, parsed

_REMARK = re.compile(r"#[^\n]*")


def bare(code: str) -> str:
    """Code without a fence, and without empty lines around it."""
    lines = code.strip("\n").rstrip().split("\n")
    if lines[0].lstrip().startswith("```"):
        lines = lines[1:]
        if lines and lines[-1].strip() == "```":
            lines = lines[:-1]
    return "\n".join(lines).strip("\n")


def block(code: str, language: str) -> str:
    """The code as a fenced block; "" where there is none."""
    found = bare(code)
    return fenced(found, language) if found.strip() else ""


def same(one: str, other: str, language: str) -> bool:
    """Whether two pieces of code do the same to the letter: spaces, quotes and remarks aside."""
    return _normal(bare(one), language) == _normal(bare(other), language)


def remarks(code: str) -> str:
    """All that stands behind a hash."""
    return "\n".join(_REMARK.findall(bare(code)))


def _normal(code: str, language: str) -> str:
    tree = parsed(code) if language in PYTHON else None
    with suppress(RecursionError):  # code that nests as no person's does
        if tree is not None:
            return ast.dump(tree)
    return "".join(_REMARK.sub("", code).split())
