"""Markdown to sections: one per heading, longer ones cut between top-level blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from docutune.plugins.parsers.markdown.blocks import Block, Inline, top_level
from docutune.plugins.parsers.markdown.dialect import block_parser
from docutune.plugins.parsers.markdown.examples import examples
from docutune.plugins.parsers.text import decode, split_lines, storable
from docutune.records import Example, Parsed, Section, Span

if TYPE_CHECKING:
    from markdown_it.token import Token

    from docutune.plugins.parsers.markdown.plugin import Config


@dataclass(frozen=True, slots=True)
class _Part:
    """The blocks under one heading, with the line before which they end."""

    heading: tuple[str, ...]
    blocks: tuple[Block, ...]
    end: int


class Markdown:
    """Reads one Markdown document. A section's text is its lines, unchanged, joined by line feeds."""

    def __init__(self, config: Config) -> None:
        self._limit = config.max_section_chars
        self._parser = block_parser()

    def parse(self, content: bytes, source: str) -> Parsed:
        """Sections with the code shown in them. Headings without any text below them are no sections."""
        text, problems = decode(content)
        lines = split_lines(text)
        env: dict[str, Any] = {}
        tokens = self._parser.parse("\n".join(lines), env)
        title, more_problems = _front_title(tokens)
        blocks = top_level(tokens, Inline(self._parser, env))
        shown = examples(tokens, self._parser, source)
        sections = [
            _section(part.heading, lines, first, end, shown, source)
            for part in _parts(blocks, title, len(lines))
            for first, end in self._cuts(part, lines)
        ]
        return Parsed(tuple(sections), problems=problems + more_problems)

    def _cuts(self, part: _Part, lines: Sequence[str]) -> Iterator[tuple[int, int]]:
        """First line and end of each piece; a heading stays with the block below it."""
        if not any(block.says_something for block in part.blocks):
            return
        start = part.blocks[0].first
        spoken = False
        for block in part.blocks:
            if spoken and _length(lines, start, block.end) > self._limit:
                yield start, block.first
                start, spoken = block.first, False
            spoken = spoken or block.says_something
        yield start, part.end


def _length(lines: Sequence[str], first: int, end: int) -> int:
    return sum(len(line) + 1 for line in lines[first:end]) - 1


def _front_title(tokens: Sequence[Token]) -> tuple[str, tuple[str, ...]]:
    """The title in the front matter, "" where there is none, and a problem where it is no YAML."""
    if not tokens or tokens[0].type != "front_matter":
        return "", ()
    try:
        values = yaml.safe_load(tokens[0].content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        return "", (f"line {line}: the front matter is not valid YAML: {getattr(error, 'problem', None) or error}",)
    title = values.get("title") if isinstance(values, dict) else None
    return (storable(str(title)).strip(), ()) if isinstance(title, (str, int, float)) else ("", ())


def _parts(blocks: Sequence[Block], front_title: str, line_count: int) -> Iterator[_Part]:
    """Split at headings. What stands before the first one belongs to the document as a whole, so to its title."""
    first_title = next((block.title for block in blocks if block.level == 1), "")
    root = front_title if front_title and not first_title else ""
    document = front_title or first_title
    path: list[tuple[int, str]] = []
    heading: tuple[str, ...] = (document,) if document else ()
    members: list[Block] = []
    for block in blocks:
        if block.kind == "front_matter":
            continue
        if block.level:
            yield _Part(heading, tuple(members), block.first)
            path = [(level, title) for level, title in path if level < block.level] + [(block.level, block.title)]
            heading = tuple(title for title in (root, *(title for _, title in path)) if title)
            members = []
        members.append(block)
    yield _Part(heading, tuple(members), line_count)


def _section(
    heading: tuple[str, ...], lines: Sequence[str], first: int, end: int, shown: Sequence[Example], source: str
) -> Section:
    while end > first + 1 and not lines[end - 1].strip():
        end -= 1
    span = Span(source, first + 1, end)
    inside = tuple(example for example in shown if first < example.span.first_line <= end)
    return Section("section", heading, "\n".join(lines[first:end]), span, inside)
