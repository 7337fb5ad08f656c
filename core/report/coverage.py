"""Of which public symbols do the documents speak, and of which the samples?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set

from docutune.contracts import Library
from docutune.corpus import Dataset, names
from docutune.records import Section, Symbol
from docutune.report.facts import Coverage, ModuleCoverage, Untold

_CODE = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)"  # a block, to its end or that of the text
    r"|(`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)\2(?!`)",  # inline code, within one paragraph
    re.M | re.S,
)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def coverage(library: Library, spoken_of: Iterable[Iterable[str]] | None) -> Coverage | None:
    """Counts by module; None when the library has no public symbol.

    `spoken_of` holds the symbols of each sample, None when there are no samples. A section mentions a symbol when it
    writes its full name, or, in code, the end of that name where it fits no other public symbol ("Command.main",
    "echo").
    """
    public = {symbol.name: symbol for symbol in library.public()}
    if not public:
        return None
    documented = _mentioned(library, public)
    told = None if spoken_of is None else _told(library, spoken_of, public)
    modules: dict[str, list[str]] = defaultdict(list)
    for name in public:
        modules[_module(name, public)].append(name)
    counted = (
        ModuleCoverage(
            module, len(inside), len(documented.intersection(inside)), len((told or set()).intersection(inside))
        )
        for module, inside in modules.items()
    )
    return Coverage(
        modules=tuple(sorted(counted, key=lambda module: (-module.symbols, module.module))),
        untold=None if told is None else tuple(sorted(_untold(public, told, documented), key=_documented_first)),
    )


def spoken_of(dataset: Dataset) -> Iterator[set[str]]:
    """The symbols of each sample that is trained or asked: those it declares, else the dotted names in its text."""
    for row in dataset.rows:
        if row.split is not None:
            yield set(row.made.sample.symbols) or names(row.made.sample)


def _untold(public: Mapping[str, Symbol], told: Set[str], documented: Set[str]) -> Iterator[Untold]:
    for name, symbol in public.items():
        if name not in told:
            yield Untold(name, symbol.kind, str(symbol.span), name in documented)


def _documented_first(symbol: Untold) -> tuple[bool, str]:
    return not symbol.in_documents, symbol.name


def _told(library: Library, spoken_of: Iterable[Iterable[str]], public: Mapping[str, Symbol]) -> set[str]:
    names = {name for sample in spoken_of for name in sample}
    return {found.name for name in names if (found := library.find(name))} & public.keys()


def _mentioned(library: Library, public: Mapping[str, Symbol]) -> set[str]:
    """The public symbols that any section mentions."""
    tails = _tails(public)
    in_prose: set[str] = set()
    in_code: set[str] = set()
    for section in library.sections():
        prose, code = _parts(section)
        in_prose.update(name for name in _NAME.findall(prose) if "." in name)
        in_code.update(_NAME.findall(code))
    full = {found.name for name in in_prose | in_code if (found := library.find(name))}
    return (full | {tails[name] for name in in_code & tails.keys()}) & public.keys()


def _parts(section: Section) -> tuple[str, str]:
    """The prose of a section, and its code."""
    text = section.text
    code = [match[0] for match in _CODE.finditer(text)]
    return _CODE.sub("\n", text), "\n".join([*code, *(example.code for example in section.examples)])


def _tails(public: Iterable[str]) -> dict[str, str]:
    """Ends of names -> the one public symbol that they fit."""
    fitting: dict[str, list[str]] = defaultdict(list)
    for name in public:
        parts = name.split(".")
        for start in range(1, len(parts)):
            fitting[".".join(parts[start:])].append(name)
    return {tail: names[0] for tail, names in fitting.items() if len(names) == 1}


def _module(name: str, public: Mapping[str, Symbol]) -> str:
    """The innermost public module around a symbol, or the first part of its name."""
    parts = name.split(".")
    inside = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((home for home in inside if home in public and public[home].kind == "module"), parts[0])
