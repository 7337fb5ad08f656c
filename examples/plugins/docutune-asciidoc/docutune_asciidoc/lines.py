"""A document as numbered lines: attributes filled in, comments and directives gone, includes reported."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\r|\n")
_DIRECTIVE = re.compile(r"(\\?)(ifdef|ifndef|ifeval|endif|include)::(.*)\[(.*)\]\s*")
_COMMENT = re.compile(r"//(?!/).*|//")
_ENTRY = re.compile(r":(!?)(\w[\w-]*)(!?):(?:\s+(.*))?")
_REFERENCE = re.compile(r"`\+[^`]*\+`|(\\?)\{(\w[\w-]*)\}")
_SUBSTITUTIONS = re.compile(r"\[.*\bsubs\s*=.*\b(?:attributes|normal)\b.*\]\s*")
_FENCE = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,})|(```)(?!`).*")
_CONTAINER = re.compile(r"={4,}|\*{4,}|_{4,}|--")
_UNDERLINE = {"=": 1, "-": 2, "~": 3, "^": 4, "+": 5}
SEPARATOR = "//"
"""A comment after a blank line: it keeps two lists apart, and is otherwise as good as a blank line."""

_MAX_VALUE = 4096  # characters of an attribute's value: values made of values would else grow without bound
_CHARACTERS = {
    "empty": "",
    "sp": " ",
    "nbsp": "\u00a0",
    "zwsp": "\u200b",
    "apos": "'",
    "quot": '"',
    "lt": "<",
    "gt": ">",
    "amp": "&",
    "plus": "+",
    "vbar": "|",
    "asterisk": "*",
    "backtick": "`",
    "backslash": "\\",
    "startsb": "[",
    "endsb": "]",
    "two-colons": "::",
    "two-semicolons": ";;",
    "cpp": "C++",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that counts, with its number in the file, from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """The lines that count, the attributes at the end of the document, and what the user should know."""

    lines: tuple[Line, ...]
    attributes: Mapping[str, str]
    problems: tuple[str, ...]


def read(content: bytes, given: Mapping[str, str]) -> Document:
    """Decode and go through the lines once; `given` attributes win over the document's own."""
    text, problems = _decode(content)
    reader = _Reader(given, problems)
    texts = _LINE_END.split(text)
    at = 0
    while at < len(texts):
        at = reader.take(texts, at)
    reader.fill_title()
    return Document(tuple(reader.lines), reader.attributes, (*reader.problems, *reader.unclosed()))


def fence(text: str) -> str | None:
    """The line that closes the verbatim block which `text` opens; None where it opens none."""
    match = _FENCE.fullmatch(text.rstrip())
    return (match[1] or match[2]) if match else None


def _decode(content: bytes) -> tuple[str, list[str]]:
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding), []
    except UnicodeDecodeError as error:
        line = len(_LINE_END.split(content[: error.start].decode(encoding, "replace")))
        return content.decode(encoding, "replace"), [f"line {line}: not valid text; such bytes are shown as U+FFFD"]


