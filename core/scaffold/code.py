"""Finds Python packages: below src/, at the top, or bare modules; never tests, examples or tools."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from docutune.scaffold.tree import TOP, Folder, Source, Tree, literal, suffix

CODE = frozenset({".py", ".pyi"})

_NO_LIBRARY = {
    *("docs", "doc", "examples", "example", "samples", "demo", "demos"),
    *("benchmarks", "benchmark", "bench", "scripts", "tools", "ci"),
}
_NO_MODULE = {"setup.py", "conftest.py", "noxfile.py", "fabfile.py", "manage.py", "versioneer.py", "conf.py"}
_TEST = re.compile(r"test_.*|.*_test|conftest")
_TEST_PATTERNS = ("test_*.py", "*_test.py", "conftest.py")


def find_code(tree: Tree, suffixes: frozenset[str]) -> tuple[Source, ...]:
    """The sources that hold the library's code; `suffixes` are those that parsers of documents and code read."""
    if not CODE & suffixes:
        return ()
    roots = [TOP] if "__init__.py" in tree.folders[TOP].files else _packages(tree) or _bare_folders(tree)
    found = tuple(_source(tree, root, suffixes) for root in roots)
    return found or _modules(tree.folders[TOP])


def _packages(tree: Tree) -> list[PurePosixPath]:
    """Folders named src that hold Python, and packages elsewhere; none lies inside another."""
    found: list[PurePosixPath] = []
    for folder in tree.folders.values():
        if any(folder.path.is_relative_to(root) for root in found) or _is_elsewhere(folder.path):
            continue
        is_src = folder.path.name == "src" and any(below.having(CODE) for below in tree.below(folder.path))
        if is_src or "__init__.py" in folder.files:
            found.append(folder.path)
    return found


def _bare_folders(tree: Tree) -> list[PurePosixPath]:
    """Without any package: the folders at the top that hold modules."""
    tops = [TOP / name for name in tree.folders[TOP].folders]
    return [path for path in tops if path in tree.folders and _is_bare(tree.folders[path])]


def _is_bare(folder: Folder) -> bool:
    return not _is_elsewhere(folder.path) and any(_is_module(name) for name in folder.having(CODE))


def _modules(top: Folder) -> tuple[Source, ...]:
    names = [name for name in top.having(CODE) if _is_module(name)]
    if len(names) <= 3:
        return tuple(Source("code", TOP / name, {suffix(name): 1}) for name in names)
    left_out = tuple(f"/{literal(name)}" for name in top.having(CODE) if name not in names)
    counts = Counter(suffix(name) for name in names)
    return (Source("code", TOP, counts, tuple(f"/*{kind}" for kind in sorted(counts)), left_out),)


def _source(tree: Tree, root: PurePosixPath, suffixes: frozenset[str]) -> Source:
    names = [name for folder in tree.below(root) for name in folder.having(suffixes)]
    tests = any(_is_test(name) for name in names)
    counts = Counter(suffix(name) for name in names if not _is_test(name))
    return Source("code", root, counts, exclude=tree.exclusions(root) + (_TEST_PATTERNS if tests else ()))


def _is_elsewhere(path: PurePosixPath) -> bool:
    return not _NO_LIBRARY.isdisjoint(path.parts)


def _is_module(name: str) -> bool:
    return name not in _NO_MODULE and not _is_test(name)


def _is_test(name: str) -> bool:
    return suffix(name) in CODE and _TEST.fullmatch(PurePosixPath(name).stem) is not None


def covered(code: Iterable[Source]) -> list[PurePosixPath]:
    """The folders whose every file the code's sources read."""
    return [source.path for source in code if not source.include]
