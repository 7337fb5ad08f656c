"""What stands above a block: `[source,python]`, `[NOTE]`, `.Title`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LIST = re.compile(r"\[(\[[^\[\]]*\]|[^\[\]\s][^\[\]]*|)\]\s*")
_TITLE = re.compile(r"\.([^\s.].*)")
_PART = re.compile(r"(?:([\w-]+)\s*=\s*)?(\"[^\"]*\"|'[^']*'|[^,]*)(?:,\s*|$)")
_STYLE = re.compile(r"[\w-]*")
_COLUMNS = re.compile(r"(?:(\d{1,3})\*)?.*", re.DOTALL)
_MOST_COLUMNS = 1000


@dataclass
class Marks:
    """The attribute lists and the title read so far for the next block."""

    first: int | None = None
    title: str = ""
    positional: list[str] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)

    def take(self, number: int, text: str) -> bool:
        """Whether the line is one of them; it is then noted."""
        title = _TITLE.fullmatch(text)
        inside = _LIST.fullmatch(text)
        if title:
            self.title = title[1].strip()
        elif inside:
            self._note(inside[1])
        else:
            return False
        self.first = self.first or number
        return True

    @property
    def style(self) -> str:
        """The first word: "source", "NOTE", "discrete"; "" where there is none."""
        match = _STYLE.match(self.positional[0]) if self.positional else None
        return match[0] if match else ""

    @property
    def language(self) -> str:
        """The language of a source block; "" where it is not given."""
        return self.named.get("language") or (self.positional[1] if len(self.positional) > 1 else "")

    @property
    def columns(self) -> int:
        """How many columns a table has; 0 where its first row decides."""
        written = self.named.get("cols", "").strip(", ")
        return min(sum(int(_repeats(part)) for part in re.split("[,;]", written)), _MOST_COLUMNS) if written else 0

    def _note(self, inside: str) -> None:
        if inside.startswith("["):
            return
        positional: list[str] = []
        for match in _PART.finditer(inside):
            name, value = match[1], match[2].strip().strip("\"'")
            if name:
                self.named[name] = value
            else:
                positional.append(value)
        if any(positional):
            self.positional = positional


def _repeats(column: str) -> str:
    match = _COLUMNS.fullmatch(column.strip())
    return (match[1] if match else None) or "1"
