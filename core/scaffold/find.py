"""What is here: the documents, code and question-answer files below a folder, and what no parser reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docutune.errors import UsageError
from docutune.registry import Registry
from docutune.scaffold.code import CODE, covered, find_code
from docutune.scaffold.documents import Documents, unread
from docutune.scaffold.pairs import Looked, Pairs
from docutune.scaffold.tree import TOP, Source, Tree, look


@dataclass(frozen=True)
class Findings:
    """What a folder holds: each entry of `sources` can stand in a pipeline file.

    `unread` counts files that hold documents or code and that no installed parser reads, by suffix; `samples` tells of
    the files that were asked for pairs; `cards` are documents that are left out, for they speak of those files;
    `looked_for` are the suffixes that parsers read.
    """

    tree: Tree
    sources: tuple[Source, ...]
    unread: Mapping[str, int]
    samples: Looked
    cards: tuple[PurePosixPath, ...]
    looked_for: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The folder that was looked at."""
        return self.tree.root


def find(folder: Path, registry: Registry) -> Findings:
    """Look at a folder; parsers of samples are asked in child processes, nothing else is run or imported."""
    parsers = [entry for entry in registry.registrations("parser") if not entry.missing]
    claims = {claim: entry for entry in parsers for claim in entry.claims}
    suffixes = frozenset(kind for reads, kind in claims if reads == "documents")
    readers = {kind: entry for (reads, kind), entry in claims.items() if reads == "samples"}
    tree = look(folder)
    if TOP not in tree.folders:
        raise UsageError(f"{folder}: cannot be read", "name a folder that you may read")
    code = find_code(tree, suffixes)
    roots = tuple(covered(code))
    samples = Pairs(tree, readers, roots).find()
    beside = frozenset(_folder(source, tree) for source in samples.sources) - {TOP}
    documents = Documents(tree, suffixes - CODE, roots, beside)
    looked_for = tuple(sorted({kind for _, kind in claims}))
    sources = (*documents.sources(), *code, *samples.sources)
    return Findings(tree, sources, unread(tree, suffixes), samples, documents.cards(), looked_for)


def _folder(source: Source, tree: Tree) -> PurePosixPath:
    """The folder in which a source's files are."""
    return source.path if source.path in tree.folders else source.path.parent
