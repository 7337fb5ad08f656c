"""Files and folders that appear whole or not at all, even when the power fails."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from docutune.errors import DocutuneError


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` with `content` in one step, and wait until the disk has it.

    Raises DocutuneError with the path and the bytes needed when the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        make_folder(path.parent)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise refused(path, len(content), error) from error


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode())


def publish_folder(made: Path, final: Path) -> None:
    """Move a finished folder to its place; whoever sees `final` sees all of it. A folder already there gives way."""
    try:
        for path in made.rglob("*"):
            if path.is_file() and not path.is_symlink():
                _sync_file(path)
            elif path.is_dir():
                sync_folder(path)
        sync_folder(made)
        make_folder(final.parent)
        old = made.with_name(f"{made.name}.old")
        if final.exists():
            final.replace(old)
        made.replace(final)
        sync_folder(final.parent)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise refused(final, sum(p.stat().st_size for p in made.rglob("*") if p.is_file()), error) from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, names and all durable."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refused(path: Path, size: int, error: OSError) -> DocutuneError:
    """The one clear line for a disk that is full, read-only or broken."""
    return DocutuneError(
        f"{path}: cannot write {size:,} bytes: {error.strerror or error}",
        "free space or mend the disk, then give the same command again; what was there before is untouched",
    )


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
