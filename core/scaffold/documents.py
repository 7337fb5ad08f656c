"""Finds documents: the highest folders that hold some and no code, and single files beside the code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from docutune.scaffold.code import CODE
from docutune.scaffold.tree import TOP, Folder, Source, Tree, literal, suffix

_HOUSEKEEPING = {
    *("changelog", "changes", "history", "news", "license", "licence", "copying", "notice", "authors"),
    *("contributing", "contributors", "code_of_conduct", "security", "maintainers", "requirements", "agents", "claude"),
}
_NO_DOCUMENTS = {"benchmarks", "benchmark", "bench", "scripts", "tools", "ci"}
_DOCUMENT_KINDS = {
    *(".rst", ".txt", ".adoc", ".asciidoc", ".html", ".htm", ".pdf", ".docx", ".ipynb", ".org", ".tex", ".mdx"),
    *(".js", ".ts", ".java", ".c", ".cc", ".cpp", ".h", ".hpp", ".cs", ".go", ".rs", ".rb", ".kt", ".swift", ".php"),
    *(".md", ".markdown", ".py"),
}


@dataclass(frozen=True)
class Documents:
    """Looks for documents with one of `suffixes`, beside the folders that sources of code read anyway.

    A folder whose only documents are those that go with files of samples (in `samples`) is data, not documentation.
    """

    tree: Tree
    suffixes: frozenset[str]
    code: tuple[PurePosixPath, ...]
    samples: frozenset[PurePosixPath]

    def sources(self) -> tuple[Source, ...]:
        """One entry for every folder of documents, and for every file that stands alone."""
        parts = self._parts(self.tree.folders[TOP])
        return tuple(
            source for folder, whole in parts for source in (self._whole(folder) if whole else self._own(folder))
        )

    def cards(self) -> tuple[PurePosixPath, ...]:
        """The documents in folders of data: they are left out, for they speak of the data."""
        wholes = (folder for folder, whole in self._parts(self.tree.folders[TOP]) if whole)
        return tuple(path for folder in wholes if self._is_data(folder) for path in self._inside(folder))

    def _parts(self, folder: Folder) -> Iterator[tuple[Folder, bool]]:
        """The folders to read from, each with whether it is read with all that is below it."""
        if folder.path in self.code or folder.path.name in _NO_DOCUMENTS:
            return
        whole = folder.path != TOP and not any(path.is_relative_to(folder.path) for path in self.code)
        yield folder, whole
        for name in () if whole else folder.folders:
            child = self.tree.folders.get(folder.path / name)
            if child is not None:
                yield from self._parts(child)

    def _whole(self, folder: Folder) -> Iterator[Source]:
        """The folder with all that is below it; the code in it (an example, a conf.py) is not the library's."""
        counts = Counter(suffix(path.name) for path in self._inside(folder))
        if counts and not self._is_data(folder):
            code = {suffix(name) for part in self.tree.below(folder.path) for name in part.having(CODE)}
            patterns = tuple(f"*{kind}" for kind in sorted(code))
            yield Source("documents", folder.path, counts, exclude=self.tree.exclusions(folder.path) + patterns)

    def _is_data(self, folder: Folder) -> bool:
        return all(path.parent in self.samples and _is_card(path.name) for path in self._inside(folder))

    def _inside(self, folder: Folder) -> list[PurePosixPath]:
        """The documents in a folder and below it."""
        below = self.tree.below(folder.path)
        return [part.path / name for part in below for name in part.having(self.suffixes)]

    def _own(self, folder: Folder) -> Iterator[Source]:
        """The documents of a folder that holds other things, too."""
        names = folder.having(self.suffixes)
        wanted = [name for name in names if not _is_housekeeping(name)]
        if len(wanted) <= 3:
            yield from (Source("documents", folder.path / name, {suffix(name): 1}) for name in wanted)
            return
        kinds = sorted({PurePosixPath(name).suffix for name in wanted})
        left_out = tuple(f"/{literal(name)}" for name in names if name not in wanted)
        counts = Counter(suffix(name) for name in wanted)
        yield Source("documents", folder.path, counts, tuple(f"/*{literal(kind)}" for kind in kinds), left_out)


def unread(tree: Tree, read: Iterable[str]) -> Mapping[str, int]:
    """How many files of each kind that holds documents or code no parser reads."""
    kinds = frozenset(_DOCUMENT_KINDS - set(read))
    names = (name for folder in tree.folders.values() for name in folder.having(kinds))
    return Counter(sorted(suffix(name) for name in names if not _is_housekeeping(name)))


def _is_housekeeping(name: str) -> bool:
    """Whether a file speaks of the project rather than of the library."""
    return name.lower().partition(".")[0] in _HOUSEKEEPING


def _is_card(name: str) -> bool:
    """Whether a file beside samples tells what they are, or whose."""
    return name.lower().startswith("readme") or _is_housekeeping(name)
