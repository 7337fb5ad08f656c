"""The documents as they are now, against what a run saw of them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from docutune.records import Span
from docutune.trace.answers import Place, State
from docutune.trace.history import Run


class Sources:
    """The documents of a project, each read once."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._contents: dict[str, bytes | None] = {}

    def state(self, source: str, run: Run | None) -> State:
        """How the document stands against what that run saw."""
        seen = run.seen(source) if run else None
        if not os.path.lexists(self._project / source):
            return "gone"
        content = self._content(source)
        if seen is None or not seen.sha256 or content is None:
            return "unknown"
        return "unchanged" if hashlib.sha256(content).hexdigest() == seen.sha256 else "changed"

    def line_count(self, source: str, run: Run | None) -> int | None:
        """The document's lines; None when it is not what the run saw, or no text."""
        content = self._content(source) if self.state(source, run) == "unchanged" else None
        if content is None or b"\0" in content:
            return None
        return content.count(b"\n") + bool(content and not content.endswith(b"\n"))

    def place(self, span: Span, run: Run | None) -> Place:
        """The lines of a span, with their text if they still are what the run saw."""
        state = self.state(span.source, run)
        lines: tuple[str, ...] = ()
        if state == "unchanged":
            text = (self._content(span.source) or b"").decode("utf-8", "replace")
            lines = tuple(line.rstrip("\r") for line in text.split("\n")[span.first_line - 1 : span.last_line])
        return Place(span.source, span.first_line, span.last_line, state, lines)

    def _content(self, source: str) -> bytes | None:
        if source not in self._contents:
            path = self._project / source
            try:
                self._contents[source] = path.read_bytes() if path.is_file() else None
            except OSError:
                self._contents[source] = None
        return self._contents[source]
