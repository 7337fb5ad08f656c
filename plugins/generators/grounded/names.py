"""Dotted names: which ones a piece of text or Python code uses."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

from docutune.contracts import Library

_DOTTED = re.compile(r"(?<![\w./@-])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)


def package(name: str) -> str:
    """The top-level package of a full name."""
    return name.partition(".")[0]


def short(name: str) -> str:
    """The last part of a full name."""
    return name.rpartition(".")[2]


def in_text(text: str, library: Library) -> tuple[str, ...]:
    """Full names of the library that a text spells out, sorted."""
    return resolved(_DOTTED.findall(text), library)


def in_code(code: str, library: Library) -> tuple[str, ...]:
    """Full names of the library that Python code imports or uses, sorted; none when it does not parse.

    Top-level packages count as imported: examples often leave the import out.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    imported = dict(_imports(tree))
    used = {name for node in ast.walk(tree) for name in _chain(node, imported)}
    return resolved(used, library)


def resolved(names: Iterable[str], library: Library) -> tuple[str, ...]:
    """The public names of those that the library has, sorted."""
    found = (library.find(name) for name in set(names))
    return tuple(sorted({symbol.name for symbol in found if symbol is not None}))


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield (item.asname, item.name) if item.asname else (package(item.name), package(item.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                yield item.asname or item.name, f"{node.module}.{item.name}"


def _chain(node: ast.AST, imported: dict[str, str]) -> Iterator[str]:
    """The full name that an attribute chain or an imported name stands for."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and (parts or node.id in imported):
        yield ".".join([imported.get(node.id, node.id), *reversed(parts)])
