"""Files and folders that appear whole or not at all, even when the power fails."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from docutune.errors import DiskError, DocutuneError

BLOCK = 4096
"""Bytes that a new folder or an empty file may cost."""

_AT_A_TIME = 16
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_RUST_ERROR = re.compile(r"\(os error (\d+)\)")


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` with `content` in one step, and wait until the disk has it.

    Raises DocutuneError with the path and the bytes needed when the disk refuses.
    """
    write_files({path: content})


def write_files(contents: Mapping[Path, bytes]) -> None:
    """`write_bytes` for each of several files, which a disk confirms together about as fast as one.

    When the disk refuses one of them, any of the others may be there, whole.
    """
    made: dict[Path, Path] = {}
    folders = {path.parent for path in contents}
    try:
        for folder in folders:
            with writing(folder, all_of_it=True):
                make_folder(folder)
        for path, content in contents.items():
            with writing(path, len(content), all_of_it=True):
                made[path] = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
                made[path].write_bytes(content)
        _all_at_once(lambda path: _sync_for(path, made[path], len(contents[path])), made)
        for path, temporary in made.items():
            with writing(path, len(contents[path]), all_of_it=True):
                temporary.replace(path)
        _all_at_once(_sync_names, folders)
    except DocutuneError:
        for temporary in made.values():
            with contextlib.suppress(OSError):  # it has its name, was never made, or the disk takes no change at all
                temporary.unlink()
        raise


def _all_at_once(sync: Callable[[Path], None], paths: Collection[Path]) -> None:
    """What is asked of a file system at the same time goes to the disk together, and what comes in turns in turns."""
    if len(paths) == 1:
        sync(*paths)
        return
    for _ in _threads().map(sync, paths):
        pass


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="docutune-disk")


os.register_at_fork(after_in_child=_threads.cache_clear)


def _sync_for(path: Path, temporary: Path, needed: int) -> None:
    with writing(path, needed, all_of_it=True):
        _sync_file(temporary)


def _sync_names(folder: Path) -> None:
    with writing(folder, all_of_it=True):
        sync_folder(folder)


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode())


def append(path: Path, content: bytes, durable: bool = False) -> None:
    """Add to the end of a file that nobody else adds to, all of it or nothing; with `durable` wait for the disk.

    Errors as `write_bytes`.
    """
    with writing(path, len(content)), path.open("ab", buffering=0) as file:
        end, rest = file.tell(), memoryview(content)
        try:
            while rest:
                rest = rest[file.write(rest) :]
            if durable:
                os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), end)
            raise


def publish_folder(made: Path, final: Path) -> None:
    """Move a finished folder to its place; whoever sees `final` sees all of it. A folder already there gives way."""
    with writing(final, size(made), all_of_it=True):
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


def link_folder(source: Path, target: Path) -> None:
    """Let every file below a folder stand below another one, too: a hard link, or a copy where there can be none."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            with writing(place, path.stat().st_size):
                place.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(path, place)
                except OSError:
                    shutil.copyfile(path, place)


def size(folder: Path) -> int:
    """Bytes in all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


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


@contextlib.contextmanager
def writing(
    path: Path,
    needed: int = BLOCK,
    let_through: tuple[type[Exception], ...] = (),
    all_of_it: bool = False,
) -> Iterator[None]:
    """Give one line when the disk refuses what the block writes at or below `path`: where, how many bytes, why.

    `needed` is their number. An error that names a file is told with that name, unless `path` is `all_of_it`.
    """
    try:
        yield
    except Exception as error:
        cause = error if isinstance(error, OSError) else disk_error(error)
        if cause is None or isinstance(error, let_through):
            raise
        named = None if all_of_it else cause.filename
        raise refused(Path(named or path), needed, cause) from error


def disk_error(error: Exception) -> OSError | None:
    """The refusal of a disk that stands behind an error: itself, or what a library in Rust put into words."""
    if isinstance(error, OSError):
        return error if error.errno in _DISK else None
    found = _RUST_ERROR.search(str(error))
    if found and int(found[1]) in _DISK:
        return OSError(int(found[1]), os.strerror(int(found[1])))
    return None


def refused(path: Path, needed: int, error: OSError) -> DiskError:
    """The one clear line for a disk that is full, read-only or broken, or a folder that may not be written to."""
    hint = "free space or mend the disk" if error.errno in _DISK else "see that you may write there"
    return DiskError(
        f"{path}: cannot write {needed:,} bytes: {error.strerror or error}",
        f"{hint}, then give the same command again; what was there before is untouched",
    )


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
