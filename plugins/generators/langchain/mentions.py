"""Which symbols of the library a text names, in prose and in code."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence

from docutune.contracts import Library
from docutune.records import Example

PYTHON = frozenset(("python", "py", "python3", "pycon", "doctest"))
_DOTTED = re.compile(r"(?<![\w./@-])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
_QUOTED = re.compile(r"`[~.]?([A-Za-z_][\w.]*)(?:\(\))?`", re.ASCII)
_CODE = re.compile(r"```[^\n]*\n(.*?)(?:```|\Z)|`([^`\n]+)`", re.DOTALL)


def named(text: str, examples: Iterable[Example], library: Library, homes: Sequence[str] = ()) -> tuple[str, ...]:
    """Full public names of symbols, modules aside, sorted. A bare name in backticks is looked for in the `homes`."""
    written = set(_DOTTED.findall(text))
    for example in examples:
        if example.language.lower() in PYTHON or not example.language:
            written.update(_in_code(example.code))
    for quoted in _QUOTED.findall(text):
        written.update((quoted, *(f"{home}.{quoted}" for home in homes)))
    found = (library.find(name) for name in written)
    return tuple(sorted({symbol.name for symbol in found if symbol is not None and symbol.kind != "module"}))


def spoken_of(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the full names that an answer names: in full anywhere, or by their last part in code."""
    names = tuple(names)
    code = "\n".join(block or inline for block, inline in _CODE.findall(text))
    lasts = [name.rpartition(".")[2] for name in names]
    return tuple(
        name
        for name, last in zip(names, lasts, strict=True)
        if _has(text, name) or (lasts.count(last) == 1 and _has(code, last))
    )


def _has(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.ASCII) is not None


def _in_code(code: str) -> Iterator[str]:
    """Full names that Python code imports or reads; none when it does not parse."""
    tree = parsed(code)
    if tree is None:
        return
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update((item.asname, item.name) for item in node.names if item.asname)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.update((item.asname or item.name, f"{node.module}.{item.name}") for item in node.names)
    yield from imported.values()
    for node in ast.walk(tree):
        parts: list[str] = []
        chain = node
        while isinstance(chain, ast.Attribute):
            parts.append(chain.attr)
            chain = chain.value
        if isinstance(chain, ast.Name) and parts:
            yield ".".join([imported.get(chain.id, chain.id), *reversed(parts)])


def called_in(code: str) -> Iterator[str]:
    """The bare names that Python code calls: `send(5)`, not `acme.send(5)`."""
    tree = parsed(code)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


def bound_in(code: str) -> Iterator[str]:
    """The names that Python code imports, defines or gives a value."""
    tree = parsed(code)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name


def parsed(code: str) -> ast.Module | None:
    """The syntax tree of Python code, None when it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
