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

    Documents beside files of samples (in `samples`) speak of those, not of the library.
    """

    tree: Tree
    suffixes: frozenset[str]
    code: tuple[PurePosixPath, ...]
    samples: frozenset[PurePosixPath]

    def sources(self) -> tuple[Source, ...]:
        """One entry for every folder of documents, and for every file that stands alone."""
        return tuple(self._below(self.tree.folders[TOP]))

    def _below(self, folder: Folder) -> Iterator[Source]:
        if folder.path in self.code or folder.path.name in _NO_DOCUMENTS:
            return
        if folder.path != TOP and not any(path.is_relative_to(folder.path) for path in self.code):
            yield from self._whole(folder)
            return
        yield from self._own(folder)
        for name in folder.folders:
            child = self.tree.folders.get(folder.path / name)
            if child is not None:
                yield from self._below(child)

    def _whole(self, folder: Folder) -> Iterator[Source]:
        """The folder with all that is below it; the code in it (an example, a conf.py) is not the library's."""
        below = [(part, part.having(self.suffixes)) for part in self.tree.below(folder.path)]
        spoiled = [part.path for part, names in below if names and part.path in self.samples]
        counts = Counter(suffix(name) for part, names in below if part.path not in spoiled for name in names)
        if counts:
            cards = tuple(_inside(path, folder.path, kind) for path in spoiled for kind in sorted(self.suffixes))
            code = {suffix(name) for part, _ in below for name in part.having(CODE)}
            patterns = tuple(f"*{kind}" for kind in sorted(code))
            yield Source("documents", folder.path, counts, exclude=self.tree.exclusions(folder.path) + patterns + cards)

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


def _inside(path: PurePosixPath, source: PurePosixPath, kind: str) -> str:
    below = path.relative_to(source)
    return f"/*{kind}" if below == TOP else f"/{literal(str(below))}/*{kind}"
