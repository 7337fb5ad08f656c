"""Walks a module's statements and collects its symbols and aliases."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from docutune.plugins.parsers.python import attributes, callables, docstrings, fields
from docutune.plugins.parsers.python.attributes import Assignment
from docutune.plugins.parsers.python.callables import Function
from docutune.plugins.parsers.python.docstrings import Docstring, Item
from docutune.plugins.parsers.python.imports import Exports, import_aliases
from docutune.plugins.parsers.python.source import Source
from docutune.plugins.parsers.python.statements import flattened
from docutune.records import Alias, Parameter, Span, Symbol
from docutune.signatures import render

_ACCESSORS = frozenset({"setter", "deleter", "getter"})


@dataclass(frozen=True, slots=True)
class Found:
    """What a module holds; the module itself is the first symbol."""

    symbols: tuple[Symbol, ...]
    aliases: tuple[Alias, ...]
    problems: tuple[str, ...]


def collect(tree: ast.Module, file: Source) -> Found:
    """Everything that the module defines, down to methods and attributes; local functions are nobody's API."""
    collector = _Collector(file)
    docstring = collector.docstring(tree.body)
    statements = list(flattened(tree.body))
    exports = Exports(file.module)
    for statement in statements:
        exports.read(statement)
    collector.body(statements, file.module, None, docstring)
    module = Symbol(
        file.module,
        "python",
        "module",
        file.module,
        docstring.text,
        Span(file.path, 1, len(file.lines)),
        summary=docstring.summary,
        examples=docstring.examples,
        exports=exports.names,
    )
    return Found((module, *collector.symbols.values()), tuple(collector.aliases.values()), tuple(collector.problems))


