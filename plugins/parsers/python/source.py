"""A Python file as text: its encoding, its lines, its module name, and pieces of it as they are written."""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from dataclasses import dataclass
from pathlib import PurePosixPath

from docutune.plugins.parsers.text import decode, split_lines, storable

_UNSAFE = re.compile(r"\W")


@dataclass(frozen=True, slots=True)
class Source:
    """The file that is being read; `module` is the dotted name under which it would be imported."""

    path: str
    module: str
    lines: list[str]

    @property
    def is_package(self) -> bool:
        """True for an `__init__` file, whose relative imports start at itself."""
        return PurePosixPath(self.path).stem == "__init__"

    def segment(self, node: ast.expr | None, limit: int = 200) -> str:
        """The expression in one line, as written; over several lines, or with a comment inside, in canonical form.

        Longer than `limit` characters it becomes "...". Slicing lines is 100 times as fast as ast.get_source_segment.
        """
        if node is None:
            return ""
        if node.end_lineno == node.lineno and node.end_col_offset is not None:
            text = self.lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode(errors="replace")
        else:
            text = " ".join(_unparsed(node).split())
        return text if len(text) <= limit else "..."


def _unparsed(node: ast.expr) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:
        return "..."


def read_text(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text by the file's own declaration (PEP 263), else UTF-8; a problem names what could not be decoded."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError:
        text, problems = decode(content)
        return text, problems or ("line 1: unknown or contradictory encoding declaration; read as UTF-8",)
    if encoding in ("utf-8", "utf-8-sig"):
        return decode(content)
    try:
        return storable(content.decode(encoding)), ()
    except (UnicodeError, LookupError, ValueError):
        return content.decode("utf-8", "replace"), (f"line 1: not valid {encoding}, the encoding it declares",)


def read_lines(text: str) -> list[str]:
    """The lines of the file; the line end at its very end does not start another one."""
    lines = split_lines(text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def module_name(path: str) -> str:
    """The dotted name for a path from the import root: "click/core.py" is click.core, "click/__init__.py" is click.

    Parts that are no identifiers ("setup-foo.py") become safe ones (setup_foo), so that their symbols have a name.
    """
    stem = PurePosixPath(path.replace("\\", "/")).with_suffix("")
    parts = [part for part in stem.parts if part not in ("/", ".", "..")]
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(_identifier(part) for part in parts) or "module"


def _identifier(part: str) -> str:
    safe = _UNSAFE.sub("_", part)
    if not safe.isidentifier():
        safe = f"m{safe}"
    return f"{safe}_" if keyword.iskeyword(safe) else safe
