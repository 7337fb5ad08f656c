"""Samples files that docutune adds to: whole lines, one writer at a time, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from docutune import atomic
from docutune.atomic import writing
from docutune.errors import DocutuneError, UsageError
from docutune.workspace import Store

_SECONDS = 20.0


@contextmanager
def writer(store: Store) -> Iterator[None]:
    """Be the only one who adds to the samples files of a workspace."""
    store.create()
    path = store.folder / "samples.lock"
    lock = FileLock(path)
    try:
        with writing(path, let_through=(Timeout,)):
            lock.acquire(timeout=_SECONDS)
    except Timeout as error:
        raise DocutuneError(f"{path}: another docutune adds samples here", "wait for it to end") from error
    try:
        yield
    finally:
        lock.release()


def append(path: Path, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add rows at the end, whatever the file ended with; what stood there before is untouched. Call as the writer.

    The number of the first line that was added.
    """
    try:
        before = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "name another file with --to") from error
    if before and not before.endswith(b"\n"):
        before += b"\n"
    atomic.write_bytes(path, before + lines(rows))
    return before.count(b"\n") + 1


def change(path: Path, line: bytes, row: Mapping[str, Any] | None) -> int:
    """Put a row in the place of a line, or with None take the line out; its number. Call as the writer.

    UsageError when that line stands there no more; no other line is touched.
    """
    there = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    number = next((number for number, found in enumerate(there) if found.rstrip(b"\r\n") == line), None)
    if number is None:
        raise UsageError(f"{path}: the row was changed elsewhere meanwhile", "look at it again")
    there[number] = b"" if row is None else lines([row])
    atomic.write_bytes(path, b"".join(there))
    return number + 1


def lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
