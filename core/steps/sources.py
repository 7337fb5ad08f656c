"""Finds the files that `sources:` names."""

from __future__ import annotations

import hashlib
import os
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

    @cached_property
    def content(self) -> bytes:
        """The file's bytes."""
        return self.path.read_bytes()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Found:
    """The files to parse, in the order of the paths shown, and how many of each suffix no parser reads."""

    files: tuple[SourceFile, ...]
    unread: Mapping[str, int]


def find_files(sources: Sequence[SourceConfig], project: Path, suffixes: frozenset[str]) -> Found:
    """Every wanted file once: those with one of the suffixes, and the number of the others."""
    files: dict[Path, SourceFile] = {}
    unread: dict[Path, str] = {}
    for entry in sources:
        root = (project / entry.path).resolve()
        include, exclude = GitIgnoreSpec.from_lines(entry.include), GitIgnoreSpec.from_lines(entry.exclude)
        for path in _walk(root):
            relative = path.relative_to(root).as_posix() if path != root else path.name
            if (entry.include and not include.match_file(relative)) or exclude.match_file(relative):
                continue
            if path.suffix.lower() in suffixes:
                files.setdefault(path, _source_file(path, root, project))
            else:
                unread[path] = path.suffix.lower() or "no suffix"
    return Found(tuple(sorted(files.values(), key=lambda file: file.shown)), Counter(sorted(unread.values())))


def _source_file(path: Path, root: Path, project: Path) -> SourceFile:
    top = _import_root(root if root.is_dir() else root.parent)
    shown = PurePosixPath(os.path.relpath(path, project.resolve())).as_posix()
    return SourceFile(path, shown, path.relative_to(top).as_posix())


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
