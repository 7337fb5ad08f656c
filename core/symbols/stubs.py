"""One definition per name: a stub's annotations joined with the docstring of the module that it describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from docutune.records import Alias, Parsed, Symbol
from docutune.signatures import render
from docutune.symbols.linking import Names

_CALLABLE = frozenset({"class", "function", "method"})


def merged(files: Sequence[Parsed]) -> Names:
    """The names of all files. A stub beside its module adds to the module's definitions, wherever those really stand.

    A stub often defines what its module only re-exports; a second definition would hide the documented one.
    """
    modules = {file.symbols[0].name for file in files if file.symbols and not _is_stub(file)}
    stubs = [file for file in files if file.symbols and _is_stub(file) and file.symbols[0].name in modules]
    others = [file for file in files if file not in stubs] if stubs else list(files)
    definitions: dict[str, Symbol] = {}
    for symbol in (symbol for file in others for symbol in file.symbols):
        known = definitions.get(symbol.name)
        definitions[symbol.name] = join(known, symbol) if known else symbol
    aliases = [alias for file in others for alias in file.aliases]
    if not stubs:
        return Names(definitions, aliases)
    _add_stubs(definitions, Names(dict(definitions), aliases), stubs)
    return Names(definitions, [*aliases, *_new_aliases(stubs, {alias.name for alias in aliases}, definitions)])


def join(known: Symbol, other: Symbol) -> Symbol:
    """Two descriptions of one thing: the documented one leads, what it lacks comes from the other."""
    first, second = (other, known) if other.docstring and not known.docstring else (known, other)
    if first.exports is None and second.exports is not None:
        first = replace(first, exports=second.exports)
    return _annotated(first, second) if {first.kind, second.kind} <= _CALLABLE else first


def _annotated(symbol: Symbol, stub: Symbol) -> Symbol:
    """A callable without annotations takes those of its stub; it keeps its defaults, where stubs say "...".

    One overload's annotations would say less than is true, so they are not taken.
    """
    overloaded = any(decorator.rpartition(".")[2] == "overload" for decorator in stub.decorators)
    if overloaded or _returned(symbol) or any(f"{item.name}: " in symbol.signature for item in symbol.parameters):
        return symbol
    known = {parameter.name: parameter.annotation for parameter in stub.parameters}
    parameters = tuple(replace(item, annotation=known.get(item.name) or item.annotation) for item in symbol.parameters)
    prefix = "async " if symbol.signature.startswith("async ") else ""
    signature = prefix + render(symbol.name.rpartition(".")[2], parameters, _returned(stub))
    return replace(symbol, parameters=parameters, signature=signature)


def _returned(symbol: Symbol) -> str:
    """The return annotation of a signature."""
    _, arrow, annotation = symbol.signature.rpartition(") -> ")
    return annotation if arrow else ""


def _is_stub(file: Parsed) -> bool:
    return file.symbols[0].span.source.endswith(".pyi")


def _add_stubs(definitions: dict[str, Symbol], names: Names, stubs: Sequence[Parsed]) -> None:
    symbols = [symbol for file in stubs for symbol in file.symbols]
    for symbol in sorted(symbols, key=lambda item: item.name.count(".")):
        owner, _, last = symbol.name.rpartition(".")
        home = names.resolve(owner) or owner
        real = names.resolve(symbol.name) or f"{home}.{last}".lstrip(".")
        known = definitions.get(real)
        definitions[real] = join(known, symbol) if known else replace(symbol, name=real)


def _new_aliases(stubs: Sequence[Parsed], known: set[str], definitions: Mapping[str, Symbol]) -> list[Alias]:
    """What stubs add to their modules. What a stub imports for its annotations is none of the module's names.

    A module with `__getattr__` may load at run time what only its stub imports.
    """
    found: list[Alias] = []
    for file in stubs:
        module = file.symbols[0]
        loads = f"{module.name}.__getattr__" in definitions
        for alias in file.aliases:
            owner, _, last = alias.name.rpartition(".")
            offered = owner != module.name or loads or last == "*" or last in (module.exports or ())
            if offered and alias.name not in known:
                found.append(alias)
    return found
