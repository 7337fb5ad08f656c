"""Numbered lines to blocks, each with its lines in the file and its text in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docutune_asciidoc import code, tables
from docutune_asciidoc.inline import markdown, plain
from docutune_asciidoc.lines import SEPARATOR, Line, fence
from docutune_asciidoc.lists import Item, item, render
from docutune_asciidoc.marks import Marks

_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*)")
_BOUNDARY = re.compile(r"={4,}|\*{4,}|_{4,}|--|'{3,}|<{3}|-{3}|\*{3}")
_MACRO = re.compile(r"[a-z][\w-]*::\S*\[.*\]\s*")
_LABELS = ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
_LABELLED = re.compile(rf"({'|'.join(_LABELS)}):[ \t]+")
_CODE_STYLES = frozenset({"", "source", "listing", "literal"})
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])|(?<=[。！？])\s*")


@dataclass(frozen=True, slots=True)
class Code:
    """Code of a block with its lines, fence and `[source]` line included, and the sentence before it."""

    code: str
    language: str
    first: int
    last: int
    lead: str


@dataclass(frozen=True, slots=True)
class Block:
    """One block; `first` and `last` are line numbers. Headings that begin a section have a level from 1."""

    text: str
    first: int
    last: int
    level: int = 0
    says_something: bool = True
    code: tuple[Code, ...] = ()


class Scanner:
    """Goes through the lines once. Containers (`====`, `--`) end a paragraph and are otherwise looked through."""

    def __init__(self, lines: Sequence[Line], default_language: str) -> None:
        self._lines = lines
        self._default_language = default_language
        self._at = 0
        self._marks = Marks()
        self._label = ""
        self._lead = ""
        self._in_list = False
        self._found: list[Block] = []
        self._looks = (self._blank, self._mark, self._heading, self._fenced, self._table, self._passed_over, self._list)

    def blocks(self) -> list[Block]:
        """Every block, in order of its lines."""
        while self._at < len(self._lines):
            self._step()
        return self._found

    def _step(self) -> None:
        """Read on by at least one line."""
        if not any(look() for look in self._looks):
            self._paragraph()

    @property
    def _text(self) -> str:
        return self._lines[self._at].text

    def _blank(self) -> bool:
        blank = _is_blank(self._text)
        self._at += blank
        return blank

    def _mark(self) -> bool:
        taken = self._marks.take(self._lines[self._at].number, self._text)
        self._at += taken
        return taken

    def _heading(self) -> bool:
        match = _HEADING.fullmatch(self._text)
        if not match:
            return False
        level, title = len(match[1]), plain(match[2])
        if self._marks.style in ("discrete", "float"):
            self._add(f"{'#' * level} {title}", self._at + 1, says_something=False)
        else:
            self._add(title, self._at + 1, level=level, says_something=False)
        self._lead = self._label = ""
        if level == 1 and len(self._found) == 1:
            self._skip_authors()
        return True

    def _skip_authors(self) -> None:
        """The author and the revision stand right below the document's title."""
        while self._at < len(self._lines) and self._text.strip():
            self._at += 1

    def _fenced(self) -> bool:
        closing = fence(self._text)
        if not closing:
            return False
        language = self._text.strip().lstrip("`") if closing[0] == "`" else ""
        end = self._find(closing)
        body = [line.text for line in self._lines[self._at + 1 : end]]
        self._code(body, min(end + 1, len(self._lines)), language, shown=closing[0] != "+")
        return True

    def _table(self) -> bool:
        opening = tables.delimiter(self._text)
        if not opening:
            return False
        end = self._find(opening)
        lines = [line.text for line in self._lines[self._at + 1 : end] if not _is_blank(line.text)]
        rows = tables.render(lines, opening, self._marks.columns)
        self._add(_title(self._marks) + rows, min(end + 1, len(self._lines)), says_something=bool(rows))
        self._lead = ""
        return True

    def _passed_over(self) -> bool:
        """Containers, rules and block macros such as images. An admonition's label goes to its first paragraph."""
        text = self._text.rstrip()
        if not _BOUNDARY.fullmatch(text) and not _MACRO.fullmatch(text):
            return False
        self._label = self._marks.style if self._marks.style in _LABELS else self._label
        self._marks = Marks()
        self._at += 1
        return True

    def _list(self) -> bool:
        if self._in_list or not item(self._text):
            return False
        self._in_list = True
        marks, self._marks = self._marks, Marks()
        start, items, code_blocks = self._at, list[Item](), list[Code]()
        while self._at < len(self._lines) and self._goes_on(items):
            entry = item(self._text)
            if entry:
                items.append(entry)
                self._at += 1
            elif self._text.strip() == "+":
                self._at += 1
                code_blocks += self._attach(items)
            else:
                items[-1] = items[-1].with_line(self._text)
                self._at += 1
            self._lead = _last_sentence(markdown(items[-1].text))
        self._in_list = False
        last = self._lines[self._last_line(start)].number
        text = _title(marks) + render(items)
        self._found.append(Block(text, marks.first or self._lines[start].number, last, code=tuple(code_blocks)))
        return True

    def _last_line(self, start: int) -> int:
        """The index of the last line before this one that is not blank, `start` at least."""
        end = self._at
        while end > start + 1 and not self._lines[end - 1].text.strip():
            end -= 1
        return end - 1

    def _goes_on(self, items: Sequence[Item]) -> bool:
        """Whether the list has not ended before this line; blank lines before the next item are passed."""
        if self._text == SEPARATOR:
            return False
        if self._text.strip():
            return not items or bool(item(self._text)) or self._text.strip() == "+" or not self._interrupts()
        after = self._at
        while after < len(self._lines) and not self._lines[after].text.strip():
            after += 1
        if after == len(self._lines):
            return False
        text = self._lines[after].text
        waits = items[-1].is_term and not items[-1].text.strip() and not self._interrupts(text)
        if item(text) or waits:
            self._at = after
            return True
        return False

    def _attach(self, items: list[Item]) -> tuple[Code, ...]:
        """The block below a `+` belongs to the last item."""
        count = len(self._found)
        while self._at < len(self._lines) and self._text.strip() and len(self._found) == count:
            if item(self._text) or _HEADING.fullmatch(self._text):
                return ()
            self._step()
        if len(self._found) == count:
            return ()
        block = self._found.pop()
        items[-1] = replace(items[-1], attached=(*items[-1].attached, block.text))
        return block.code

    def _paragraph(self) -> None:
        start = self._at
        self._at += 1
        while self._at < len(self._lines) and not _is_blank(self._text) and not self._interrupts():
            self._at += 1
        lines = [line.text for line in self._lines[start : self._at]]
        end, self._at = self._at, start
        if self._marks.style in _CODE_STYLES - {""} or lines[0].startswith((" ", "\t")):
            self._code(lines, end, "", shown=True)
        elif self._marks.style == "comment":
            self._marks, self._at = Marks(), end
        else:
            self._prose("\n".join(lines), end)

    def _interrupts(self, text: str | None = None) -> bool:
        text = self._text if text is None else text
        return bool(
            fence(text)
            or tables.delimiter(text)
            or _BOUNDARY.fullmatch(text.rstrip())
            or (text.startswith("[") and Marks().take(0, text))
        )

    def _prose(self, text: str, end: int) -> None:
        match = _LABELLED.match(text)
        label = match[1] if match else self._marks.style if self._marks.style in _LABELS else self._label
        text = markdown(text[match.end() :] if match else text)
        self._label, self._lead = "", _last_sentence(text)
        text = f"{label.capitalize()}: {text}" if label and text else text
        self._add(_title(self._marks) + text, end, says_something=bool(text))

    def _code(self, lines: Sequence[str], end: int, language: str, shown: bool) -> None:
        marks = self._marks
        language = language or marks.language or (self._default_language if marks.style == "source" else "")
        text, language = code.shown(_dedented(lines), language)
        if not shown or marks.style not in _CODE_STYLES or not text.strip():
            self._marks, self._at, self._lead = Marks(), end, ""
            return
        title = _title(marks)
        fence_mark = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
        first, last = marks.first or self._lines[self._at].number, self._lines[end - 1].number
        found = Code(text, language, first, last, self._lead or title.strip())
        self._add(f"{title}{fence_mark}{language}\n{text}\n{fence_mark}", end, code=(found,))
        self._lead = ""

    def _add(
        self, text: str, end: int, level: int = 0, says_something: bool = True, code: tuple[Code, ...] = ()
    ) -> None:
        """Note the block from here to before index `end`, unless nothing is left of it, and go on there."""
        first = self._marks.first or self._lines[self._at].number
        if text or level:
            self._found.append(Block(text, first, self._lines[end - 1].number, level, says_something, code))
        self._marks, self._at = Marks(), end

    def _find(self, closing: str) -> int:
        """The index of the line that closes the block which begins here; the end where none does."""
        numbers = range(self._at + 1, len(self._lines))
        return next((index for index in numbers if self._lines[index].text.rstrip() == closing), len(self._lines))


def _is_blank(text: str) -> bool:
    return not text.strip() or text == SEPARATOR


def _title(marks: Marks) -> str:
    """A block's title as a sentence of its own before it."""
    title = plain(marks.title)
    return f"{title if title.endswith(('.', ':', '?', '!', '。', '：')) else title + ':'}\n\n" if title else ""


def _dedented(lines: Sequence[str]) -> list[str]:
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[depth:] for line in lines]


def _last_sentence(paragraph: str) -> str:
    sentences = [part for part in _SENTENCE_END.split(" ".join(paragraph.split())) if part.strip()]
    return sentences[-1].strip() if sentences else ""
