"""Attributes and constants: what an assignment binds, and what is written about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from docutune.plugins.parsers.python.callables import dotted
from docutune.plugins.parsers.python.source import Source

_TYPE_VARIABLES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})
_NOT_API = frozenset({"__all__", "__slots__", "__match_args__"})
_VALUE_LIMIT = 80
_MARK = "#:"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One name bound by an assignment; for `self.x = ...` the owner is "self"."""

    name: str
    owner: str
    annotation: str
    value: ast.expr | None
    node: ast.stmt


def assignments(statement: ast.stmt, file: Source) -> Iterator[Assignment]:
    """The names that a statement binds by assignment, in order. Type variables are no API."""
    targets: list[ast.expr]
    if isinstance(statement, ast.AnnAssign):
        targets, annotation, value = [statement.target], file.segment(statement.annotation), statement.value
    elif isinstance(statement, ast.Assign):
        targets, annotation, value = statement.targets, "", statement.value
    else:
        return
    if isinstance(value, ast.Call) and dotted(value).rpartition(".")[2] in _TYPE_VARIABLES:
        return
    for target in targets:
        unpacked = isinstance(target, (ast.Tuple, ast.List))
        for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            owner, _, name = dotted(part).rpartition(".")
            if isinstance(part, (ast.Name, ast.Attribute)) and name and name not in _NOT_API:
                yield Assignment(name, owner, annotation, None if unpacked else value, statement)


def signature_of(assignment: Assignment, annotation: str, file: Source) -> str:
    """One line: "timeout: float = 5.0"; long values are left out."""
    text = f"{assignment.name}: {annotation}" if annotation else assignment.name
    value = file.segment(assignment.value, _VALUE_LIMIT)
    return f"{text} = {value}" if value else text


def comment(node: ast.stmt, file: Source) -> str:
    """The documentation comment (`#: ...`, as Sphinx reads it) above or behind an assignment."""
    end = node.end_lineno or node.lineno
    behind = file.lines[end - 1].encode()[node.end_col_offset or 0 :].decode(errors="replace").strip()
    if behind.startswith(_MARK):
        return behind[len(_MARK) :].strip()
    above: list[str] = []
    line = node.lineno - 2
    while line >= 0 and file.lines[line].strip().startswith(_MARK):
        above.insert(0, file.lines[line].strip()[len(_MARK) :].removeprefix(" "))
        line -= 1
    return "\n".join(above).strip()


def plain_name(node: ast.expr | None) -> str:
    """The dotted name when the expression is nothing else, so that binding it makes an alias."""
    inner = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return dotted(node) if isinstance(inner, ast.Name) and node is not None else ""
