"""An answer as it is written: plain text, or on a terminal Markdown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from markdown_it import MarkdownIt
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from docutune.cli.chat.visible import visible

_PER_SECOND = 12
_MARKDOWN = MarkdownIt().enable("table")


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
    page = _Page(console)
    with Live(page, console=console, refresh_per_second=_PER_SECOND, transient=True, vertical_overflow="crop"):
        try:
            yield page.add
        finally:
            page.end()


def _plain(piece: str) -> None:
    click.echo(visible(piece), nl=False)
    sys.stdout.flush()


class _Page:
    """The blocks that are whole stand above on the terminal for good; the one that is being written is drawn anew."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = ""

    def add(self, piece: str) -> None:
        """One piece more."""
        self._open += visible(piece)
        if "\n" in piece:
            whole, self._open = _whole_blocks(self._open)
            self._print(whole)

    def end(self) -> None:
        """All of it is whole."""
        whole, self._open = self._open, ""
        self._print(whole)

    def _print(self, text: str) -> None:
        if text.strip():
            self._console.print(Markdown(text, hyperlinks=False))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The last lines of the open block, as many as the terminal shows."""
        lines = console.render_lines(Markdown(self._open, hyperlinks=False), options.update(height=None), pad=False)
        for line in lines[-max(1, console.height - 1) :]:
            yield from line
            yield Segment.line()


def _whole_blocks(text: str) -> tuple[str, str]:
    """Markdown up to its last block, which may still grow, and that block (CommonMark 0.31, 4 and 5)."""
    starts = [token.map[0] for token in _MARKDOWN.parse(text) if token.level == 0 and token.map]
    lines = text.splitlines(keepends=True)
    first = starts[-1] if starts else 0
    return "".join(lines[:first]), "".join(lines[first:])
