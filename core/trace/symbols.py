"""The symbols of a run, from its api.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docutune.records import Span
from docutune.trace.history import Run
from docutune.trace.rows import quoted


@dataclass(frozen=True, slots=True)
class Entry:
    """A symbol as api.json has it."""

    name: str
    kind: str
    signature: str
    public: bool
    aliases: tuple[str, ...]
    span: Span


def symbols_of(run: Run, notes: list[str], name: str = "") -> Sequence[Entry]:
    """The symbols of a run, none where it has no api.json; with `name` only those that bear it, found without reading
    the others.
    """
    path = run.folder / "api.json"
    if not path.is_file():
        return ()
    try:
        content = path.read_bytes()
        if not content.rstrip().endswith(b"}"):
            raise ValueError("it ends too early")
        if name and quoted(name).encode("utf-8", "surrogateescape") not in content:
            return ()
        entries = [_entry(entry) for entry in json.loads(content)["symbols"]]
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        notes.append(f"{path}: cannot be read: {error}")
        return ()
    return [entry for entry in entries if not name or name == entry.name or name in entry.aliases]


def _entry(entry: Mapping[str, Any]) -> Entry:
    return Entry(
        name=str(entry["name"]),
        kind=str(entry["kind"]),
        signature=str(entry["signature"]),
        public=bool(entry["public"]),
        aliases=tuple(map(str, entry["aliases"])),
        span=Span(str(entry["source"]), int(entry["first_line"]), int(entry["last_line"])),
    )
