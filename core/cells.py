"""Cells of tables that a spreadsheet would run: an apostrophe stops it, and is taken away on the way back."""

from __future__ import annotations

_FORMULA = tuple(
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
"""What may begin a formula in a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection"""

OWN_COLUMNS = frozenset({"held_out", "kind", "fact", "symbols", "places", "task", "producer", "version"})
"""Columns beside question and answer by which docutune knows a table that it exported."""


def is_run(cell: str) -> bool:
    """Whether a spreadsheet takes the cell for a formula; apostrophes before it count: the way back is sure."""
    return cell.lstrip("'").startswith(_FORMULA)


def guarded(cell: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if is_run(cell) else cell


def unguarded(cell: str) -> str:
    """The text of a guarded cell."""
    return cell[1:] if cell.startswith("'") and is_run(cell) else cell
