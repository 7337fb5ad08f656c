"""Finds the files that `sources:` names."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from docutune.config import SourceConfig
from docutune.records import Reads, Split

SPLIT_NAMES: Mapping[str, Split] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
"""Names of files of samples that say their split."""

SKIPPED_FOLDERS = {".git", ".hg", ".svn", ".docutune", "node_modules", "__pycache__", ".venv", "venv"}
SKIPPED_AT_TOP = {"build", "dist"}
_ROOTS = {"src", "lib"}


@dataclass(frozen=True)
class SourceFile:
    """A file to parse. `shown` is its path from the pipeline file's folder, `name` from its own import root.

    `split` is that of its samples, where the pipeline file or the file's name gives one; `replay` the entry of
    `sources:` and the share, where they are replayed.
    """

    path: Path
    shown: str
    name: str
    content: bytes
    reads: Reads = "documents"
    split: Split | None = None
    replay: tuple[str, float] | None = None

    @property
    def claim(self) -> tuple[Reads, str]:
        """What a parser must have claimed to read it."""
        return self.reads, self.path.suffix.lower()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Found:
    """The files to parse, in the order of the paths shown; how many of each suffix no parser reads; and the files and
    folders that cannot be read, each with the reason. `elsewhere` has the entry of `sources:` that would read a file of
    those unread suffixes that parsers read from the other kind of source.
    """

    files: tuple[SourceFile, ...]
    unread: Mapping[str, int]
    unreadable: Mapping[str, str]
    elsewhere: Mapping[str, str]


def find_files(sources: Sequence[SourceConfig], project: Path, claims: Set[tuple[Reads, str]]) -> Found:
    """Every wanted file once: those that a parser claims, and the number of the others."""
    files: dict[tuple[Path, Reads], SourceFile] = {}
    others: dict[Path, Reads] = {}
    unreadable: dict[str, str] = {}

    def closed(error: OSError) -> None:
        unreadable[_shown(Path(error.filename), project)] = f"not read: {error.strerror}"

    for entry in sources:
        root = (project / entry.place).resolve()
        for path in _wanted(root, entry, closed):
            if (entry.reads, path.suffix.lower()) not in claims:
                others[path] = entry.reads
                continue
            try:
                files[path, entry.reads] = files.get((path, entry.reads)) or _read(path, root, project, entry)
            except OSError as error:
                unreadable[_shown(path, project)] = f"not read: {error.strerror or error}"
    read = {path.resolve() for path, _ in files}
    left = {path: reads for path, reads in others.items() if path.resolve() not in read}
    unread = Counter(sorted(path.suffix.lower() or "no suffix" for path in left))
    files_in_order = tuple(sorted(files.values(), key=lambda file: file.shown))
    return Found(files_in_order, unread, unreadable, _elsewhere(left, project, claims))


def _elsewhere(left: Mapping[Path, Reads], project: Path, claims: Set[tuple[Reads, str]]) -> Mapping[str, str]:
    """The entry that would read the first file of each suffix that parsers read from the other kind of source."""
    entries: dict[str, str] = {}
    for path, reads in left.items():
        suffix = path.suffix.lower()
        if reads == "documents" and ("samples", suffix) in claims:
            entries.setdefault(suffix, f"- samples: {_shown(path, project)}")
        elif reads == "samples" and ("documents", suffix) in claims:
            entries.setdefault(suffix, f"- path: {_shown(path, project)}")
    return entries


def _wanted(root: Path, entry: SourceConfig, closed: Callable[[OSError], None]) -> Iterator[Path]:
    include, exclude = GitIgnoreSpec.from_lines(entry.include), GitIgnoreSpec.from_lines(entry.exclude)
    for path in _walk(root, closed):
        relative = path.relative_to(root).as_posix() if path != root else path.name
        if (not entry.include or include.match_file(relative)) and not exclude.match_file(relative):
            yield path


def _read(path: Path, root: Path, project: Path, entry: SourceConfig) -> SourceFile:
    """Raises OSError for what cannot be read; a pipe or device would wait for ever and is none of it."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("not a regular file")
    top = _import_root(root if root.is_dir() else root.parent)
    first = top / path.relative_to(top).parts[0]
    if first != path and first.name in _ROOTS and not is_package(first):
        top = first
    name, shown = path.relative_to(top).as_posix(), _shown(path, project)
    if entry.replay is not None:
        return SourceFile(path, shown, name, path.read_bytes(), "samples", "train", (str(entry.place), entry.replay))
    split = None if entry.reads == "documents" else entry.split or SPLIT_NAMES.get(path.stem.lower())
    return SourceFile(path, shown, name, path.read_bytes(), entry.reads, split)


def _shown(path: Path, project: Path) -> str:
    return PurePosixPath(os.path.relpath(path, project.resolve())).as_posix()


def _import_root(folder: Path) -> Path:
    """The folder from which a package is imported: above every `__init__.py`."""
    while is_package(folder) and folder.parent != folder:
        folder = folder.parent
    return folder


def is_package(folder: Path) -> bool:
    """Whether a folder is a Python package, whatever it is called: `src` and `build` may be packages, too."""
    return os.access(folder / "__init__.py", os.F_OK)  # no error where the folder may not be looked into


def _walk(root: Path, closed: Callable[[OSError], None]) -> Iterator[Path]:
    """Every file below a folder; `closed` is told of folders that cannot be looked into."""
    if root.is_file():
        yield root
        return
    for folder, folders, files in os.walk(root, onerror=closed):
        at_top = {name for name in SKIPPED_AT_TOP if not is_package(root / name)} if Path(folder) == root else set()
        skipped = SKIPPED_FOLDERS | at_top
        folders[:] = sorted(name for name in folders if name not in skipped and not name.endswith(".egg-info"))
        yield from (Path(folder, name) for name in sorted(files))
