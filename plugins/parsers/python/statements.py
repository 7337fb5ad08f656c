"""Which statements of a body count, in order: those inside conditions too, those of a script's main part not."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence


def flattened(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body and of its if, try, with and match blocks, without recursion: an elif chain is deep."""
    stack = list(reversed(body))
    while stack:
        statement = stack.pop()
        if isinstance(statement, ast.If) and _is_main(statement.test):
            stack.extend(reversed(statement.orelse))
            continue
        inner = _inner(statement)
        if inner:
            stack.extend(reversed(inner))
        else:
            yield statement


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _inner(statement: ast.stmt) -> list[ast.stmt]:
    if isinstance(statement, ast.If):
        return [*statement.body, *statement.orelse]
    if isinstance(statement, (ast.Try, ast.TryStar)):
        handlers = [inner for handler in statement.handlers for inner in handler.body]
        return [*statement.body, *statement.orelse, *handlers, *statement.finalbody]
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        return statement.body
    if isinstance(statement, ast.Match):
        return [inner for case in statement.cases for inner in case.body]
    return []