class _Collector:
    def __init__(self, file: Source) -> None:
        self._file = file
        self.symbols: dict[str, Symbol] = {}
        self.aliases: dict[tuple[str, str], Alias] = {}
        self.problems: list[str] = []
        self._ranks: dict[str, int] = {}
        self._bound: set[str] = set()

    def docstring(self, body: Sequence[ast.stmt]) -> Docstring:
        found = docstrings.read(body, self._file)
        if found.problem:
            self.problems.append(found.problem)
        return found

    def body(self, statements: Sequence[ast.stmt], scope: str, owner: ast.ClassDef | None, doc: Docstring) -> None:
        for index, statement in enumerate(statements):
            if isinstance(statement, Function):
                self._function(statement, scope, owner is not None)
            elif isinstance(statement, ast.ClassDef):
                self._class(statement, scope)
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                for alias in import_aliases(statement, scope, self._file):
                    self._alias(alias)
            else:
                for assignment in attributes.assignments(statement, self._file):
                    self._assignment(assignment, scope, statements[index + 1 : index + 2], doc.attributes)

    def _alias(self, alias: Alias) -> None:
        self.aliases[alias.name, alias.target] = alias
        self._bound.add(alias.name)

    def _keep(self, symbol: Symbol, rank: int) -> None:
        """Of several definitions an implementation goes before overloads, then one with a docstring, then the first."""
        known = self.symbols.get(symbol.name)
        if known is None:
            self.symbols[symbol.name], self._ranks[symbol.name] = symbol, rank
            return
        order = (self._ranks[symbol.name], bool(known.docstring))
        winner, other = (symbol, known) if (rank, bool(symbol.docstring)) > order else (known, symbol)
        if not winner.docstring and rank == self._ranks[symbol.name] != 1:
            winner = _documented_like(winner, other)
        self.symbols[symbol.name], self._ranks[symbol.name] = winner, max(rank, self._ranks[symbol.name])

    def _function(self, node: Function, scope: str, in_class: bool) -> None:
        names = callables.last_names(node.decorator_list)
        if names & _ACCESSORS:
            return
        doc = self.docstring(node.body)
        kind = callables.kind_of(node, in_class)
        parameters = callables.parameters_of(node, in_class, self._file)
        symbol = Symbol(
            f"{scope}.{node.name}",
            "python",
            kind,
            callables.signature_of(node, kind, parameters, self._file),
            doc.text,
            self._span(node),
            summary=doc.summary,
            parameters=docstrings.describe(parameters, doc),
            returns=doc.returns,
            examples=doc.examples,
            decorators=self._decorators(node),
        )
        self._bound.add(symbol.name)
        self._keep(symbol, 0 if "overload" in names else 2)

    def _class(self, node: ast.ClassDef, scope: str) -> None:
        name = f"{scope}.{node.name}"
        doc = self.docstring(node.body)
        statements = list(flattened(node.body))
        constructor = _constructor(statements)
        parameters = self._constructor_parameters(node, constructor, statements)
        symbol = Symbol(
            name,
            "python",
            "class",
            render(node.name, parameters),
            doc.text,
            self._span(node),
            bases=tuple(base for base in map(callables.dotted, node.bases) if base),
            summary=doc.summary,
            parameters=docstrings.describe(parameters, doc, self._constructor_docstring(constructor)),
            examples=doc.examples,
            decorators=self._decorators(node),
        )
        self._bound.add(name)
        self._keep(symbol, 2)
        self.body(statements, name, node, doc)
        if constructor is not None and constructor.name == "__init__":
            self._instance_attributes(constructor, name, parameters, doc)

    def _constructor_docstring(self, constructor: Function | None) -> Docstring:
        return docstrings.read(constructor.body, self._file) if constructor else Docstring()

    def _constructor_parameters(
        self, node: ast.ClassDef, constructor: Function | None, statements: Sequence[ast.stmt]
    ) -> tuple[Parameter, ...]:
        if constructor is not None:
            return callables.parameters_of(constructor, True, self._file)
        return fields.constructor_fields(node, statements, self._file) if fields.has_fields(node) else ()

    def _instance_attributes(
        self, constructor: Function, scope: str, parameters: Sequence[Parameter], doc: Docstring
    ) -> None:
        """Names set on the instance in the constructor; a parameter that is stored lends its annotation."""
        arguments = [*constructor.args.posonlyargs, *constructor.args.args]
        this = arguments[0].arg if arguments else ""
        annotations = {parameter.name: parameter.annotation for parameter in parameters}
        statements = list(flattened(constructor.body))
        for index, statement in enumerate(statements):
            for found in attributes.assignments(statement, self._file):
                if found.owner != this or not this:
                    continue
                stored = attributes.plain_name(found.value)
                annotation = found.annotation or annotations.get(stored, "")
                shown = replace(found, owner="", annotation=annotation, value=None)
                self._attribute(shown, scope, statements[index + 1 : index + 2], doc.attributes)

    def _assignment(
        self, found: Assignment, scope: str, following: Sequence[ast.stmt], documented: Mapping[str, Item]
    ) -> None:
        if found.owner:
            return
        target = "" if found.annotation else attributes.plain_name(found.value)
        if f"{scope}.{target.partition('.')[0]}" in self._bound:
            self._alias(Alias(f"{scope}.{found.name}", f"{scope}.{target}"))
            return
        self._attribute(found, scope, following, documented)

    def _attribute(
        self, found: Assignment, scope: str, following: Sequence[ast.stmt], documented: Mapping[str, Item]
    ) -> None:
        doc = self.docstring(following)
        text = doc.text or attributes.comment(found.node, self._file)
        item = documented.get(found.name)
        text = text or (item.description if item else "")
        annotation = found.annotation or (item.annotation if item else "")
        symbol = Symbol(
            f"{scope}.{found.name}",
            "python",
            "constant" if found.name.isupper() else "attribute",
            attributes.signature_of(found, annotation, self._file),
            text,
            Span(self._file.path, found.node.lineno, found.node.end_lineno or found.node.lineno),
            summary=docstrings.summary(text),
            examples=doc.examples,
        )
        self._keep(symbol, 1)

    def _decorators(self, node: Function | ast.ClassDef) -> tuple[str, ...]:
        return tuple(self._file.segment(decorator) for decorator in node.decorator_list)

    def _span(self, node: Function | ast.ClassDef) -> Span:
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        return Span(self._file.path, first, node.end_lineno or node.lineno)


def _constructor(statements: Sequence[ast.stmt]) -> Function | None:
    """`__init__`, else `__new__`; of overloads the implementation, which comes last."""
    functions = [statement for statement in statements if isinstance(statement, Function)]
    for name in ("__init__", "__new__"):
        named = [function for function in functions if function.name == name]
        if named:
            real = [item for item in named if "overload" not in callables.last_names(item.decorator_list)]
            return (real or named)[0]
    return None


def _documented_like(symbol: Symbol, other: Symbol) -> Symbol:
    return replace(symbol, docstring=other.docstring, summary=other.summary, examples=other.examples)
