"""Constructors that are not written: dataclasses, attrs classes, named tuples and pydantic models."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import replace

from docutune.plugins.parsers.python.callables import dotted, last_names
from docutune.plugins.parsers.python.source import Source
from docutune.records import Parameter

_DECORATORS = frozenset({"dataclass", "define", "frozen", "mutable", "attrs", "attributes", "s"})
_STRIP_UNDERSCORES = _DECORATORS - {"dataclass"}  # attrs names the parameter of a field `_x` x
_BASES = frozenset({"NamedTuple", "BaseModel", "Struct"})
_FIELD_CALLS = frozenset({"field", "Field", "attrib", "ib"})


def has_fields(node: ast.ClassDef) -> bool:
    """True when the class's annotated names make its constructor."""
    bases = {dotted(base).rpartition(".")[2] for base in node.bases}
    return bool(last_names(node.decorator_list) & _DECORATORS or bases & _BASES)


def constructor_fields(node: ast.ClassDef, statements: Iterable[ast.stmt], file: Source) -> tuple[Parameter, ...]:
    """The parameters that the fields of the class's own body make."""
    keyword_only = any(dotted(base).endswith("BaseModel") for base in node.bases)
    keyword_only = keyword_only or any(_option(decorator, "kw_only") == "True" for decorator in node.decorator_list)
    found = _fields(statements, keyword_only, file)
    if last_names(node.decorator_list) & _STRIP_UNDERSCORES:
        return tuple(replace(parameter, name=parameter.name.lstrip("_")) for parameter in found)
    return tuple(found)


def _fields(statements: Iterable[ast.stmt], keyword_only: bool, file: Source) -> Iterator[Parameter]:
    target: ast.expr
    for statement in statements:
        if isinstance(statement, ast.AnnAssign):
            target, annotation = statement.target, file.segment(statement.annotation)
        elif isinstance(statement, ast.Assign) and _is_field(statement.value):
            target, annotation = statement.targets[0], ""
        else:
            continue
        value = statement.value
        if annotation.endswith("KW_ONLY"):
            keyword_only = True
        elif isinstance(target, ast.Name) and "ClassVar" not in annotation and _option(value, "init") != "False":
            only = keyword_only or _option(value, "kw_only") == "True"
            yield Parameter(target.id, "keyword-only" if only else "positional", annotation, _default(value, file))


def _is_field(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and dotted(value).rpartition(".")[2] in _FIELD_CALLS


def _default(value: ast.expr | None, file: Source) -> str:
    if not isinstance(value, ast.Call) or not _is_field(value):
        return file.segment(value)
    for argument in value.keywords:
        if argument.arg == "default":
            return file.segment(argument.value)
        if argument.arg in ("default_factory", "factory"):
            return f"{file.segment(argument.value)}()"
    return file.segment(value.args[0]) if value.args else ""


def _option(call: ast.expr | None, name: str) -> str:
    """The constant given for a keyword of a call, as text; "" where there is none."""
    if not isinstance(call, ast.Call):
        return ""
    values = (argument.value for argument in call.keywords if argument.arg == name)
    return next((str(value.value) for value in values if isinstance(value, ast.Constant)), "")
