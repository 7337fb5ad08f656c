"""Finds files of question-answer pairs: parsers of samples are given the first rows and say what they read."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from docutune.records import Split
from docutune.registry import Entry
from docutune.scaffold.tree import TOP, Source, Tree, literal, suffix
from docutune.steps.parse_file import Work, parse_all
from docutune.steps.sources import SPLIT_NAMES

_MAX_FILES = 200
_FIRST_BYTES = 4 * 1024 * 1024
_WHOLE_BYTES = 32 * 1024 * 1024
_ALL_BYTES = 128 * 1024 * 1024
_LINE_BY_LINE = {".jsonl", ".csv", ".tsv"}
_SURE_NAMES = SPLIT_NAMES.keys() - {"dev"}  # inside a longer name it may well mean developers


@dataclass(frozen=True, slots=True)
class Held:
    """A file that may hold pairs: how many were seen, how many of them Chinese, and whether all of the file was."""

    path: PurePosixPath
    pairs: int
    chinese: int
    whole: bool

    @property
    def split(self) -> str | None:
        """The split that core takes from the file's name."""
        return SPLIT_NAMES.get(self.path.stem.lower())

    @property
    def hinted(self) -> str | None:
        """The split that a word in the file's name speaks of."""
        words = _SURE_NAMES & set(re.split(r"[^a-z]+", self.path.stem.lower()))
        return SPLIT_NAMES[words.pop()] if len(words) == 1 else None


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking: sources of samples, files for them in which no parser saw any, and how many files were not
    looked into.
    """

    sources: tuple[Source, ...]
    without: tuple[PurePosixPath, ...]
    passed_over: int


@dataclass(frozen=True)
class Pairs:
    """Looks for files of pairs in a tree; `readers` are the parsers of samples by suffix.

    Data inside a package (in `code`) belongs to the code and is left alone.
    """

    tree: Tree
    readers: Mapping[str, Entry]
    code: tuple[PurePosixPath, ...]

    def find(self) -> Looked:
        """Ask the parsers. Files such as package.json are everywhere: only tables and JSON Lines are worth a word."""
        candidates = list(self._candidates(TOP))
        asked = self._look_into(candidates)
        held = [item for item in asked if item.pairs]
        without = tuple(item.path for item in asked if not item.pairs and suffix(item.path.name) in _LINE_BY_LINE)
        folders = dict.fromkeys(item.path.parent for item in held)
        sources = (
            source
            for folder in folders
            for source in self._sources(folder, [item for item in held if item.path.parent == folder])
        )
        return Looked(tuple(sources), without, len(candidates) - len(asked))

    def _candidates(self, top: PurePosixPath) -> Iterator[PurePosixPath]:
        """Every file below `top` with a suffix of samples."""
        kinds = frozenset(self.readers)
        for folder in self.tree.below(top):
            if not any(folder.path.is_relative_to(root) for root in self.code if root != TOP):
                yield from (folder.path / name for name in folder.having(kinds))

    def _look_into(self, candidates: Sequence[PurePosixPath]) -> list[Held]:
        opened: list[tuple[PurePosixPath, bytes, bool]] = []
        room = _ALL_BYTES
        for path in candidates[:_MAX_FILES]:
            for content, whole in _first_rows(self.tree.root / path) if room > 0 else ():
                opened.append((path, content, whole))
                room -= len(content)
        work = [self._work(path, content) for path, content, _ in opened]
        answers = parse_all(work, min(4, os.cpu_count() or 1, len(work))) if work else iter(())
        return [
            Held(path, *_count(answer), whole) for (path, _, whole), (answer, _) in zip(opened, answers, strict=True)
        ]

    def _work(self, path: PurePosixPath, content: bytes) -> Work:
        entry = self.readers[suffix(path.name)]
        return Work(str(entry), entry.registration.load, entry.registration.config, "{}", content, path.name)

    def _sources(self, folder: PurePosixPath, held: list[Held]) -> Iterator[Source]:
        """The files of one folder: together when their names say the splits or they are many, else each by itself."""
        hints = _told_apart(held)
        if len(held) > 1 and (any(item.split for item in held) or (len(held) > 3 and not hints)):
            alone = folder != TOP and set(self._candidates(folder)) == {item.path for item in held}
            include = () if alone else tuple(f"/{literal(item.path.name)}" for item in held)
            yield _source(folder, held, include, self.tree.exclusions(folder) if alone else ())
            return
        yield from (_source(item.path, [item], split=item.hinted if hints else None) for item in held)


def _source(
    path: PurePosixPath,
    held: list[Held],
    include: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    split: str | None = None,
) -> Source:
    return Source(
        "samples",
        path,
        Counter(suffix(item.path.name) for item in held),
        include,
        exclude,
        pairs=sum(item.pairs for item in held),
        chinese=sum(item.chinese for item in held),
        whole=all(item.whole for item in held),
        splits=tuple(name for name in get_args(Split) if name in {item.split or split for item in held}),
        split=split,
    )


def _count(parsed: Any) -> tuple[int, int]:
    """The samples, and those of them that are Chinese."""
    samples = parsed.get("samples", ())
    return len(samples), sum(given["sample"].get("language") == "zh" for given in samples)


def _told_apart(held: Iterable[Held]) -> bool:
    """Whether names such as acme_train and acme_test tell what is held out: one alone may mean something else."""
    hints = {item.hinted for item in held}
    return "train" in hints and len(hints - {None}) > 1


def _first_rows(path: Path) -> Iterator[tuple[bytes, bool]]:
    """The beginning of a file up to a line's end, or all of a file that is one value; and whether that is all of it.

    Nothing when the file is too large for that or cannot be read.
    """
    by_line = path.suffix.lower() in _LINE_BY_LINE
    limit = _FIRST_BYTES if by_line else _WHOLE_BYTES
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError:
        return
    if len(content) <= limit:
        yield content, True
    elif by_line:
        yield content[: content.rfind(b"\n") + 1], False
