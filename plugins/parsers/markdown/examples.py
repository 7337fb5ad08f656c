"""Code shown in a Markdown document, wherever it stands: in lists, admonitions, directives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from docutune.plugins.parsers.code import identify
from docutune.plugins.parsers.code_blocks import find
from docutune.plugins.parsers.markdown.blocks import Inline
from docutune.plugins.parsers.text import last_sentence, split_lines
from docutune.records import Example, Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_DIRECTIVE = re.compile(r"\{\s*([\w:+-]+)\s*\}\s*(\S*)")
_ATTRIBUTES = re.compile(r"\{\s*\.([\w+#-]+)")
_WORD = re.compile(r"[^\s{,]*")
_OPTION = re.compile(r":[\w-]+:.*")
_CODE = frozenset({"code-block", "code", "code-cell", "sourcecode", "testcode", "doctest"})
_NOT_MARKDOWN = frozenset({"math", "mermaid", "toctree", "literalinclude", "include", "csv-table", "testsetup"})
_MAX_DEPTH = 8
_LEAD_CHARS = 2000  # inline text is slow to parse when it is hostile, and the last sentence is near its end


def examples(tokens: Sequence[Token], parser: MarkdownIt, source: str) -> list[Example]:
    """Every code block in order; its span takes in the fence."""
    return list(_walk(tokens, parser, source, 0, 0))


def _walk(tokens: Sequence[Token], parser: MarkdownIt, source: str, offset: int, depth: int) -> Iterator[Example]:
    for index, token in enumerate(tokens):
        if token.map is None or token.type not in ("fence", "code_block", "colon_fence"):
            continue
        directive = _DIRECTIVE.match(token.info.strip())
        name = directive[1] if directive else ""
        if token.type == "colon_fence" and not directive:
            name = "note"
        if name == "eval-rst":
            yield from _restructured(token, source, offset, _lead(tokens, index, parser))
        elif name in _CODE or not name:
            example = _example(token, directive, source, offset, _lead(tokens, index, parser))
            if example.code.strip():
                yield example
        elif name not in _NOT_MARKDOWN and depth < _MAX_DEPTH:
            body = offset + token.map[0] + 1
            yield from _walk(parser.parse(token.content, {}), parser, source, body, depth + 1)


def _restructured(token: Token, source: str, offset: int, lead: str) -> Iterator[Example]:
    """`lead` is the sentence above the directive: it introduces code that stands first inside."""
    first = offset + (token.map or [0])[0] + 2
    for index, block in enumerate(find(split_lines(token.content))):
        span = Span(source, first + block.first, first + block.last)
        yield Example(block.code, block.language, span, block.lead or (lead if index == 0 else ""))


def _example(token: Token, directive: re.Match[str] | None, source: str, offset: int, lead: str) -> Example:
    first, end = token.map or (0, 0)
    text = token.content
    if directive:
        text = _without_options(text)
        language = directive[2] or {"testcode": "python", "doctest": "pycon"}.get(directive[1], "")
    else:
        language = _language(token.info)
    code, language = identify(text, language)
    return Example(code, language, Span(source, offset + first + 1, offset + _trimmed(token, end)), lead)


def _trimmed(token: Token, end: int) -> int:
    """An indented code block's lines reach over the blank lines below it; a fence's do not."""
    if token.type != "code_block":
        return end
    return (token.map or [0])[0] + len(token.content.rstrip("\n").split("\n"))


def _language(info: str) -> str:
    attributes = _ATTRIBUTES.match(info.strip())
    if attributes:
        return attributes[1]
    word = _WORD.match(info.strip())
    return word[0] if word else ""


def _without_options(text: str) -> str:
    """A directive's body without its options, which stand first: `:name: value` lines or a block between `---`."""
    lines = text.split("\n")
    if lines and lines[0].strip() == "---" and "---" in (line.strip() for line in lines[1:]):
        closing = next(index for index, line in enumerate(lines[1:], 1) if line.strip() == "---")
        return "\n".join(lines[closing + 1 :])
    first = 0
    while first < len(lines) and _OPTION.match(lines[first].strip()):
        first += 1
    return "\n".join(lines[first:])


def _lead(tokens: Sequence[Token], index: int, parser: MarkdownIt) -> str:
    """The last sentence of the paragraph right above."""
    if index < 2 or tokens[index - 1].type != "paragraph_close":
        return ""
    return last_sentence(Inline(parser, {}).plain(tokens[index - 2].content[-_LEAD_CHARS:], "`"))
