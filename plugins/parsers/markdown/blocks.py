"""Top-level blocks of a document with the lines that they take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_ROLE = re.compile(r"\{[\w:.+-]+\}$")
_ATTRIBUTES = re.compile(r"\s*\{[:#.][^{}]*\}$")
_COMMENT = re.compile(r"\s*(<!--.*?-->\s*)+", re.DOTALL)
_SILENT = frozenset({"front_matter", "myst_target", "myst_line_comment", "myst_block_break", "hr"})


@dataclass(frozen=True, slots=True)
class Block:
    """One top-level block: `first` to before `end`, indexes of lines. Headings have a level from 1 and a title."""

    kind: str
    first: int
    end: int
    level: int = 0
    title: str = ""
    says_something: bool = True


class Inline:
    """Plain text of inline Markdown: links and emphasis lose their marks, code keeps its backticks when asked."""

    def __init__(self, parser: MarkdownIt, env: dict[str, Any]) -> None:
        self._parser = parser
        self._env = env

    def plain(self, content: str, code_mark: str = "") -> str:
        """The text in one line; `code_mark` is put around code."""
        tokens: list[Token] = []
        self._parser.inline.parse(content, self._parser, self._env, tokens)
        return " ".join("".join(_pieces(tokens, code_mark)).split())


def _pieces(tokens: Sequence[Token], code_mark: str) -> Iterator[str]:
    for index, token in enumerate(tokens):
        before_code = index + 1 < len(tokens) and tokens[index + 1].type == "code_inline"
        if token.type == "code_inline":
            yield f"{code_mark}{token.content}{code_mark}"
        elif token.type in ("softbreak", "hardbreak"):
            yield " "
        elif token.type == "text" and before_code:
            yield _ROLE.sub("", token.content)
        elif token.type in ("text", "text_special", "image"):
            yield token.content


def top_level(tokens: Sequence[Token], inline: Inline) -> list[Block]:
    """The blocks in order of their lines; a block without lines of its own takes those of its children."""
    blocks, group, depth = [], [], 0
    for token in tokens:
        group.append(token)
        depth += token.nesting
        if depth == 0:
            block = _block(group, inline)
            if block:
                blocks.append(block)
            group = []
    return sorted(blocks, key=lambda block: (block.first, block.end))


def _block(group: Sequence[Token], inline: Inline) -> Block | None:
    spans = [token.map for token in group if token.map]
    if not spans:
        return None
    head = group[0]
    first, end = min(span[0] for span in spans), max(span[1] for span in spans)
    if head.type == "heading_open":
        title = _ATTRIBUTES.sub("", inline.plain(group[1].content))
        return Block("heading", first, end, int(head.tag[1:]), title, False)
    comment = head.type == "html_block" and _COMMENT.fullmatch(head.content)
    return Block(head.type, first, end, says_something=head.type not in _SILENT and not comment)
