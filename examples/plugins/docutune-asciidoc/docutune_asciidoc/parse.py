"""AsciiDoc to sections: one per heading, longer ones cut between blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docutune.records import Example, Parsed, Section, Span
from docutune_asciidoc.blocks import Block, Scanner
from docutune_asciidoc.lines import read

if TYPE_CHECKING:
    from docutune_asciidoc.plugin import Config

_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class _Part:
    """The blocks under one heading, that heading first."""

    heading: tuple[str, ...]
    blocks: tuple[Block, ...]


class AsciiDoc:
    """Reads one AsciiDoc document. A section's text is Markdown, which is what generators read."""

    def __init__(self, config: Config) -> None:
        self._limit = config.max_section_chars
        self._attributes = dict(config.attributes)

    def parse(self, content: bytes, source: str) -> Parsed:
        """Sections with the code shown in them. Headings without any text below them are no sections."""
        document = read(content, self._attributes)
        blocks = Scanner(document.lines, document.attributes.get("source-language", "")).blocks()
        sections = [
            _section(part.heading, piece, source) for part in _parts(blocks) for piece in self._pieces(part.blocks)
        ]
        return Parsed(tuple(sections), problems=document.problems)

    def _pieces(self, blocks: Sequence[Block]) -> Iterator[tuple[Block, ...]]:
        """Cut before the block that would make a piece too long; a heading stays with the block below it."""
        if not any(block.says_something for block in blocks):
            return
        piece: list[Block] = []
        length, spoken = 0, False
        for block in blocks:
            if spoken and length + len(_written(block)) > self._limit:
                yield tuple(piece)
                piece, length, spoken = [], 0, False
            piece.append(block)
            length += len(_written(block)) + len(_GAP)
            spoken = spoken or block.says_something
        yield tuple(piece)


def _parts(blocks: Sequence[Block]) -> Iterator[_Part]:
    """Split at headings. A first heading of level 1 is the document's title; a later one is a part of the document."""
    title = blocks[0].text if blocks and blocks[0].level == 1 else ""
    path: list[tuple[int, str]] = []
    heading: tuple[str, ...] = ()
    members: list[Block] = []
    for index, block in enumerate(blocks):
        if block.level:
            yield _Part(heading, tuple(members))
            members = []
            level = 0 if title and index == 0 else block.level
            path = [(outer, text) for outer, text in path if outer < level] + [(level, block.text)]
            heading = tuple(text for _, text in path if text)
        members.append(block)
    yield _Part(heading, tuple(members))


def _section(heading: tuple[str, ...], blocks: Sequence[Block], source: str) -> Section:
    examples = tuple(
        Example(found.code, found.language, Span(source, found.first, found.last), found.lead)
        for block in blocks
        for found in block.code
    )
    span = Span(source, blocks[0].first, blocks[-1].last)
    return Section("section", heading, _text(blocks), span, examples)


def _text(blocks: Sequence[Block]) -> str:
    return _GAP.join(map(_written, blocks))


def _written(block: Block) -> str:
    return f"{'#' * block.level} {block.text}" if block.level else block.text
