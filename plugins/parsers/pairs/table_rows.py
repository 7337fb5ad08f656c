"""CSV and TSV to rows, each with its lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from docutune.cells import OWN_COLUMNS, unguarded
from docutune.plugins.parsers.pairs.rows import Broken, Found, Row, folded

_SEPARATOR_LINE = re.compile(r'"?sep=([^"\n])"?\n?', re.IGNORECASE)

Recognises = Callable[[Collection[str]], bool]
"""Whether columns of these names (folded) hold samples."""


def read_table(text: str, suffix: str, recognises: Recognises) -> Iterator[Found]:
    """The rows below the row of names, of a text whose lines end with a line feed. A first line "sep=;" is obeyed.

    ValueError when the row of names cannot be read, or two columns that are needed have one name.
    """
    chosen = _SEPARATOR_LINE.match(text)
    candidates = "\t" if suffix == ".tsv" else ",;\t"
    delimiter = chosen[1] if chosen else _delimiter(text, candidates, recognises)
    names: Sequence[str] = ()
    own = False  # docutune's own export, whose guard before formulas is no text
    for record, first, last in _records(text, delimiter, skipped=1 if chosen else 0):
        if isinstance(record, csv.Error):
            broken = Broken(first, last, "not CSV", _cause(record))
            if not names:
                raise ValueError(f"the row of names cannot be read: {broken}")
            yield broken
        elif says_something(record):
            if names:
                yield row_of(names, [unguarded(cell) for cell in record] if own else record, first, last, delimiter)
            else:
                names = checked(record, recognises)
                own = set(map(folded, names)) >= OWN_COLUMNS


def _records(text: str, delimiter: str, skipped: int = 0) -> Iterator[tuple[list[str] | csv.Error, int, int]]:
    """Each record or why it is none, with its first and last line; reading goes on after a broken one."""
    lines = io.StringIO(text, newline="")
    for _ in range(skipped):
        lines.readline()
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    limit = csv.field_size_limit(len(text) + 1)  # a cell may be of any size; the limit is one for the whole process
    try:
        while True:
            first = skipped + reader.line_num + 1
            try:
                record: list[str] | csv.Error = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                record = error
            yield record, first, skipped + reader.line_num
    finally:
        csv.field_size_limit(limit)


def _delimiter(text: str, candidates: str, recognises: Recognises) -> str:
    """The one under which the names in the first row are understood, or else the one that makes most columns."""

    def fitness(delimiter: str) -> tuple[bool, int]:
        records = (record for record, _, _ in _records(text, delimiter))
        first = next((record for record in records if isinstance(record, csv.Error) or says_something(record)), [])
        names = [] if isinstance(first, csv.Error) else first
        return recognises([folded(name) for name in names]), len(names)

    return max(candidates, key=fitness)


def says_something(record: Sequence[str]) -> bool:
    """Whether any cell holds more than space."""
    return any(cell.strip() for cell in record)


def checked(names: list[str], recognises: Recognises) -> list[str]:
    """The names of the columns; ValueError where two that are needed have one name."""
    counts = Counter(map(folded, names))
    twice = [name for name in names if counts[folded(name)] > 1 and name.strip()]
    once = [name for name in counts if counts[name] == 1]
    if twice and recognises(counts) and not recognises(once):
        raise ValueError(f"two columns are called {twice[0]!r}: rename one of them")
    return names


def row_of(names: Sequence[str], cells: Sequence[str], first: int, last: int, delimiter: str = "") -> Found:
    """The row with these cells; broken where there are more of them than columns."""
    if any(cell.strip() for cell in cells[len(names) :]):
        way_out = f" (one that holds {delimiter!r} must stand in quotes)" if delimiter else ""
        counts = f"{len(cells)} for {len(names)} columns{way_out}"
        return Broken(first, last, "too many cells", counts)
    return Row(dict(zip(names, cells, strict=False)), first, last)


def _cause(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "a quote is opened here and closed nowhere"
    return "text after a closing quote, or a quote in a cell that is not doubled"
