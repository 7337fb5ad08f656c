"""What a symbol's own source says of it: purpose, signature, parameters, returns, bases, members."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutune.contracts import Library
from docutune.plugins.generators.grounded.blocks import Block, blocks, fit_sentences, join_sentences, sentences
from docutune.plugins.generators.grounded.fact import Fact
from docutune.plugins.generators.grounded.inline import is_cjk, plain
from docutune.plugins.generators.grounded.names import package, short
from docutune.plugins.generators.grounded.verbs import imperative
from docutune.records import Parameter, Symbol

SUMMARY_CHARS = 400
_SUMMARY_SENTENCES = 2
_TASK_CHARS = 160
_PLAIN_BASES = {"object", "ABC", "abc.ABC", "Generic", "typing.Generic", "t.Generic", "Protocol", "typing.Protocol"}
_RETURNS = re.compile(r"\)\s*->\s*(.+)$", re.DOTALL)
_POINTER = re.compile(r"See (?:also )?\S+(?: \S+){0,3}\.?$")
_UNTELLING = re.compile(r"None|(?:\w+\.)?(?:Any|Self)|.*\b_\w+.*|[A-Z]\w?")
_PRIVATE = re.compile(r"(?:.*[^\w.])?(?:\w+\.)*_\w+.*|[A-Z]\w?", re.DOTALL)
_LEFTOVER = re.compile(r":\w[\w:+.-]*:`|`[^`]*\s<[^`<>]+>`_{0,2}")
_CALLABLE = {"function", "method", "class", "staticmethod", "classmethod"}


def symbol_facts(symbol: Symbol, library: Library, limit: int) -> Iterator[Fact]:
    """Every fact that the symbol's definition and docstring state; `limit` is the longest text in characters."""
    if short(symbol.name).startswith("_"):
        return
    yield from _purpose(symbol, limit)
    yield from _signature(symbol)
    yield from _parameters(symbol, limit)
    yield from _returns(symbol, limit)
    yield from _inheritance(symbol, library)
    yield from _members(symbol, library, limit)


def summary(symbol: Symbol, limit: int = SUMMARY_CHARS) -> str:
    """One or two sentences from the docstring's first paragraph in plain Markdown; "" when it says nothing."""
    paragraph = next((block for block in blocks(symbol.summary) if block.kind == "prose"), Block("prose", ""))
    text = join_sentences(sentences(_telling(paragraph.text, limit))[:_SUMMARY_SENTENCES])
    return _finished(text) if says_something(text) else ""


def says_something(text: str) -> bool:
    """Whether a text is more than a label: three words, or six characters of Chinese, not announcing what follows."""
    if text.endswith((":", "：", "...")):
        return False
    return len(text) >= 6 if is_cjk(text) else len(text) >= 15 and len(text.split()) >= 3


def _telling(paragraph: str, limit: int) -> str:
    """The sentences that fit, without those that only point elsewhere ("See the guide.")."""
    text = join_sentences(sentence for sentence in sentences(paragraph) if not _POINTER.match(sentence))
    return fit_sentences(text, min(limit, SUMMARY_CHARS))


def _finished(text: str) -> str:
    return text if re.search(r"[.!?。！？][)`*\"']*$", text) else text + ("。" if is_cjk(text[-2:]) else ".")


def _fact(symbol: Symbol, kind: str, form: str, slots: dict[str, str | list[str]], detail: str = "") -> Fact:
    key = ":".join(part for part in (kind, symbol.name, detail) if part)
    return Fact(key, kind, form, {"name": symbol.name, **slots}, symbol.name, (symbol.span,), (symbol.name,))


def _purpose(symbol: Symbol, limit: int) -> Iterator[Fact]:
    text = summary(symbol, limit)
    if not text:
        return
    yield _fact(symbol, "purpose", "purpose", {"summary": text})
    first = sentences(text)[0]
    told = first.rstrip(".。")
    if "." not in symbol.name or len(first) > _TASK_CHARS or _LEFTOVER.search(first):
        return
    slots: dict[str, str | list[str]] = {"package": package(symbol.name), "noun": symbol.kind, "summary": first}
    task = imperative(told) if symbol.kind != "class" and symbol.kind in _CALLABLE else ""
    if task:
        yield _fact(symbol, "lookup", "task", {**slots, "task": task})
    else:
        yield _fact(symbol, "lookup", "lookup", {**slots, "task": told})


