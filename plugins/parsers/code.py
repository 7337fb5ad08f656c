"""What parsers say of code shown in documents: its language, its prompts."""

from __future__ import annotations

import ast
import keyword
import re
import warnings

_NAMES = {
    "py": "python",
    "py3": "python",
    "python3": "python",
    "ipython": "python",
    "ipython3": "python",
    "testcode": "python",
    "js": "javascript",
    "ts": "typescript",
    "sh": "bash",
    "shell": "bash",
    "yml": "yaml",
    "text": "",
    "txt": "",
    "none": "",
}
_SESSIONS = frozenset({"pycon", "pycon3", "doctest", "python-console"})
_DOCTEST_FLAG = re.compile(r"\s*#\s*doctest:.*$")


def identify(code: str, name: str) -> tuple[str, str]:
    """The code and its language: an interactive session loses its prompts and its output, and is Python."""
    name = name.strip().lower()
    language = "python" if name in _SESSIONS else _NAMES.get(name, name)
    if language in ("python", "") and code.lstrip().startswith(">>>"):
        return strip_prompts(code), "python"
    return code.strip("\n"), language


def strip_prompts(session: str) -> str:
    """What was typed in an interactive Python session, without prompts, output and doctest flags.

    A statement that ends in a traceback shows what not to do, so it is no example and left out. So is a bare name:
    it only shows a value.
    """
    typed: list[str] = []
    continued, statement = False, 0
    for line in session.split("\n"):
        text = line.strip()
        prompt = text == ">>>" or text.startswith(">>> ")
        continued = prompt or (continued and (text == "..." or text.startswith("... ")))
        statement = len(typed) if prompt else statement
        if prompt and _shows_value(text[4:]):
            continue
        if continued:
            typed.append(_DOCTEST_FLAG.sub("", text[4:]))
        elif not text and typed and typed[-1]:
            typed.append("")
        elif text.startswith("Traceback (most recent call last)"):
            del typed[statement:]
    return "\n".join(typed).strip("\n")


def _shows_value(statement: str) -> bool:
    name = _DOCTEST_FLAG.sub("", statement).strip()
    return name.isidentifier() and not keyword.iskeyword(name)


def looks_like_python(code: str) -> bool:
    """True when the text parses as Python and does something: a prose word or a file name also parses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    plain = (ast.AnnAssign, ast.Pass)
    return any(
        isinstance(node.value, (ast.Call, ast.Await)) if isinstance(node, ast.Expr) else not isinstance(node, plain)
        for node in body
    )