class _Reader:
    """The state that decides what a line means: attributes, open conditions, an open verbatim block."""

    def __init__(self, given: Mapping[str, str], problems: list[str]) -> None:
        self.lines: list[Line] = []
        self.attributes: dict[str, str] = {**_CHARACTERS, **{name.lower(): value for name, value in given.items()}}
        self.problems = problems
        self._given = frozenset(name.lower() for name in given)
        self._conditions: list[tuple[int, bool]] = []
        self._open: tuple[int, str] | None = None
        self._containers: list[str] = []
        self._fills_code = False

    def take(self, texts: Sequence[str], at: int) -> int:
        """Read the line at index `at`; the index to go on from."""
        text, number = texts[at], at + 1
        directive = _DIRECTIVE.fullmatch(text)
        if directive and not directive[1]:
            self._directive(directive, number)
            return at + 1
        if not all(holds for _, holds in self._conditions):
            return at + 1
        if directive:
            text = text.removeprefix("\\")
        if self._open:
            self._verbatim(number, text, self._open[1])
            return at + 1
        return self._plain(texts, at, text)

    def unclosed(self) -> list[str]:
        """What the document opens and never closes."""
        blocks = [f"line {self._open[0]}: the block that begins here has no end"] if self._open else []
        return blocks + [f"line {number}: the condition has no endif::[]" for number, _ in self._conditions]

    def _plain(self, texts: Sequence[str], at: int, text: str) -> int:
        before = self.lines[-1].text.strip() if self.lines else ""
        after_blank = before in ("", SEPARATOR)
        if _COMMENT.fullmatch(text):
            if after_blank:
                self.lines.append(Line(at + 1, SEPARATOR))
            return at + 1
        entry = _ENTRY.fullmatch(text)
        if entry:
            return self._define(entry, texts, at)
        begins = after_blank or (before[0] == "[" and before[-1] == "]")
        level = _underlined(texts, at) if begins and not self._containers else 0
        if level:
            self._add(at + 1, f"{'=' * level} {text.strip()}")
            return at + 2
        closing = fence(text)
        if closing:
            self._open = (at + 1, closing)
            self.lines.append(Line(at + 1, "" if closing[0] == "/" else text))
            return at + 1
        self._add(at + 1, text)
        self._container(text.rstrip())
        self._fills_code = bool(_SUBSTITUTIONS.fullmatch(text)) or (self._fills_code and bool(text[:1] in "[."))
        return at + 1

    def fill_title(self) -> None:
        """The document's title may name attributes that stand below it."""
        first = next((index for index, line in enumerate(self.lines) if line.text.strip(" /")), None)
        if first is not None and self.lines[first].text.startswith("= "):
            self.lines[first] = Line(self.lines[first].number, self._filled(self.lines[first].text))

    def _container(self, text: str) -> None:
        """Inside `====` and its like a line of marks ends the container and underlines nothing."""
        if text in self._containers:
            del self._containers[self._containers.index(text) :]
        elif _CONTAINER.fullmatch(text):
            self._containers.append(text)

    def _add(self, number: int, text: str) -> None:
        self.lines.append(Line(number, self._filled(text)))

    def _verbatim(self, number: int, text: str, closing: str) -> None:
        ends = text.rstrip() == closing
        if closing[0] != "/":
            self.lines.append(Line(number, self._filled(text) if self._fills_code and not ends else text))
        if ends:
            self._open, self._fills_code = None, False

    def _directive(self, directive: re.Match[str], number: int) -> None:
        _, name, target, inside = directive.groups()
        if name == "endif":
            if self._conditions:
                self._conditions.pop()
        elif name != "include":
            self._condition(name, target, inside, number)
        elif all(holds for _, holds in self._conditions):
            self.problems.append(
                f"line {number}: {target!r} is not included here; name it in `sources:` to have it read"
            )

    def _condition(self, name: str, target: str, inside: str, number: int) -> None:
        """`ifdef::name[text]` on one line holds for its own text, any other form up to its endif."""
        if name == "ifeval":
            self.problems.append(f"line {number}: ifeval is not evaluated; the lines below it are kept")
            self._conditions.append((number, True))
            return
        separator = "+" if "+" in target else ","
        known = [part.strip().lower() in self.attributes for part in target.split(separator)]
        holds = (all(known) if separator == "+" else any(known)) == (name == "ifdef")
        if not inside:
            self._conditions.append((number, holds))
        elif holds and all(outer for _, outer in self._conditions):
            self._add(number, inside)

    def _define(self, entry: re.Match[str], texts: Sequence[str], at: int) -> int:
        """An attribute entry; a value that ends in a backslash goes on in the next line."""
        value, end = entry[4] or "", at + 1
        while value.endswith(" \\") and end < len(texts):
            value, end = f"{value[:-2].rstrip()} {texts[end].strip()}", end + 1
        name = entry[2].lower()
        if name in self._given:
            return end
        if entry[1] or entry[3]:
            self.attributes.pop(name, None)
            return end
        value = self._filled(value)
        if len(value) > _MAX_VALUE:
            self.problems.append(f"line {at + 1}: the value of {name!r} is longer than {_MAX_VALUE} characters")
        self.attributes[name] = value[:_MAX_VALUE]
        return end

    def _filled(self, text: str) -> str:
        """The text with the values of the attributes that it names; unknown ones stay as written."""

        def value(match: re.Match[str]) -> str:
            if match[2] is None:
                return match[0]
            return match[0][1:] if match[1] else self.attributes.get(match[2].lower(), match[0])

        return _REFERENCE.sub(value, text) if "{" in text else text


def _underlined(texts: Sequence[str], at: int) -> int:
    """The level of a heading in the older form, a line of `=-~^+` below it that is as long as the title; else 0."""
    title = texts[at].rstrip()
    mark = texts[at + 1].rstrip() if at + 1 < len(texts) else ""
    if len(mark) < 2 or mark[0] not in _UNDERLINE or mark.strip(mark[0]):
        return 0
    return _UNDERLINE[mark[0]] if title[:1].isalnum() and abs(len(title) - len(mark)) <= 1 else 0