def _signature(symbol: Symbol) -> Iterator[Fact]:
    """Callables by their signature; attributes by their declaration, unless its value was too long to be shown."""
    text = symbol.signature.strip()
    slots: dict[str, str | list[str]] = {"language": symbol.language, "signature": text}
    if symbol.kind in _CALLABLE and "(" in text:
        yield _fact(symbol, "signature", "signature", slots)
    elif symbol.kind != "module" and re.search(r"[:=]", text) and not text.endswith("..."):
        yield _fact(symbol, "signature", "declaration", {**slots, "noun": symbol.kind})


def _parameters(symbol: Symbol, limit: int) -> Iterator[Fact]:
    parameters = [item for item in symbol.parameters if item.name not in ("self", "cls")]
    named = [item for item in parameters if not item.kind.startswith("var-")]
    if named and len(parameters) > 1:
        yield _fact(symbol, "parameters", "parameters", {"parameters": [_shown(item) for item in parameters]})
    for item in parameters:
        described = _description(item.description, limit)
        if described:
            slots: dict[str, str | list[str]] = {"parameter": item.name, "description": described}
            default = "" if _mentions_default(described) else item.default
            yield _fact(symbol, "parameters", "parameter", {**slots, "default": default}, item.name)
    for item in named:
        if item.default not in ("", "None", "..."):
            slots = {"parameter": item.name, "default": item.default}
            yield _fact(symbol, "parameters", "default", slots, f"{item.name}:default")


def _shown(parameter: Parameter) -> str:
    stars = {"var-positional": "*", "var-keyword": "**"}.get(parameter.kind, "")
    return stars + parameter.name.lstrip("*")


def _mentions_default(text: str) -> bool:
    return "default" in text.lower() or "默认" in text


def _description(text: str, limit: int) -> str:
    paragraph = next((block.text for block in blocks(text) if block.kind == "prose"), "")
    fitted = _telling(paragraph, limit)
    return _finished(fitted) if says_something(fitted) else ""


def _returns(symbol: Symbol, limit: int) -> Iterator[Fact]:
    if symbol.kind == "class":
        return
    declared = _RETURNS.search(symbol.signature)
    kind = _unquoted(declared[1].strip()) if declared else ""
    described = plain(symbol.returns)
    if described == kind or not says_something(described):
        if kind and not _UNTELLING.fullmatch(kind):
            yield _fact(symbol, "returns", "returns", {"type": kind})
        return
    text = _description(symbol.returns, limit)
    if text:
        also = "" if _PRIVATE.fullmatch(kind) else kind
        yield _fact(symbol, "returns", "returns", {"description": text, "also": also})


def _unquoted(annotation: str) -> str:
    """A type without the quotes of names that are defined further down; those of literal values stay."""
    if re.search(r"\b(?:Literal|Annotated)\b", annotation):
        return annotation
    return re.sub(r"[\"']", "", annotation)


def _inheritance(symbol: Symbol, library: Library) -> Iterator[Fact]:
    """Bases by their public names; private ones and those that say nothing are left out."""
    names = []
    for base in symbol.bases:
        found = library.find(base)
        name = found.name if found else base
        if name not in _PLAIN_BASES and not any(part.startswith("_") for part in name.split(".")):
            names.append(name)
    if symbol.kind == "class" and names:
        yield _fact(symbol, "inheritance", "inheritance", {"bases": names})


def _members(symbol: Symbol, library: Library, limit: int) -> Iterator[Fact]:
    if symbol.kind not in ("class", "module"):
        return
    names = sorted(name for name in _offered(symbol, library) if not name.startswith("_"))
    shown: list[str] = []
    while len(shown) < len(names) and sum(len(name) + 4 for name in [*shown, names[len(shown)]]) <= min(limit, 400):
        shown.append(names[len(shown)])
    if len(shown) > 1:
        slot = "members" if len(shown) == len(names) else "some"
        yield _fact(symbol, "members", "members", {"noun": symbol.kind, slot: shown})


def _offered(symbol: Symbol, library: Library) -> set[str]:
    """The names under which a class or module has its members: those of `__all__`, and the members' own."""
    exported = {name for name in symbol.exports or () if library.find(f"{symbol.name}.{name}")}
    return exported | {short(member.name) for member in library.members(symbol.name) if _has(symbol, member, library)}


def _has(symbol: Symbol, member: Symbol, library: Library) -> bool:
    """Whether the member's own name is one that it has here too: `attributes` may stand for a member `attrs`."""
    return library.find(f"{symbol.name}.{short(member.name)}") == member
