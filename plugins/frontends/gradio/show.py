"""Pieces of HTML that tabs put on the page; every text in them is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from docutune.plugins.frontends.gradio.words import Words


def good(text: str) -> str:
    """A line that says that something was done."""
    return _box("good", "status", text)


def bad(message: str, hint: str | None = None) -> str:
    """What went wrong, and what to do about it."""
    return _box("bad", "alert", message, hint)


def to_do(text: str) -> str:
    """What to do next, where there is nothing to show yet."""
    return _box("to-do", "note", text)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: Iterable[int] = ()) -> str:
    """A table; `numbers` are the columns set to the right."""
    right = set(numbers)

    def cells(tag: str, row: Sequence[object]) -> str:
        return "".join(
            f"<{tag}{' class=number' if place in right else ''}>{escape(_shown(cell))}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = f"<thead><tr>{cells('th', heads)}</tr></thead>"
    return f'<div class="scroll"><table class="plain">{head}<tbody>{body}</tbody></table></div>'


def heading(text: str) -> str:
    """A heading inside of a tab."""
    return f"<h3>{escape(text)}</h3>"


def folded(title: str, inside: str) -> str:
    """A part that is opened by a click; `inside` is HTML."""
    return f'<details class="folded"><summary>{escape(title)}</summary>{inside}</details>'


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Figures side by side, each above its name."""
    parts = "".join(f"<div><b>{escape(_shown(value))}</b><span>{escape(name)}</span></div>" for name, value in pairs)
    return f'<div class="facts">{parts}</div>'


def bar(done: int | None, total: int | None) -> str:
    """How far a step is; without a total it moves by itself."""
    if done is None or not total:
        return '<progress class="bar"></progress>'
    return f'<progress class="bar" value="{min(done, total)}" max="{total}"></progress>'


def link(address: str, text: str) -> str:
    """A link that opens in a tab of its own."""
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{escape(text)}</a>'


def text(text: str) -> str:
    """Plain text with its line ends."""
    return _lines(text)


def card(head: str, parts: Iterable[tuple[str, str]]) -> str:
    """Texts as they stand, each below who says it or what it is."""
    said = "".join(
        f'<div class="said"><span>{escape(name)}</span><div>{escape(content)}</div></div>' for name, content in parts
    )
    return f'<div class="card"><b>{escape(head)}</b>{said}</div>'


def download(file: Path, name: str) -> str:
    """A link to a file below exports/ of the workspace."""
    address = f"gradio_api/file={quote(str(file.resolve()))}"
    return f'<a href="{escape(address)}" download="{escape(file.name)}">{escape(name)}</a>'


def size(count: int) -> str:
    """Bytes as people read them: "512 bytes", "3.4 MiB"."""
    for unit, bytes_ in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if count >= bytes_:
            return f"{count / bytes_:.1f} {unit}"
    return f"{count:,} B"


def duration(seconds: float, words: Words) -> str:
    """Seconds as people read them: "8 s", "3 min 5 s", "2 h 10 min"; "3 分 5 秒"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    if not minutes:
        return words("seconds", seconds=rest)
    return words("hours", hours=hours, minutes=left) if hours else words("minutes", minutes=minutes, seconds=rest)


def _box(kind: str, role: str, message: str, hint: str | None = None) -> str:
    told = f"<br><span>{_lines(hint)}</span>" if hint else ""
    return f'<div class="box {kind}" role="{role}">{_lines(message)}{told}</div>'


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _shown(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)
