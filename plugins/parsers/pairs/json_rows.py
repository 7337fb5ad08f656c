"""JSON and JSON Lines to rows, each with its lines."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator

from docutune.plugins.parsers.pairs.rows import Broken, Found, Row, folded, kind

_CONTAINERS = {"data", "samples", "rows"}
_SPACE = re.compile(r"[ \t\n\r]*")
_TOO_DEEP = "nested too deeply"


def _missing(constant: str) -> None:
    """NaN and the infinities say that there is no value."""


# Numbers stay as they are written: 1.10 is not 1.1 in an answer. Writers forget to escape tabs: not strict.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_missing, strict=False)


def read_json(text: str, suffix: str) -> Iterator[Found]:
    """The rows of a text whose lines end with a line feed, whether the suffix is right or not: a list, an object with
    a list, an object that is a row, objects one after another, or a row a line.
    """
    return _row_a_line(text) if _is_json_lines(text, suffix) else _document(text)


def _is_json_lines(text: str, suffix: str) -> bool:
    """Decided by the first line: what is one object, with more lines after it, is a row."""
    first, _, rest = text.lstrip().partition("\n")
    try:
        if isinstance(_DECODER.decode(first), dict):
            return bool(rest.strip())
    except (ValueError, RecursionError):
        return suffix == ".jsonl" and not first.startswith("[") and first.strip() != "{"
    return suffix == ".jsonl" and not first.startswith("[")


def _row_a_line(text: str) -> Iterator[Found]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield _found(_DECODER.decode(line), number, number)
        except json.JSONDecodeError as error:
            yield Broken(number, number, "not JSON", f"{error.msg} (column {error.colno})")
        except RecursionError:
            yield Broken(number, number, "not JSON", _TOO_DEEP)


class _Lines:
    """Line numbers of positions that only grow, in linear time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self.number = 1

    def at(self, position: int) -> int:
        """The number of the line at that position."""
        self.number += self._text.count("\n", self._position, position)
        self._position = max(position, self._position)
        return self.number


def _document(text: str) -> Iterator[Found]:
    """Rows up to the first mistake, which ends the reading: nobody can say where the next row begins."""
    lines = _Lines(text)
    at = _after_space(text, 0)
    try:
        while at < len(text):
            at = _after_space(text, (yield from _value(text, at, lines)))
    except json.JSONDecodeError as error:
        place = lines.at(error.pos)
        yield Broken(place, place, "not JSON", f"{error.msg}; nothing from here on is read")
    except RecursionError:
        yield Broken(lines.number, lines.number, "not JSON", f"{_TOO_DEEP}; nothing from here on is read")


def _value(text: str, at: int, lines: _Lines) -> Generator[Found, None, int]:
    """The rows of one value at the top, and its end."""
    if text.startswith("[", at):
        return (yield from _list(text, at, lines))
    if text.startswith("{", at):
        return (yield from _object(text, at, lines))
    first = lines.at(at)
    value, at = _DECODER.raw_decode(text, at)
    yield _found(value, first, lines.at(at))
    return at


def _list(text: str, at: int, lines: _Lines) -> Generator[Found, None, int]:
    """Each element is a row. `at` is that of the opening bracket."""
    at = _after_space(text, at + 1)
    more = not text.startswith("]", at)
    while more:
        first = lines.at(at)
        value, at = _DECODER.raw_decode(text, at)
        yield _found(value, first, lines.at(at))
        at = _after_space(text, at)
        more = not text.startswith("]", at)
        at = _after(",", text, at) if more else at
    return at + 1


def _object(text: str, at: int, lines: _Lines) -> Generator[Found, None, int]:
    """The rows of the lists that it holds under a known name; without one it is a row itself."""
    first = lines.at(at)
    fields: dict[str, object] = {}
    has_list = False
    at = _after_space(text, at + 1)
    more = not text.startswith("}", at)
    while more:
        name, at = _name(text, at)
        if folded(name) in _CONTAINERS and text.startswith("[", at):
            has_list = True
            at = yield from _list(text, at, lines)
        else:
            fields[name], at = _DECODER.raw_decode(text, at)
        at = _after_space(text, at)
        more = not text.startswith("}", at)
        at = _after(",", text, at) if more else at
    if not has_list:
        yield Row(fields, first, lines.at(at))
    return at + 1


def _name(text: str, at: int) -> tuple[str, int]:
    """The name of an object's member and the place of its value."""
    if not text.startswith('"', at):
        raise json.JSONDecodeError("Expecting a name in double quotes", text, at)
    name, at = _DECODER.raw_decode(text, at)
    return str(name), _after(":", text, _after_space(text, at))


def _after(mark: str, text: str, at: int) -> int:
    """The next place that is no space after the mark that must stand here."""
    if not text.startswith(mark, at):
        raise json.JSONDecodeError(f"Expecting {mark!r}", text, at)
    return _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _found(value: object, first: int, last: int) -> Found:
    if isinstance(value, dict):
        return Row(value, first, last)
    return Broken(first, last, "not an object", kind(value))
