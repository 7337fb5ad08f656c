"""Dotted names: which ones a piece of text or Python code uses."""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache

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


def in_code(code: str, library: Library) -> dict[str, str]:
    """Full names of the library that Python code imports or uses, sorted, each with the full name that it writes.

    None when it does not parse. Top-level packages count as imported: examples often leave the import out.
    """
    tree = parse(code)
    if tree is None:
        return {}
    imported = dict(_imports(tree))
    used = {name for node in ast.walk(tree) for name in _chain(node, imported)}
    found = ((library.find(name), name) for name in sorted(used, reverse=True))
    written = {symbol.name: name for symbol, name in found if symbol is not None and symbol.kind != "module"}
    return {name: name if name in used else written[name] for name in sorted(written)}


def resolved(names: Iterable[str], library: Library) -> tuple[str, ...]:
    """The public names of those that the library has, sorted; modules are not among them: everything names those."""
    found = (library.find(name) for name in set(names))
    return tuple(sorted({symbol.name for symbol in found if symbol is not None and symbol.kind != "module"}))


def undefined(code: str, library: Library) -> int:
    """How many names Python code uses that it neither defines nor imports: they come from somewhere above it."""
    tree = parse(code)
    if tree is None:
        return 0
    nodes = tuple(ast.walk(tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    defined = {name for node in nodes for name in _defined(node)} | set(dir(builtins))
    return sum(1 for name in used - defined if library.find(name) is None)


def _defined(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    elif isinstance(node, ast.alias):
        yield node.asname or package(node.name)


@lru_cache(maxsize=16)  # each example is looked at more than once
def parse(code: str) -> ast.Module | None:
    """The syntax tree of Python code, None when it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


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
