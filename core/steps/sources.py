"""Finds the files that `sources:` names."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from docutune.config import SourceConfig

SKIPPED_FOLDERS = {".git", ".hg", ".svn", ".docutune", "node_modules", "__pycache__", ".venv", "venv"}
SKIPPED_AT_TOP = {"build", "dist"}


@dataclass(frozen=True)
class SourceFile:
    """A file to parse. `shown` is its path from the pipeline file's folder, `name` from its own import root."""

    path: Path
    shown: str
    name: str
    content: bytes

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Found:
    """The files to parse, in the order of the paths shown; how many of each suffix no parser reads; and the files that
    cannot be read, each with the reason.
    """

    files: tuple[SourceFile, ...]
    unread: Mapping[str, int]
    unreadable: Mapping[str, str]


def find_files(sources: Sequence[SourceConfig], project: Path, suffixes: frozenset[str]) -> Found:
    """Every wanted file once: those with one of the suffixes, and the number of the others."""
    files: dict[Path, SourceFile] = {}
    unread: dict[Path, str] = {}
    unreadable: dict[str, str] = {}
    for entry in sources:
        root = (project / entry.path).resolve()
        for path in _wanted(root, entry):
            if path.suffix.lower() not in suffixes:
                unread[path] = path.suffix.lower() or "no suffix"
                continue
            try:
                files[path] = files.get(path) or _read(path, root, project)
            except OSError as error:
                unreadable[_shown(path, project)] = f"not read: {error.strerror or error}"
    ordered = tuple(sorted(files.values(), key=lambda file: file.shown))
    return Found(ordered, Counter(sorted(unread.values())), unreadable)


def _wanted(root: Path, entry: SourceConfig) -> Iterator[Path]:
    include, exclude = GitIgnoreSpec.from_lines(entry.include), GitIgnoreSpec.from_lines(entry.exclude)
    for path in _walk(root):
        relative = path.relative_to(root).as_posix() if path != root else path.name
        if (not entry.include or include.match_file(relative)) and not exclude.match_file(relative):
            yield path


def _read(path: Path, root: Path, project: Path) -> SourceFile:
    """Raises OSError for what cannot be read; a pipe or device would wait for ever and is none of it."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")
    top = _import_root(root if root.is_dir() else root.parent)
    return SourceFile(path, _shown(path, project), path.relative_to(top).as_posix(), path.read_bytes())


def _shown(path: Path, project: Path) -> str:
    return PurePosixPath(os.path.relpath(path, project.resolve())).as_posix()


def _import_root(folder: Path) -> Path:
    """The folder from which a package is imported: above every `__init__.py`."""
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def _walk(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for folder, folders, files in os.walk(root):
        skipped = SKIPPED_FOLDERS | SKIPPED_AT_TOP if Path(folder) == root else SKIPPED_FOLDERS
        folders[:] = sorted(name for name in folders if name not in skipped and not name.endswith(".egg-info"))
        yield from (Path(folder, name) for name in sorted(files))
