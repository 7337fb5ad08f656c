"""Names that look right and do not exist, made from real ones, each with the real name that was probably meant."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence

from docutune.contracts import Library
from docutune.plugins.generators.grounded.blocks import sentences
from docutune.plugins.generators.grounded.fact import Fact
from docutune.plugins.generators.grounded.names import short
from docutune.plugins.generators.grounded.symbol_facts import summary
from docutune.records import Symbol

_SUFFIXES = ("all", "async", "many", "one", "list", "info", "by_name", "or_none")
_PREFIXES = ("get", "make", "create", "set", "async", "fetch", "new", "do")
_CLASS_AFFIXES = ("Base", "Async", "Simple", "Default", "Custom")
_KINDS = ("class", "function", "method")


def negative_facts(symbols: Sequence[Symbol], library: Library) -> Iterator[Fact]:
    """One name that the library lacks for each documented class, function and method whose siblings are all known."""
    taken: set[str] = set()
    words = _words(symbols)
    for symbol in symbols:
        text = summary(symbol)
        if symbol.kind not in _KINDS or not text or not _knows_siblings(symbol, library):
            continue
        for wrong in _mutations(symbol, words):
            if wrong not in taken and _certainly_absent(wrong, symbol, library):
                taken.add(wrong)
                yield _fact(wrong, symbol, text)
                break


def _fact(wrong: str, meant: Symbol, text: str) -> Fact:
    slots = {"wrong": wrong, "name": meant.name, "summary": sentences(text)[0]}
    return Fact(f"negative:{wrong}", "negative", "negative", slots, f"no {meant.name}", (meant.span,), (meant.name,))


def _certainly_absent(wrong: str, meant: Symbol, library: Library) -> bool:
    if library.knows(wrong):
        return False
    nearest = library.nearest(wrong, 1)
    return bool(nearest) and nearest[0].name == meant.name


def _knows_siblings(symbol: Symbol, library: Library) -> bool:
    """Whether everything beside the symbol is known: it stands in a module, or in a class without foreign bases."""
    owner = library.find(symbol.name.rpartition(".")[0])
    if owner is None:
        return False
    return owner.kind == "module" or all(library.find(base) is not None or base == "object" for base in owner.bases)


def _words(symbols: Sequence[Symbol]) -> dict[bool, list[str]]:
    """Last words of the library's own names, of classes (True) and of the others: they make the best mutations."""
    found: dict[bool, set[str]] = defaultdict(set)
    for symbol in symbols:
        name = short(symbol.name)
        if symbol.kind in _KINDS and "_" in name.strip("_") and not _is_class_like(name):
            found[False].add(name.rpartition("_")[2])
        elif _is_class_like(name):
            found[True].add(_camel(name)[-1])
    return {kind: sorted(words) for kind, words in found.items()}


def _mutations(symbol: Symbol, words: dict[bool, list[str]]) -> Iterator[str]:
    """Wrong names in an order that only the right name decides."""
    owner, _, name = symbol.name.rpartition(".")
    made = _class_names(name, words.get(True, [])) if _is_class_like(name) else _names(name, words.get(False, []))
    unique = sorted(set(made) - {name}, key=lambda wrong: hashlib.sha256(f"{symbol.name} {wrong}".encode()).digest())
    yield from (f"{owner}.{wrong}" for wrong in unique)


def _names(name: str, words: Sequence[str]) -> Iterator[str]:
    head, _, last = name.rpartition("_")
    yield from (f"{name.rstrip('_')}_{suffix}" for suffix in _SUFFIXES)
    yield from (f"{prefix}_{name}" for prefix in _PREFIXES)
    yield name[:-1] if name.endswith("s") and len(name) > 3 else f"{name.rstrip('_')}s"
    if head and last:
        yield from (f"{head}_{word}" for word in words if word != last)
        yield f"{last}_{head}"


def _class_names(name: str, words: Sequence[str]) -> Iterator[str]:
    parts = _camel(name)
    yield from (f"{affix}{name}" for affix in _CLASS_AFFIXES)
    yield name[:-1] if name.endswith("s") and len(name) > 3 else f"{name}s"
    yield from ("".join([*parts[:-1], word]) for word in words if len(parts) > 1)
    yield from (f"{name}{word}" for word in words if word != parts[-1])


def _is_class_like(name: str) -> bool:
    return name[:1].isupper() and not name.isupper()


def _camel(name: str) -> list[str]:
    parts: list[str] = []
    for letter in name:
        if letter.isupper() or not parts:
            parts.append(letter)
        else:
            parts[-1] += letter
    return parts
