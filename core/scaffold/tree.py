"""A bounded look below a folder: what a project holds of its own, without tests, build output and others' code."""

from __future__ import annotations

import itertools
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from docutune.steps.sources import SKIPPED_AT_TOP, SKIPPED_FOLDERS, is_package

MAX_DEPTH = 8
MAX_ENTRIES = 20_000
MAX_IN_FOLDER = 5_000

TOP = PurePosixPath()

_ALWAYS_LEFT_OUT = {
    *("tests", "site-packages", "vendor", "_vendor", "_vendored", "third_party", "thirdparty"),
    *("_build", "_site", "htmlcov", "__pypackages__"),
}
_BUILD_FILES = {"pyproject.toml", "setup.py", "setup.cfg"}


@dataclass(frozen=True, slots=True)
class Source:
    """An entry of `sources:` to be. `path` is relative to the folder that was looked at.

    `counts` tells the files by suffix. Samples also have the number of `pairs` seen (`whole`: there are no more), how
    many of them are `chinese`, and the `splits` that their file names say; `split` is to be written, for core does not
    take it from the name.
    """

    holds: Literal["documents", "code", "samples"]
    path: PurePosixPath
    counts: Mapping[str, int]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    pairs: int = 0
    chinese: int = 0
    whole: bool = True
    splits: tuple[str, ...] = ()
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that was entered, and the names of the files in it."""

    path: PurePosixPath
    files: tuple[str, ...]
    folders: tuple[str, ...]

    def having(self, suffixes: frozenset[str]) -> list[str]:
        """The files with one of these suffixes."""
        return [name for name in self.files if suffix(name) in suffixes]


@dataclass(frozen=True)
class Tree:
    """The folders below `root`, the upper ones first. `whole` is False when the bounds cut the look short.

    `left_out` are the folders that were not entered for what they are, `closed` those that may not be read.
    """

    root: Path
    folders: Mapping[PurePosixPath, Folder]
    left_out: tuple[PurePosixPath, ...] = ()
    closed: tuple[PurePosixPath, ...] = ()
    whole: bool = True

    def below(self, path: PurePosixPath) -> Iterator[Folder]:
        """That folder and all below it."""
        return (folder for folder in self.folders.values() if folder.path.is_relative_to(path))

    def exclusions(self, path: PurePosixPath) -> tuple[str, ...]:
        """Patterns that keep what was left out below `path` out of a run, too."""
        places: dict[str, list[PurePosixPath]] = {}
        for place in self.left_out:
            if place != path and place.is_relative_to(path) and not _never_read(place, path):
                places.setdefault(place.name, []).append(place)
        return tuple(
            f"/{literal(str(found[0].relative_to(path)))}/" if len(found) == 1 else f"{literal(name)}/"
            for name, found in sorted(places.items())
        )


def suffix(name: str) -> str:
    """A file's suffix in lower case, with its dot; empty when it has none."""
    return PurePosixPath(name).suffix.lower()


def literal(name: str) -> str:
    """A pattern as in .gitignore that stands for this name and no other."""
    return re.sub(r"([\\*?\[\]!# ])", r"\\\1", name)


@dataclass
class _Walk:
    root: Path
    folders: dict[PurePosixPath, Folder] = field(default_factory=dict)
    left_out: list[PurePosixPath] = field(default_factory=list)
    closed: list[PurePosixPath] = field(default_factory=list)
    waiting: deque[PurePosixPath] = field(default_factory=lambda: deque([TOP]))
    entries: int = 0

    def enter(self, path: PurePosixPath) -> bool:
        """Look into one folder; False when the bounds do not let it see all."""
        files, folders = [], []
        whole = True
        try:
            with os.scandir(self.root / path) as entries:
                for number, entry in enumerate(itertools.islice(entries, MAX_IN_FOLDER + 1), 1):
                    self.entries += 1
                    whole = number <= MAX_IN_FOLDER
                    if not _is_text(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif entry.is_file():
                        files.append(entry.name)
        except OSError:
            self.closed.append(path)
            return True
        return self._add(path, sorted(files), sorted(folders)) and whole

    def _add(self, path: PurePosixPath, files: list[str], folders: list[str]) -> bool:
        if path != TOP and "pyvenv.cfg" in files:
            self.left_out.append(path)
            return True
        entered = [name for name in folders if not _is_left_out(name, path, files, self.root)]
        self.left_out += [path / name for name in folders if name not in entered]
        self.folders[path] = Folder(path, tuple(files), tuple(entered))
        if len(path.parts) >= MAX_DEPTH:
            return not entered
        self.waiting += [path / name for name in entered]
        return True


def look(root: Path) -> Tree:
    """Look below `root`, the upper folders first: at most `MAX_DEPTH` folders deep, at `MAX_IN_FOLDER` names of one
    folder, and into no more folders after `MAX_ENTRIES` names.
    """
    walk = _Walk(root)
    whole = True
    while walk.waiting and walk.entries <= MAX_ENTRIES:
        whole = walk.enter(walk.waiting.popleft()) and whole
    return Tree(root, walk.folders, tuple(walk.left_out), tuple(walk.closed), whole and not walk.waiting)


def _is_left_out(name: str, parent: PurePosixPath, beside: list[str], root: Path) -> bool:
    if name.startswith(".") or name.endswith(".egg-info") or name in SKIPPED_FOLDERS | _ALWAYS_LEFT_OUT:
        return True
    if name in SKIPPED_AT_TOP:
        output = parent == TOP or not _BUILD_FILES.isdisjoint(beside)
        return output and not is_package(root / parent / name)
    return name == "test" and "__init__.py" not in beside  # inside a package it may be what helps users to test


def _never_read(place: PurePosixPath, source: PurePosixPath) -> bool:
    """Whether a run leaves the folder out of this source by itself."""
    at_top = place.parent == source and place.name in SKIPPED_AT_TOP
    return at_top or place.name in SKIPPED_FOLDERS or place.name.endswith(".egg-info")


def _is_text(name: str) -> bool:
    """Names that are not UTF-8 cannot stand in a pipeline file."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
