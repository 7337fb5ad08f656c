"""What the user is told of rows that gave no sample, and of files that gave none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from docutune.plugins.parsers.pairs.rows import Broken, Found, Row
from docutune.plugins.parsers.pairs.shapes import PAIRS, TURNS

_SHOWN_NAMES = 12
_NAME_LENGTH = 40


def listed(broken: Sequence[Broken], most: int) -> tuple[str, ...]:
    """A line for each of the first rows, and one that sums up the others."""
    lines = [str(item) for item in broken[:most]]
    rest = Counter(item.reason for item in broken[most:])
    if rest:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in rest.most_common())
        lines.append(f"and {rest.total()} more {_plural(rest.total())}: {reasons}")
    return tuple(lines)


@dataclass
class Notes:
    """What is said once for all rows that it concerns, each beginning with the place of a row in words."""

    left_out: list[str] = field(default_factory=list)
    unknown_splits: list[tuple[str, str]] = field(default_factory=list)
    typos: list[tuple[str, str, str]] = field(default_factory=list)

    def problems(self) -> tuple[str, ...]:
        """A line for each kind of them."""
        lines = []
        if self.left_out:
            count = _rows(len(self.left_out))
            lines.append(f"{self.left_out[0]}: {count} with split null left out, as in the dataset they come from")
        if self.unknown_splits:
            place, name = self.unknown_splits[0]
            count = _rows(len(self.unknown_splits))
            lines.append(
                f"{place}: split {name[:_NAME_LENGTH]!r} is not train, validation or test; {count} with such a "
                "split count as having none"
            )
        if self.typos:
            place, name, meant = self.typos[0]
            others = "".join(f", {other!r}" for other in dict.fromkeys(item[1] for item in self.typos) if other != name)
            more = f"; {_rows(len(self.typos))} with such fields{others and f', also{others[1:]}'}"
            lines.append(f"{place}: unknown field {name[:_NAME_LENGTH]!r}; did you mean {meant!r}?{more}")
        return tuple(lines)


def unrecognised(found: Sequence[Found], damaged: bool) -> str:
    """Why a file gives nothing at all, and what to do."""
    encoding = "not UTF-8 (save it as UTF-8, or name its `encoding` as an option of the parser 'pairs'); "
    return (encoding if damaged else "") + _nothing(found)


def _nothing(found: Sequence[Found]) -> str:
    rows = [item for item in found if isinstance(item, Row)]
    if not found:
        return "no rows"
    if not rows:
        return f"no row can be read: {found[0]}"
    names = list(dict.fromkeys(name for row in rows for name in row.fields))
    shown = [name if len(name) <= _NAME_LENGTH else f"{name[:_NAME_LENGTH]}…" for name in names[:_SHOWN_NAMES]]
    more = ["…"] if len(names) > _SHOWN_NAMES else []
    known = ", ".join([*TURNS, *("/".join(pair) for pair in PAIRS)])
    return (
        f"no questions and answers recognised; columns found: {', '.join([*shown, *more]) or 'none'}; name yours with "
        f"the options question and answer of the parser 'pairs'; known without: {known}"
    )


def _rows(count: int) -> str:
    return f"{count} {_plural(count)}"


def _plural(count: int) -> str:
    return "row" if count == 1 else "rows"
