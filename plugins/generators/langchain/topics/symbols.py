"""Documented public symbols that can be called, and names like theirs that the library does not have."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from docutune.grounding import is_invented
from docutune.plugins.generators.langchain.asking import Stated
from docutune.plugins.generators.langchain.material import symbol_text
from docutune.plugins.generators.langchain.mentions import named
from docutune.plugins.generators.langchain.topics.topic import Topic, packages_of
from docutune.records import Example, Parameter, Symbol

if TYPE_CHECKING:
    from docutune.contracts import Library
    from docutune.plugins.generators.langchain.plugin import Config
    from docutune.plugins.generators.langchain.topics.survey import Survey

_CALLABLE = frozenset(("function", "method", "class", "staticmethod", "classmethod"))
_STARS = {"var-positional": "*", "var-keyword": "**"}
_OF_FUNCTIONS = ("{}_all", "{}_many", "{}_async", "{}_or_none", "{}_batch", "get_{}", "try_{}", "async_{}", "make_{}")
_OF_CLASSES = ("Async{}", "Base{}", "Simple{}", "{}Manager", "{}Factory", "{}Builder", "{}Options", "Default{}")


@dataclass(frozen=True, slots=True)
class SymbolPlace:
    """A symbol and what is asked about it."""

    symbol: Symbol
    topic: Topic


def known_symbols(library: Library, config: Config) -> Iterator[SymbolPlace]:
    """Public functions, methods and classes with a docstring."""
    shown = _shown(library)
    for symbol in library.public():
        if symbol.kind in _CALLABLE and symbol.docstring.strip() and not _last(symbol.name).startswith("_"):
            yield SymbolPlace(symbol, _topic(symbol, shown.get(symbol.name, []), library, config.max_context_chars))


def symbols(survey: Survey) -> Iterator[Topic]:
    """Each public function, method and class with a docstring."""
    yield from (place.topic for place in survey.symbols)


def with_parameters(survey: Survey) -> Iterator[Topic]:
    """Those of them that take something, and say what."""
    for place in survey.symbols:
        if place.topic.parameters and "..." not in place.symbol.signature.partition("(")[2][:4]:
            yield place.topic


def absent(survey: Survey) -> Iterator[Topic]:
    """For each of them a name that looks like it and that the library certainly lacks; what exists is the subject."""
    taken: set[str] = set()
    for place in survey.symbols:
        for wrong in _alike(place.symbol):
            if wrong not in taken and _is_near(wrong, place.symbol, survey.library):
                taken.add(wrong)
                yield replace(place.topic, absent=wrong)
                break


def _topic(symbol: Symbol, examples: list[Example], library: Library, limit: int) -> Topic:
    text = cache(partial(symbol_text, symbol, library, examples, limit=limit))
    shown = [*symbol.examples, *examples]
    others = tuple(name for name in named(text("en"), shown, library, _homes(symbol.name)) if name != symbol.name)
    parameters = tuple(_stated(item) for item in symbol.parameters if item.name not in ("self", "cls"))
    packages = packages_of([symbol.name])
    return Topic(symbol.name, symbol.span, text, others, packages, symbol.language, parameters)


def _stated(parameter: Parameter) -> Stated:
    return Stated(_STARS.get(parameter.kind, "") + parameter.name.lstrip("*"), parameter.default)


def _alike(symbol: Symbol) -> list[str]:
    """Names beside the symbol's, in an order that only its own name decides."""
    owner, _, name = symbol.name.rpartition(".")
    forms = _OF_CLASSES if name[:1].isupper() else _OF_FUNCTIONS
    made = [f"{owner}.{form.format(name)}" for form in forms]
    return sorted(made, key=lambda wrong: hashlib.sha256(wrong.encode()).digest())


def _is_near(wrong: str, meant: Symbol, library: Library) -> bool:
    """Whether nothing bears that name, and whoever wrote it meant this symbol."""
    nearest = library.nearest(wrong, 1)
    return is_invented(wrong, library) and bool(nearest) and nearest[0].name == meant.name


def _shown(library: Library) -> Mapping[str, list[Example]]:
    """Full name -> the examples of the documents that use it, the shortest first."""
    found: dict[str, list[Example]] = defaultdict(list)
    for section in library.sections():
        for example in section.examples:
            for name in named("", [example], library):
                found[name].append(example)
    return {name: sorted(examples, key=lambda item: (len(item.code), item.code)) for name, examples in found.items()}


def _homes(name: str) -> tuple[str, ...]:
    """The modules and classes around a symbol, the nearest first; the symbol itself before them."""
    homes = [name]
    while "." in homes[-1]:
        homes.append(homes[-1].rpartition(".")[0])
    return tuple(homes)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
