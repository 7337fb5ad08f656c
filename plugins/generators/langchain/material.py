"""What the sources say of a section or symbol, as Markdown of bounded length for the prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from docutune.contracts import Library
from docutune.records import Example, Symbol


@dataclass(frozen=True, slots=True)
class Labels:
    """The words between the parts."""

    symbol: str
    owner: str
    members: str
    examples: str


LABELS = {
    "en": Labels("Name", "It belongs to", "Public members:", "Examples from the documentation:"),
    "zh": Labels("名称", "所属", "公开成员：", "文档中的示例："),
}


def fitted(text: str, limit: int) -> str:
    """As many whole blocks of Markdown as fit into `limit` characters; a first block that is longer is cut."""
    if len(text) <= limit:
        return text
    kept = ""
    for block in _blocks(text):
        longer = f"{kept}\n\n{block}" if kept else block
        if len(longer) > limit:
            break
        kept = longer
    return kept or text[:limit]


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs and fenced blocks, in order; a fence with empty lines stays in one piece."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = line.lstrip()[:3]
        if fence:
            fence = "" if mark == fence else fence
        elif mark in ("```", "~~~"):
            fence = mark
        if not line.strip() and not fence:
            if lines:
                yield "\n".join(lines)
            lines = []
        else:
            lines.append(line)
    if lines:
        yield "\n".join(lines)


def symbol_text(symbol: Symbol, library: Library, examples: Iterable[Example], language: str, limit: int) -> str:
    """Name, signature and docstring; then, as far as they fit, the class it belongs to, members and examples."""
    labels = LABELS[language]
    text = f"{labels.symbol}: `{symbol.name}` ({symbol.kind})\n\n{fenced(symbol.signature, symbol.language)}"
    text = f"{text}\n\n{fitted(symbol.docstring.strip(), max(limit - len(text), 0))}".rstrip()
    for part in _further(symbol, library, examples, labels):
        if len(text) + len(part) + 2 <= limit:
            text = f"{text}\n\n{part}"
    return text


def _further(symbol: Symbol, library: Library, examples: Iterable[Example], labels: Labels) -> Iterator[str]:
    owner = library.find(symbol.name.rpartition(".")[0])
    if owner is not None and owner.kind == "class":
        yield f"{labels.owner}: `{owner.name}`\n\n{fenced(owner.signature, owner.language)}"
    if symbol.kind == "class" and (members := _members(symbol, library)):
        yield f"{labels.members}\n\n{fenced(chr(10).join(members), symbol.language)}"
    for number, example in enumerate(examples):
        shown = fenced(example.code.strip("\n"), example.language or symbol.language)
        lead = "\n\n".join(part for part in (labels.examples if number == 0 else "", example.lead) if part)
        yield f"{lead}\n\n{shown}" if lead else shown


def _members(symbol: Symbol, library: Library) -> Sequence[str]:
    shown = (member for member in library.members(symbol.name) if not member.name.rpartition(".")[2].startswith("_"))
    return [member.signature or member.name.rpartition(".")[2] for member in shown]


def fenced(code: str, language: str) -> str:
    """A code block whose marks do not occur in the code."""
    marks = "```"
    while marks in code:
        marks += "`"
    return f"{marks}{language}\n{code}\n{marks}"
