"""Documentation text as blocks of readable Markdown, and as much of them as fits an answer."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from docutune.plugins.generators.grounded.inline import is_cjk, plain

_FENCE = re.compile(r"^(?P<indent>\s*)(?P<marks>`{3,}|~{3,}|:{3,})\s*(?P<info>.*)$")
_BRACED = re.compile(r"^\{(?P<name>[\w:+.-]+)\}\s*(?P<argument>.*)$")
_DIRECTIVE = re.compile(r"^(?P<indent>\s*)\.\.\s+(?P<name>[\w:+.-]+)::\s*(?P<argument>.*)$")
_IGNORED = re.compile(r"^\s*(?:\.\.(?:\s.*)?|\([\w .:+-]+\)=|%\s.*|\[[^\]]+\]:\s.*|:[\w -]+:\s.*|\+\+\+.*|\.\. _.*)$")
_FIELD = re.compile(r"^:(?:param|parameter|arg|argument|key|keyword|type|raises?|returns?|rtype|yields?|i?var|meta)\b")
_RULE = re.compile(r"^\s*(?:[-*_=~^\"'#]\s*){3,}$")
_HEADING = re.compile(r"^#{1,6}\s")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)]|#\.)\s+\S")
_OPTION = re.compile(r"^\s*:[\w-]+:(?:\s.*)?$")
_CODE_DIRECTIVES = {"code-block", "code", "sourcecode", "doctest", "code-cell", "click:example", "prompt", "console"}
_TEXT_DIRECTIVES = {
    "note", "tip", "hint", "important", "warning", "caution", "attention", "danger", "error", "admonition", "seealso",
    "eval-rst", "rst-class", "container", "topic", "dropdown", "tab-item", "tab-set", "grid", "card",
}  # fmt: skip
_ANNOUNCES = re.compile(
    r"(?:[:：]|\b(?:below|following|as follows|here (?:is|are))\b[^.!?:]*[.:]|(?:如下|下面|下表|以下)[^。：]*[。：])"
    r"[*_\s]*\Z",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?。！？…)][\"'`*_)\]”’]*\Z")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|cf|vs|approx|resp|incl|Dr|Mr|St|No|Fig)|\.\.)\.$")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]`*]*\s+(?=[A-Z\"'`(\[*\d])|(?<=[。！？])\s*(?!$)")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or piece of code, in Markdown."""

    kind: Literal["prose", "list", "table", "code"]
    text: str


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a text in Markdown, MyST or reStructuredText; directives that hold no prose or code are dropped."""
    text = re.sub(r"<!--.*?-->", "", text.expandtabs(4), flags=re.DOTALL)
    try:
        return tuple(_scan(textwrap.dedent(text).splitlines()))
    except RecursionError:  # lists or directives nested hundreds of times: nobody could read an answer made of them
        return ()


def fit(parts: Iterable[Block], limit: int) -> str:
    """The blocks that fit into `limit` characters, from the first on; a sentence that announces what was left out goes
    too. Empty when nothing fits.
    """
    taken: list[Block] = []
    room = limit
    for part in parts:
        if len(part.text) > room:
            if part.kind == "prose" and not taken:
                taken.append(Block("prose", fit_sentences(part.text, room)))
            break
        taken.append(part)
        room -= len(part.text) + 2
    while taken and taken[-1].kind == "prose" and _announces(taken[-1].text):
        paragraph = taken.pop().text
        taken += [Block("prose", rest)] if (rest := fit_sentences(paragraph, len(paragraph) - 1)) else []
    return "\n\n".join(part.text for part in taken)


def _announces(paragraph: str) -> bool:
    return bool(_ANNOUNCES.search(paragraph)) or not _ENDS.search(paragraph)


def fit_sentences(paragraph: str, limit: int) -> str:
    """The sentences from the first on that fit into `limit` characters."""
    fitting: list[str] = []
    for sentence in sentences(paragraph):
        if len(join_sentences([*fitting, sentence])) > limit:
            break
        fitting.append(sentence)
    return join_sentences(fitting)


def join_sentences(parts: Iterable[str]) -> str:
    """One paragraph; no space follows a Chinese sentence."""
    joined = ""
    for part in parts:
        joined += part if not joined or is_cjk(joined[-3:]) else f" {part}"
    return joined


def sentences(paragraph: str) -> tuple[str, ...]:
    """The sentences of a paragraph."""
    found: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(paragraph):
        sentence = paragraph[start : match.end()].rstrip()
        if _ABBREVIATION.search(sentence) or sentence.count("`") % 2:
            continue
        found.append(sentence)
        start = match.end()
    rest = paragraph[start:].strip()
    return (*found, rest) if rest else tuple(found)


def _scan(lines: list[str]) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        found, at = _next(lines, at)
        yield from found


def _next(lines: list[str], at: int) -> tuple[tuple[Block, ...], int]:
    """The blocks that begin at line `at`, and the line after them."""
    line = lines[at]
    if not line.strip() or _RULE.match(line) or _HEADING.match(line):
        return (), at + 1
    if fence := _FENCE.match(line):
        return _fenced(lines, at, fence)
    if directive := _DIRECTIVE.match(line):
        end = _indented(lines, at + 1, len(directive["indent"]))
        return _directive(directive["name"], directive["argument"], lines[at + 1 : end]), end
    if _FIELD.match(line) or _IGNORED.match(line):
        return (), _indented(lines, at + 1, len(line) - len(line.lstrip()))
    if line.startswith("    "):
        end = _indented(lines, at, 3)
        return _code(lines[at:end], ""), end
    if line.lstrip().startswith(">>> "):
        end = _until(lines, at, lambda text: not text.strip())
        return _code(lines[at:end], "pycon"), end
    return _text(lines, at)


def _text(lines: list[str], at: int) -> tuple[tuple[Block, ...], int]:
    if _ITEM.match(lines[at]):
        return _list(lines, at)
    if lines[at].lstrip().startswith("|"):
        end = _until(lines, at, lambda text: not text.lstrip().startswith("|"))
        return (Block("table", "\n".join(plain(row) for row in lines[at:end])),), end
    end = _until(lines, at + 1, _ends_paragraph)
    body = lines[at:end]
    if end < len(lines) and len(body) == 1 and _RULE.match(lines[end]):
        return (), end + 1
    paragraph = plain("\n".join(body)).removeprefix(": ")
    if paragraph.endswith("::"):
        after = _indented(lines, end, len(body[0]) - len(body[0].lstrip()))
        lead = (Block("prose", paragraph[:-1].rstrip()),) if paragraph != "::" else ()
        return lead + _code(lines[end:after], ""), after
    return ((Block("prose", paragraph),) if paragraph else ()), end


def _ends_paragraph(line: str) -> bool:
    return bool(
        not line.strip()
        or _FENCE.match(line)
        or _DIRECTIVE.match(line)
        or _FIELD.match(line)
        or _HEADING.match(line)
        or _RULE.match(line)
        or _ITEM.match(line)
    )


def _list(lines: list[str], at: int) -> tuple[tuple[Block, ...], int]:
    """A whole list: items, their continuation lines and the blank lines between them."""
    end, blank = at + 1, False
    while end < len(lines):
        line = lines[end]
        if not line.strip():
            blank = True
        elif _ITEM.match(line) or line.startswith((" ", "\t")):
            blank = False
        elif blank or _ends_paragraph(line):
            break
        end += 1
    return (Block("list", "\n".join(_items(lines[at:end]))),), end


def _items(lines: list[str]) -> Iterator[str]:
    base = _indent(lines[0])
    starts = [number for number, line in enumerate(lines) if _ITEM.match(line) and _indent(line) <= base]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        bullet, _, rest = lines[start].strip().partition(" ")
        following = textwrap.dedent("\n".join(lines[start + 1 : end]))
        inner = [part.text for part in _scan(f"{rest.strip()}\n{following}".splitlines())]
        bullet = "-" if bullet in "*+•-" else "1." if bullet == "#." else bullet
        hanging = " " * (len(bullet) + 1)
        yield textwrap.indent("\n".join(inner), hanging).replace(hanging, f"{bullet} ", 1)


def _fenced(lines: list[str], at: int, fence: re.Match[str]) -> tuple[tuple[Block, ...], int]:
    marks, indent = fence["marks"], len(fence["indent"])
    close = re.compile(rf"^\s*{re.escape(marks[0])}{{{len(marks)},}}\s*$")
    end = _until(lines, at + 1, lambda line: bool(close.match(line)))
    inside = [line[min(indent, _indent(line)) :] for line in lines[at + 1 : end]]
    info = fence["info"].strip()
    if braced := _BRACED.match(info):
        return _directive(braced["name"], braced["argument"], inside), end + 1
    if marks[0] == ":":
        return tuple(_scan(inside)), end + 1
    return _code(inside, info.split()[0] if info else ""), end + 1


def _directive(name: str, argument: str, body: list[str]) -> tuple[Block, ...]:
    while body and (not body[0].strip() or _OPTION.match(body[0])):
        body = body[1:]
    lines = textwrap.dedent("\n".join(body)).splitlines()
    if name in _CODE_DIRECTIVES:
        language = "pycon" if name == "doctest" else "python" if name == "click:example" else argument
        return _code(lines, language)
    if name not in _TEXT_DIRECTIVES:
        return ()
    inline_text = [argument] if argument and name not in ("admonition", "eval-rst", "rst-class", "topic") else []
    return tuple(_scan([*inline_text, *lines]))


def _code(lines: list[str], language: str) -> tuple[Block, ...]:
    code = textwrap.dedent("\n".join(lines)).strip("\n").rstrip()
    if not code.strip():
        return ()
    if not language and code.lstrip().startswith(">>> "):
        language = "pycon"
    marks = "````" if "```" in code else "```"
    return (Block("code", f"{marks}{language}\n{code}\n{marks}"),)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _until(lines: list[str], at: int, found: Callable[[str], bool]) -> int:
    while at < len(lines) and not found(lines[at]):
        at += 1
    return at


def _indented(lines: list[str], at: int, indent: int) -> int:
    """The first line after `at` that is neither blank nor indented deeper than `indent`; blank lines before it stay."""
    end = at
    for number in range(at, len(lines)):
        if lines[number].strip():
            if _indent(lines[number]) <= indent:
                break
            end = number + 1
    return end
