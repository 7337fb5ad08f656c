"""An answer as it is written: plain text, or on a terminal Markdown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import dropwhile, pairwise

import click
from markdown_it import MarkdownIt
from rich.console import Console
from rich.markdown import Markdown
from rich.segment import Segment, SegmentLines

from docutune.cli.chat.visible import visible

_SHORT = 2_000  # characters: a longer block, which takes a while to draw, is drawn line by line
_UP, _CLEAR = "\x1b[1A", "\r\x1b[J"  # a line up; erase from the line's begin to the screen's end (ECMA-48, 8.3)
_MARKDOWN = MarkdownIt().enable("table")
Line = list[Segment]


@contextmanager
def writing() -> Iterator[Callable[[str], None]]:
    """What takes the pieces of one answer and shows them on standard output, until the block ends, however it does."""
    console = Console(highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        try:
            yield _plain
        finally:
            click.echo()
        return
    page = Page(console)
    try:
        yield page.add
    finally:
        page.end()


def _plain(piece: str) -> None:
    click.echo(visible(piece), nl=False)
    sys.stdout.flush()


class Page:
    """The blocks that are whole stand above on the terminal for good; the one that is being written is drawn anew."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = ""
        self._has_printed = False
        self._drawn = 0  # lines of the open block on the screen

    def add(self, piece: str) -> None:
        """One piece more."""
        self._open += visible(piece)
        whole: list[str] = []
        if "\n" in piece:
            *whole, self._open = _blocks(self._open)
        if "\n" in piece or len(self._open) < _SHORT:
            self._draw(whole)

    def end(self) -> None:
        """All of it is whole."""
        whole, self._open = _blocks(self._open), ""
        self._draw(whole)

    def _draw(self, whole: Sequence[str]) -> None:
        """Put what is whole in the place of the open block, and what is open now below it; one write, so no flicker."""
        text = f"\r{_UP * (self._drawn - 1)}{_CLEAR}" if self._drawn else ""
        for block in whole:
            lines = self._lines(block)
            text += self._text(lines)
            self._has_printed = self._has_printed or bool(lines)
        rest = self._lines(self._open)[1 - self._console.height :]
        text += self._text(rest).removesuffix("\n")
        self._drawn = len(rest)
        self._console.file.write(text)
        self._console.file.flush()

    def _lines(self, block: str) -> list[Line]:
        """A block as lines, a blank one before it where something stands above."""
        if not block.strip():
            return []
        lines = self._console.render_lines(Markdown(block, hyperlinks=False), pad=False)
        bare = _trimmed(_trimmed(lines)[::-1])[::-1]
        return [[Segment("")], *bare] if self._has_printed else bare

    def _text(self, lines: Sequence[Line]) -> str:
        with self._console.capture() as captured:
            self._console.print(SegmentLines(lines, new_lines=True), end="")
        return captured.get()


def _trimmed(lines: Sequence[Line]) -> list[Line]:
    """Without the blank lines at the head; the coloured ones of a code block are none."""
    return list(dropwhile(_is_blank, lines))


def _is_blank(line: Line) -> bool:
    return all(not part.text.strip() and (part.style is None or part.style.bgcolor is None) for part in line)


def _blocks(text: str) -> list[str]:
    """Markdown cut between its blocks; the last one may still grow, the others never do (CommonMark 0.31, 3 to 5)."""
    starts = [token.map[0] for token in _MARKDOWN.parse(text) if token.level == 0 and token.map]
    lines = text.splitlines(keepends=True)
    cuts = [0, *starts[1:], len(lines)]
    return ["".join(lines[begin:end]) for begin, end in pairwise(cuts)]
