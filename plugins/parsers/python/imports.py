"""Imports and `__all__` of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from docutune.plugins.parsers.python.callables import dotted
from docutune.plugins.parsers.python.source import Source
from docutune.plugins.parsers.text import storable
from docutune.records import Alias


def import_aliases(statement: ast.Import | ast.ImportFrom, scope: str, file: Source) -> Iterator[Alias]:
    """What an import binds in `scope`; a star import is "scope.*" for "module.*"."""
    base = _base(statement, file) if isinstance(statement, ast.ImportFrom) else ""
    if base is None:
        return
    for name in statement.names:
        if isinstance(statement, ast.ImportFrom):
            bound, target = name.asname or name.name, f"{base}.{name.name}".lstrip(".")
        else:
            bound = name.asname or name.name.partition(".")[0]
            target = name.name if name.asname else bound
        if f"{scope}.{bound}" != target:
            yield Alias(f"{scope}.{bound}", target)


def _base(statement: ast.ImportFrom, file: Source) -> str | None:
    """The module imported from; None when the dots lead out of the sources."""
    if not statement.level:
        return statement.module or ""
    parts = file.module.split(".") if file.module != "__init__" else []
    up = statement.level - (1 if file.is_package else 0)
    if up > len(parts):
        return None
    return ".".join([*parts[: len(parts) - up], *([statement.module] if statement.module else [])])


class Exports:
    """`__all__` as its statements build it; "module.*" stands for the `__all__` of another module."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._names: list[str] | None = None
        self._known = True

    @property
    def names(self) -> tuple[str, ...] | None:
        """The exported names; None without `__all__` or when it is computed in a way that only running would tell."""
        return tuple(self._names) if self._names is not None and self._known else None

    def read(self, statement: ast.stmt) -> None:
        """Take in one statement; those that do not concern `__all__` change nothing."""
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            value = getattr(statement, "value", None)
            if value is not None:
                self._set(value, (self._names or []) if isinstance(statement, ast.AugAssign) else [])
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            self._call(statement.value)

    def _call(self, call: ast.Call) -> None:
        function = call.func
        if not isinstance(function, ast.Attribute) or not _is_all(function.value) or len(call.args) != 1:
            return
        argument = call.args[0]
        if function.attr == "extend":
            self._set(argument, self._names or [])
        elif function.attr in ("append", "remove") and isinstance(argument, ast.Constant):
            rest = [name for name in self._names or [] if name != argument.value]
            self._names = [*rest, str(argument.value)] if function.attr == "append" else rest

    def _set(self, value: ast.expr, before: Sequence[str]) -> None:
        names = self._values(value)
        self._known = self._known and names is not None
        self._names = [*before, *(names or [])]

    def _values(self, value: ast.expr) -> list[str] | None:
        terms, names = [value], list[str]()
        while terms:
            term = terms.pop(0)
            if isinstance(term, ast.BinOp) and isinstance(term.op, ast.Add):
                terms[:0] = [term.left, term.right]
            elif isinstance(term, (ast.List, ast.Tuple, ast.Set)):
                elements = [item.value if isinstance(item, ast.Starred) else item for item in term.elts]
                terms[:0] = [element for element in elements if not isinstance(element, ast.Constant)]
                names += [storable(str(element.value)) for element in elements if isinstance(element, ast.Constant)]
            elif dotted(term).endswith(".__all__") and not isinstance(term, ast.Call):
                names.append(f"{self._module}.{dotted(term).removesuffix('__all__')}*")
            else:
                return None
        return names


def _is_all(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"
