"""How symbols are called: real examples from docstrings and from the documentation."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from docutune.contracts import Library
from docutune.plugins.generators.grounded.completing import completed, home_of
from docutune.plugins.generators.grounded.fact import Fact
from docutune.plugins.generators.grounded.inline import plain
from docutune.plugins.generators.grounded.names import in_code, short, undefined
from docutune.records import Example, Symbol

_PYTHON = {"python", "py", "python3", "pycon", "doctest", ""}
_POINTS_BACK = re.compile(
    r"\b(?:its?|this|these|those|they|them|such|above|below|previous|same|however|now|also|instead|then|so|but|another|"
    r"again|finally|rest|both|either)\b|[这此那它]|上[面述文]|同样|另外|但是|然后",
    re.IGNORECASE,
)
_LEAD_CHARS = 200
_IDEAL_CHARS = 400


@dataclass(frozen=True, slots=True)
class Shown:
    """An example, the full names that it uses, each as written, and how many names it takes from somewhere else."""

    example: Example
    names: Mapping[str, str]
    undefined: int = 0


def shown_in_sections(library: Library) -> tuple[Shown, ...]:
    """The Python examples of all sections that use the library, in the order of the sources."""
    found = (
        Shown(example, in_code(example.code, library), undefined(example.code, library))
        for section in library.sections()
        for example in section.examples
        if example.language.lower() in _PYTHON
    )
    return tuple(item for item in found if item.names)


def usage_facts(symbols: Iterable[Symbol], examples: Iterable[Shown], library: Library, limit: int) -> Iterator[Fact]:
    """One fact per symbol that has an example of at most `limit` characters: the docstring's, else the clearest."""
    by_name: Mapping[str, list[Shown]] = _by_name(examples)
    for symbol in symbols:
        if symbol.kind == "module" or short(symbol.name).startswith("_"):
            continue
        own = [
            Shown(example, {symbol.name: symbol.name})
            for example in symbol.examples
            if example.language.lower() in _PYTHON
        ]
        fitting = [item for item in own or by_name.get(symbol.name, []) if _size(item.example) <= limit]
        if fitting:
            yield _fact(symbol, min(fitting, key=_unclear), library)


def _by_name(examples: Iterable[Shown]) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = defaultdict(list)
    for item in examples:
        for name in item.names:
            found[name].append(item)
    return found


def _size(example: Example) -> int:
    return len(example.code) + len(example.lead) + 20


def _unclear(shown: Shown) -> tuple[int, int, int, int, str]:
    """Smaller is better: nothing undefined, not too long, few other names, more than one line."""
    code = shown.example.code
    return shown.undefined, len(code) // _IDEAL_CHARS, len(shown.names), 0 if "\n" in code else 1, code


def _fact(symbol: Symbol, shown: Shown, library: Library) -> Fact:
    example = shown.example
    home = "" if example in symbol.examples else home_of(shown.names)
    spelled = shown.names[symbol.name]
    lead = _lead(example.lead, symbol) if spelled == symbol.name else ""
    slots = {
        "name": symbol.name,
        "lead": lead,
        "unannounced": symbol.name if spelled == symbol.name and not lead else "",
        "spelled": spelled if spelled != symbol.name else "",
        "language": "python",
        "code": completed(example.code.strip("\n"), library, home),
    }
    names = (symbol.name, *(name for name in shown.names if name != symbol.name))
    return Fact(f"usage:{symbol.name}", "usage", "usage", slots, symbol.name, (example.span,), names)


def _lead(text: str, symbol: Symbol) -> str:
    """The sentence before the example, where it speaks of the symbol and is understood without what stands above."""
    text = plain(text)
    if text.endswith("::"):
        text = text[:-1]
    whole = text.endswith((":", ".", "：", "。")) and 20 <= len(text) <= _LEAD_CHARS
    return text if whole and short(symbol.name) in text and not _POINTS_BACK.search(text) else ""
