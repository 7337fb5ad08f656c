"""Functions and methods: parameters, signature, kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from docutune.plugins.parsers.python.source import Source
from docutune.records import Parameter
from docutune.signatures import render

Function = ast.FunctionDef | ast.AsyncFunctionDef


def dotted(node: ast.expr) -> str:
    """The dotted name that an expression spells, else ""; calls and subscripts stand for what they apply to."""
    parts: list[str] = []
    while True:
        if isinstance(node, (ast.Call, ast.Subscript)):
            node = node.func if isinstance(node, ast.Call) else node.value
        elif isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        else:
            break
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def last_names(decorators: Sequence[ast.expr]) -> set[str]:
    """The last part of each decorator's name: {"overload"} for `@typing.overload`."""
    return {dotted(decorator).rpartition(".")[2] for decorator in decorators}


def kind_of(node: Function, in_class: bool) -> str:
    """function, method or property."""
    if not in_class:
        return "function"
    return "property" if any(name.endswith("property") for name in last_names(node.decorator_list)) else "method"


def parameters_of(node: Function, in_class: bool, file: Source) -> tuple[Parameter, ...]:
    """The parameters that a caller passes: `self` and `cls` are not among them."""
    found = list(_parameters(node.args, file))
    bound = in_class and "staticmethod" not in last_names(node.decorator_list)
    if bound and found and found[0].kind in ("positional", "positional-only"):
        del found[0]
    return tuple(found)


def signature_of(node: Function, kind: str, parameters: Sequence[Parameter], file: Source) -> str:
    """One line: "async fetch(url: str) -> Reply"; a property reads like an attribute: "name: str"."""
    returns = file.segment(node.returns)
    if kind == "property":
        return f"{node.name}: {returns}" if returns else node.name
    prefix = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    return prefix + render(node.name, parameters, returns)


def _parameters(arguments: ast.arguments, file: Source) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    for index, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        annotation, value = file.segment(argument.annotation), file.segment(default)
        if index < len(arguments.posonlyargs):
            yield Parameter(argument.arg, "positional-only", annotation, value)
        else:
            yield Parameter(argument.arg, "positional", annotation, value)
    if arguments.vararg:
        yield Parameter(arguments.vararg.arg, "var-positional", file.segment(arguments.vararg.annotation))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(argument.arg, "keyword-only", file.segment(argument.annotation), file.segment(default))
    if arguments.kwarg:
        yield Parameter(arguments.kwarg.arg, "var-keyword", file.segment(arguments.kwarg.annotation))
