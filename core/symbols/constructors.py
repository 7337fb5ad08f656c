"""How a class is called when its own body does not say: inherited constructors, fields of bases, enumerations."""

from __future__ import annotations

import builtins
from dataclasses import replace

from docutune.records import Parameter, Symbol
from docutune.signatures import renamed, render
from docutune.symbols.linking import Names

_CONSTRUCTORS = ("__init__", "__new__")
_NEUTRAL = frozenset({"object", "ABC", "Generic", "Protocol"})
_ENUMERATIONS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})


def constructed(names: Names, symbol: Symbol) -> Symbol:
    """The class with the signature of the constructor that Python would use; other symbols as they are."""
    if symbol.kind != "class" or _has_own(names, symbol.name):
        return symbol
    last = symbol.name.rpartition(".")[2]
    for name in names.ancestors(symbol.name):
        base = names.symbols[name]
        if _has_own(names, name):
            signature = renamed(base.signature, name.rpartition(".")[2], last)
            return replace(symbol, parameters=base.parameters, signature=signature)
        if base.parameters:
            return _from_fields(names, symbol, last)
    return replace(symbol, signature=f"{last}({_foreign(names, symbol.name)})")


def _has_own(names: Names, name: str) -> bool:
    return any(f"{name}.{method}" in names.symbols for method in _CONSTRUCTORS)


def _from_fields(names: Names, symbol: Symbol, last: str) -> Symbol:
    """Fields of the bases come first; a field declared again keeps its place. Keyword-only ones go to the end."""
    found: dict[str, Parameter] = {}
    for name in reversed(names.ancestors(symbol.name)):
        if not _has_own(names, name):
            found.update((parameter.name, parameter) for parameter in names.symbols[name].parameters)
    ordered = sorted(found.values(), key=lambda parameter: parameter.kind == "keyword-only")
    return replace(symbol, parameters=tuple(ordered), signature=render(last, ordered))


def _foreign(names: Names, name: str) -> str:
    """What stands between the parentheses when a class of another library decides."""
    written = [base for ancestor in names.ancestors(name) for base, known in names.bases(ancestor) if known is None]
    lasts = {base.rpartition(".")[2] for base in written} - _NEUTRAL
    if lasts & _ENUMERATIONS:
        return "value"
    if any(_is_exception(last) for last in lasts):
        return "*args"
    return "..." if lasts else ""


def _is_exception(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)
