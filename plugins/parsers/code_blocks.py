"""Code blocks in docstrings and reStructuredText: fences, directives, literal blocks, doctests, "Example:" sections."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docutune.plugins.parsers.code import identify, looks_like_python
from docutune.plugins.parsers.text import last_sentence

_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*\{?([\w+#.:-]*)")
_DIRECTIVE = re.compile(r"\s*\.\. ([\w:.-]+)::(?:\s+(\S+))?")
_OPTION = re.compile(r"\s*:[\w-]+:")
_EXAMPLE_HEADING = re.compile(r"\s*(?:[\w ]* )?(?:[Ee]xamples?|[Uu]sage)(?: usage)?:\s*$")
_CODE_DIRECTIVES = frozenset({"code-block", "code", "sourcecode", "testcode", "doctest", "ipython", "parsed-literal"})
_PASSED_OVER = frozenset({"testsetup", "testcleanup", "testoutput", "click:run", "productionlist", "math", "graphviz"})


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Code without its marks; `first` and `last` are indexes of lines, inclusive."""

    code: str
    language: str
    first: int
    last: int
    lead: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """A block, or None where nothing is shown, and the line to go on from."""

    block: CodeBlock | None
    next: int


def find(lines: Sequence[str]) -> list[CodeBlock]:
    """Every code block, in order. A text that only resembles one yields nothing."""
    blocks: list[CodeBlock] = []
    index = floor = 0
    while index < len(lines):
        found = next((hit for look in _LOOKS if (hit := look(lines, index))), None)
        if found is None:
            index += 1
            continue
        if found.block and found.block.code.strip():
            blocks.append(_with_lead(found.block, lines, index, floor))
        index = floor = found.next
    return blocks


def _with_lead(block: CodeBlock, lines: Sequence[str], start: int, floor: int) -> CodeBlock:
    literal = lines[start].rstrip().endswith("::") and not _DIRECTIVE.match(lines[start])
    lead = _paragraph(lines, start + 1 if literal else start, floor)
    lead = "" if lead.lstrip().startswith("..") else re.sub(r"\s*::$", ":", lead)
    return CodeBlock(block.code, block.language, block.first, block.last, last_sentence(lead).lstrip(": "))


def _paragraph(lines: Sequence[str], end: int, floor: int) -> str:
    """The paragraph that ends above line `end`, not reaching above `floor`, where the previous block ended."""
    while end > floor and not lines[end - 1].strip():
        end -= 1
    start = end
    while start > floor and lines[start - 1].strip():
        start -= 1
    return "\n".join(lines[start:end])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _body(lines: Sequence[str], head: int) -> tuple[int, int]:
    """The lines below `head` that are indented deeper: first and end index, blank ends trimmed."""
    depth, end = _indent(lines[head]), head + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > depth):
        end += 1
    first = head + 1
    while first < end and not lines[first].strip():
        first += 1
    while end > first and not lines[end - 1].strip():
        end -= 1
    return first, end


def _block(lines: Sequence[str], first: int, end: int, language: str) -> CodeBlock:
    code, language = identify(textwrap.dedent("\n".join(lines[first:end])), language)
    return CodeBlock(code, language, first, end - 1)


def _fence(lines: Sequence[str], index: int) -> _Found | None:
    opening = _FENCE.match(lines[index])
    if not opening:
        return None
    mark, end = opening[1], index + 1
    while end < len(lines) and not (lines[end].strip().startswith(mark) and not lines[end].strip().strip(mark[0])):
        end += 1
    return _Found(_block(lines, index + 1, end, opening[2]) if end > index + 1 else None, min(end + 1, len(lines)))


def _doctest(lines: Sequence[str], index: int) -> _Found | None:
    """A session runs on over blank lines when another prompt follows: later lines need what earlier ones defined."""
    if not lines[index].lstrip().startswith(">>>"):
        return None
    end = index
    while end < len(lines) and lines[end].strip():
        while end < len(lines) and lines[end].strip():
            end += 1
        following = end
        while following < len(lines) and not lines[following].strip():
            following += 1
        if following < len(lines) and lines[following].lstrip().startswith(">>>"):
            end = following
    return _Found(_block(lines, index, end, "pycon"), end)


def _directive(lines: Sequence[str], index: int) -> _Found | None:
    match = _DIRECTIVE.match(lines[index])
    if not match:
        return None
    name, argument = match[1], match[2] or ""
    first, end = _body(lines, index)
    if name in _PASSED_OVER:
        return _Found(None, max(end, index + 1))
    while first < end and (_OPTION.match(lines[first]) or not lines[first].strip()):
        first += 1
    if name in _CODE_DIRECTIVES and first < end:
        return _Found(_block(lines, first, end, argument or _default_language(name)), end)
    if name.endswith("example") and first < end and looks_like_python(textwrap.dedent("\n".join(lines[first:end]))):
        return _Found(_block(lines, first, end, "python"), end)
    return None


def _default_language(directive: str) -> str:
    return {"testcode": "python", "doctest": "pycon", "ipython": "python"}.get(directive, "")


def _literal(lines: Sequence[str], index: int) -> _Found | None:
    """A paragraph that ends in `::`, or an "Example:" heading over something that is code."""
    literal = lines[index].rstrip().endswith("::") and not lines[index].lstrip().startswith("..")
    if not literal and not _EXAMPLE_HEADING.match(lines[index]):
        return None
    first, end = _body(lines, index)
    code = textwrap.dedent("\n".join(lines[first:end]))
    marked = code.lstrip().startswith((">>>", "```", "~~~", ".. "))
    if first >= end or marked or not (literal or looks_like_python(code)):
        return None
    return _Found(_block(lines, first, end, "python" if looks_like_python(code) else ""), end)


_LOOKS: tuple[Callable[[Sequence[str], int], _Found | None], ...] = (_fence, _doctest, _directive, _literal)
