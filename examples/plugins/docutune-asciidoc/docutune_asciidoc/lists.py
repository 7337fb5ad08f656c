"""Lists: items, what is attached to them, how deep they stand."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docutune_asciidoc.inline import markdown

_BULLET = re.compile(r"[ \t]*(\*{1,6}|-|\u2022|\.{1,6}|\d{1,3}\.|[a-zA-Z]\.|<(?:\d{1,3}|\.)>)[ \t]+(\S.*)")
_TERM = re.compile(r"[ \t]*([^\s:;][^:;\n]*(?:::?[^\s:;][^:;\n]*)*)(:{2,4}|;;)(?:[ \t]+(.*)|[ \t]*)")
_BOX = re.compile(r"\[[ xX*]\][ \t]+")


@dataclass(frozen=True, slots=True)
class Item:
    """One item: its marker (which says how deep it stands), a term where it has one, its text, attached blocks."""

    marker: str
    term: str
    text: str
    attached: tuple[str, ...] = ()

    @property
    def is_term(self) -> bool:
        """Whether it explains a term."""
        return bool(self.term)

    def with_line(self, line: str) -> Item:
        """The item with one more line of text."""
        return replace(self, text=f"{self.text}\n{line.strip()}" if self.text else line.strip())


def item(line: str) -> Item | None:
    """The item that begins in this line."""
    bullet = _BULLET.fullmatch(line)
    if bullet:
        return Item(_kind(bullet[1]), "", _BOX.sub("", bullet[2], count=1) if bullet[1] in "*-" else bullet[2])
    term = _TERM.fullmatch(line)
    return Item(term[2], term[1].strip(), (term[3] or "").strip()) if term else None


def render(items: Sequence[Item]) -> str:
    """The list in Markdown, nested by the order in which its markers first appear."""
    open_markers: list[str] = []
    counts: list[int] = []
    lines: list[str] = []
    for entry in items:
        if entry.marker in open_markers:
            del open_markers[open_markers.index(entry.marker) + 1 :]
        else:
            open_markers.append(entry.marker)
        depth = len(open_markers)
        counts = [*counts[:depth], *([0] * (depth - len(counts)))]
        counts[-1] += 1
        lines.append(textwrap.indent(_one(entry, counts[-1]), "   " * (depth - 1)))
    return "\n".join(lines)


def _one(entry: Item, number: int) -> str:
    prefix = f"{number}. " if entry.marker[0] in ".1a<" else "- "
    words = " ".join(markdown(entry.text).split())
    words = f"{markdown(entry.term)}: {words}" if entry.term else words
    parts = [words, *entry.attached]
    body = "\n\n".join(part for part in parts if part)
    return prefix + textwrap.indent(body, " " * len(prefix)).lstrip()


def _kind(marker: str) -> str:
    """`1.` and `2.` are one kind of marker, as are `a.` and `b.`, `<1>` and `<.>`."""
    if marker[0].isdigit():
        return "1."
    if marker[0] == "<":
        return "<"
    return "a." if marker[0].isalpha() else marker
