"""XLSX workbooks to rows, each with the number of its row in the sheet."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from typing import Any

from docutune.plugins.parsers.pairs.rows import UNSAVED, Broken, Found, folded
from docutune.plugins.parsers.pairs.table_rows import Recognises, checked, row_of, says_something

_FORMULA = re.compile(rb"<f[ />]")

Record = tuple[int, list[str]]


def read_sheets(content: bytes, recognises: Recognises) -> Iterator[Found]:
    """The rows of the first sheet whose names of columns are understood, else of the first that holds anything.

    Formulas give the values that were saved with them. ValueError when it is no workbook or openpyxl is missing.
    """
    sheets = {name: records for name, records in _sheets(content) if records}
    if not sheets:
        return
    chosen = next((name for name, records in sheets.items() if recognises(_names(records))), next(iter(sheets)))
    (_, head), *rows = sheets[chosen]
    names = checked(head, recognises)
    for number, cells in rows:
        yield row_of(names, cells, number, number)
    for name in sheets.keys() - {chosen}:
        yield Broken(1, 1, "another sheet, which is not read", f"{name!r} (save it as a file of its own)")


def _sheets(content: bytes) -> Iterator[tuple[str, Sequence[Record]]]:
    """Every sheet with its rows that say something."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise ValueError("XLSX files need openpyxl: pip install 'docutune[xlsx]', or save it as CSV") from None
    try:
        with warnings.catch_warnings(action="ignore"):  # of styles and extensions, which are none of ours
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            written = load_workbook(io.BytesIO(content), read_only=True) if _has_formulas(content) else book
            for sheet, formulas in zip(book.worksheets, written.worksheets, strict=True):
                rows = zip(sheet.iter_rows(values_only=True), formulas.iter_rows(values_only=True), strict=True)
                cells = ((number, list(map(_text, *row))) for number, row in enumerate(rows, 1))
                yield sheet.title, [record for record in cells if says_something(record[1])]
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError) as error:
        cause = " ".join(str(error).split())
        raise ValueError(f"no XLSX workbook that can be read ({cause}); save it again, or as CSV") from error


def _names(records: Sequence[Record]) -> list[str]:
    return [folded(name) for name in records[0][1]]


def _has_formulas(content: bytes) -> bool:
    """Whether any sheet has one: only then is the workbook worth a second reading."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        return any(_FORMULA.search(parts.read(name)) for name in sheets)


def _text(value: Any, written: Any) -> str:
    """A cell as it is read aloud: 3.0 is 3, and a date has no time. `written` is its formula, if it has one."""
    if value is None:
        return "" if written is None else UNSAVED
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
