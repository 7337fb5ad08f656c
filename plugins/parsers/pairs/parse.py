"""Question-answer files to samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from docutune.encodings import decoded
from docutune.plugins.parsers.pairs.json_rows import read_json
from docutune.plugins.parsers.pairs.problems import Notes, listed, unrecognised
from docutune.plugins.parsers.pairs.rows import Broken, Found, Row, RowError, folded, numbers, place
from docutune.plugins.parsers.pairs.samples import OWN, SPLIT, is_own, sample_of, split_of, was_left_out
from docutune.plugins.parsers.pairs.shapes import SYSTEM, Fields, Shape, conversation, shapes
from docutune.plugins.parsers.pairs.sheets import read_sheets
from docutune.plugins.parsers.pairs.table_rows import read_table
from docutune.plugins.parsers.pairs.typos import typos
from docutune.plugins.parsers.text import decode, split_lines, storable
from docutune.records import Given, Parsed, Span

if TYPE_CHECKING:
    from docutune.plugins.parsers.pairs.plugin import Config

_REPLACED = "\ufffd"
_MOST_NAMES = 100


class Pairs:
    """Reads one file of questions and answers, or of conversations."""

    def __init__(self, config: Config) -> None:
        self._system = config.system
        self._system_column = _folded(config.system_column)
        self._encoding = config.encoding
        self._listed = config.listed
        self._shapes = shapes(_folded(config.question), _folded(config.answer), self._system_column)

    def parse(self, content: bytes, source: str) -> Parsed:
        """A sample for each row. A row of which none can be made is a problem; ValueError when that is so of all rows
        because the file is of no known shape.
        """
        found, damaged = self._found(content, PurePosixPath(source).suffix.lower())
        shape = self._shape([row for row in found if isinstance(row, Row)])
        if shape is None:
            raise ValueError(unrecognised(found, damaged))
        notes = Notes(typos=typos(found))
        given: list[Given] = []
        broken: list[Broken] = []
        for item, number in zip(found, numbers(found), strict=True):
            try:
                made = self._given(item, number, shape, source, damaged, notes)
                given += made
            except RowError as error:
                broken.append(Broken(item.first_line, item.last_line, error.reason, error.detail, number))
        problems = (*listed(broken, self._listed), *notes.problems())
        names = _names(found)
        used = self._used(found)
        unused = tuple(name for name in names if folded(name) not in used)
        return Parsed(problems=problems, samples=tuple(given), shape=shape.name, fields=names, unused=unused)

    def _found(self, content: bytes, suffix: str) -> tuple[list[Found], bool]:
        """The rows and what is none, and whether bytes had to be replaced."""
        if suffix == ".xlsx":
            return list(read_sheets(content, self._recognises)), False
        text, damaged = self._text(content)
        return list(self._rows(text, suffix)), damaged

    def _text(self, content: bytes) -> tuple[str, bool]:
        """The text with line feeds at its line ends, and whether bytes had to be replaced."""
        text, damaged = self._decoded(content)
        return "\n".join(split_lines(text)), damaged

    def _decoded(self, content: bytes) -> tuple[str, bool]:
        if not self._encoding:
            try:
                return decoded(content)[0], False
            except ValueError:  # rows without such bytes are read all the same
                pass
        text, problems = decode(content)
        if problems and self._encoding:
            text = content.decode(self._encoding, "replace")
            return text, _REPLACED in text
        return text, bool(problems)

    def _rows(self, text: str, suffix: str) -> Iterator[Found]:
        if suffix in (".csv", ".tsv"):
            return read_table(text, suffix, self._recognises)
        return read_json(text, suffix)

    def _recognises(self, names: Collection[str]) -> bool:
        return self._fitting(names) is not None

    def _fitting(self, names: Collection[str]) -> Shape | None:
        return next((shape for shape in self._shapes if shape.fits(names)), None)

    def _shape(self, rows: Sequence[Row]) -> Shape | None:
        """The shape of most rows, the one tried first of equally many."""
        counts = Counter(shape for row in rows if (shape := self._fitting(_fields(row))))
        return max(counts, key=lambda shape: (counts[shape], -self._shapes.index(shape)), default=None)

    def _used(self, found: Iterable[Found]) -> set[str]:
        """The folded names of all fields that some row is read by."""
        rows = [_fields(item) for item in found if isinstance(item, Row)]
        met = {shape for fields in rows if (shape := self._fitting(fields))}
        own = OWN if any(map(is_own, rows)) else ()
        chosen = filter(None, [self._system_column])
        return {*SYSTEM, *SPLIT, *own, *chosen, *(name for shape in met for name in shape.reads)}

    def _given(
        self, item: Found, number: int, shape: Shape, source: str, damaged: bool, notes: Notes
    ) -> Iterator[Given]:
        """The row's sample, none where docutune itself had left it out. Files may mix shapes."""
        if isinstance(item, Broken):
            raise RowError(item.reason, item.detail)
        fields = _fields(item)
        if was_left_out(fields):
            notes.left_out.append(place(item.first_line, item.first_line, number))
            return
        own = shape if shape.fits(fields) else self._fitting(fields) or shape
        messages = conversation(own, fields, self._system_column, self._system)
        if damaged and any(_REPLACED in message.content for message in messages):
            raise RowError("bytes that are not UTF-8", "save the file as UTF-8, or name its `encoding`")
        split, unknown = split_of(fields)
        if unknown:
            notes.unknown_splits.append((place(item.first_line, item.first_line, number), unknown))
        yield Given(sample_of(fields, messages), Span(source, item.first_line, item.last_line), split, number)


def _names(found: Iterable[Found]) -> tuple[str, ...]:
    """The names of the fields of all rows, in the order in which they come up."""
    names = (name.strip() for item in found if isinstance(item, Row) for name in item.fields)
    return tuple(map(storable, islice(dict.fromkeys(filter(None, names)), _MOST_NAMES)))


def _folded(name: str | None) -> str | None:
    return folded(name) if name else None


def _fields(row: Row) -> Fields:
    fields: Mapping[str, object] = {folded(name): value for name, value in row.fields.items()}
    return fields
