"""The symbol table: what all parsed files say of the library, linked, read-only."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from docutune.records import JsonValue, Parsed, Section, Symbol
from docutune.signatures import renamed
from docutune.symbols.constructors import constructed
from docutune.symbols.linking import Names
from docutune.symbols.stubs import merged
from docutune.symbols.visibility import public_names

_PACKAGE = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\.(?=[A-Za-z_])")


class SymbolTable:
    """Sections and symbols of a library; a contracts.Library. A public symbol bears its best public name."""

    def __init__(self, sections: Sequence[Section], names: Names, public: Mapping[str, Sequence[str]]) -> None:
        self._sections = tuple(sections)
        self._names = names
        self._public = public
        self._shown = {
            name: _named(self._based(constructed(names, symbol), name), public[name][0] if name in public else name)
            for name, symbol in names.symbols.items()
        }
        self._ordered = sorted((self._shown[name] for name in public), key=lambda symbol: symbol.name)
        self._choices = [symbol.name.lower() for symbol in self._ordered]
        self._lasts = [name.rpartition(".")[2] for name in self._choices]
        self._inside = self._index()

    def sections(self) -> Iterator[Section]:
        """Every section, in order of source and line."""
        return iter(self._sections)

    def public(self) -> Iterator[Symbol]:
        """Every public symbol once, under its shortest public name, in order of that name."""
        return iter(self._ordered)

    def symbols(self) -> Iterator[Symbol]:
        """Every symbol, public or not, in order of its name."""
        return iter(sorted(self._shown.values(), key=lambda symbol: (symbol.name, symbol.span.source)))

    def find(self, name: str) -> Symbol | None:
        """The symbol of that full name, through aliases and inheritance, public or not."""
        found = self._names.resolve(name)
        return self._shown[found] if found else None

    def knows(self, name: str) -> bool:
        """Whether the sources give the name to anything, be it to something of another library that they import."""
        return self._names.knows(name)

    def nearest(self, name: str, limit: int = 3) -> Sequence[Symbol]:
        """Public symbols whose names are closest to `name`, best first; a bare name is compared with last parts."""
        from rapidfuzz import fuzz, process  # 41 modules: only for those who ask

        choices = self._choices if "." in name else self._lasts
        found = process.extract(name.lower(), choices, scorer=fuzz.ratio, limit=limit)
        return [self._ordered[index] for _, _, index in found]

    def members(self, name: str) -> Sequence[Symbol]:
        """The public symbols directly inside a module or class, inherited ones of a class included, by name."""
        found = self._names.resolve(name)
        if found is None:
            return []
        homes = self._names.ancestors(found) if self._shown[found].kind == "class" else (found,)
        inside = {item for home in homes for item in self._inside.get(home, {}).items()}
        targets = {target for last, target in inside if self._names.resolve(f"{found}.{last}") == target}
        return sorted((self._shown[target] for target in targets), key=lambda symbol: symbol.name)

    def aliases(self, name: str) -> list[str]:
        """The other names of a symbol: its further public names, and the one it was defined under."""
        found = self._names.resolve(name)
        if found is None:
            return []
        return sorted({found, *self._public.get(found, ())} - {self._shown[found].name})

    def is_public(self, name: str) -> bool:
        """True when the name stands for a public symbol."""
        return self._names.resolve(name) in self._public

    def _based(self, symbol: Symbol, name: str) -> Symbol:
        """The class with full names for those of its bases that the library has; foreign ones stay as written."""
        if not symbol.bases:
            return symbol
        pairs = self._names.bases(name)
        bases = tuple(self._public.get(found, [found])[0] if found else written for written, found in pairs)
        return replace(symbol, bases=bases)

    def _index(self) -> dict[str, dict[str, str]]:
        """Definition of a module or class -> last part -> definition of the public member."""
        inside: dict[str, dict[str, str]] = defaultdict(dict)
        for target in sorted(self._public):
            for public in self._public[target]:
                owner, _, last = public.rpartition(".")
                home = self._names.resolve(owner) if owner else None
                if home:
                    inside[home][last] = target
        return inside


def link(parsed: Iterable[Parsed]) -> SymbolTable:
    """One table of all files. The result does not depend on the order in which the files come."""
    files = sorted(parsed, key=_order)
    sections = sorted(
        (section for file in files for section in file.sections),
        key=lambda section: (section.span.source, section.span.first_line),
    )
    names = merged(files)
    return SymbolTable(sections, names, public_names(names, _mentions(sections)))


def _mentions(sections: Iterable[Section]) -> Counter[str]:
    """How often the documents write a name that starts with this package: "attrs.define" counts for "attrs"."""
    return Counter(match for section in sections for match in _PACKAGE.findall(section.text))


def api_json(table: SymbolTable) -> JsonValue:
    """The table as it is written to api.json, every symbol in order of its name."""
    return {"symbols": [_entry(table, symbol) for symbol in table.symbols()]}


def _entry(table: SymbolTable, symbol: Symbol) -> JsonValue:
    return {
        "name": symbol.name,
        "kind": symbol.kind,
        "signature": symbol.signature,
        "docstring": symbol.docstring,
        "public": table.is_public(symbol.name),
        "source": symbol.span.source,
        "first_line": symbol.span.first_line,
        "last_line": symbol.span.last_line,
        "aliases": list[JsonValue](table.aliases(symbol.name)),
    }


def _named(symbol: Symbol, name: str) -> Symbol:
    if name == symbol.name:
        return symbol
    if symbol.kind == "module":
        return replace(symbol, name=name, signature=name)
    old, new = symbol.name.rpartition(".")[2], name.rpartition(".")[2]
    return replace(symbol, name=name, signature=renamed(symbol.signature, old, new))


def _order(file: Parsed) -> tuple[str, str]:
    first: list[Symbol | Section] = [*file.symbols[:1], *file.sections[:1]]
    return (first[0].span.source, repr(first[0])) if first else ("", "")
