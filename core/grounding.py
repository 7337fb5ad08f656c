"""Does an answer speak of API names that the library does not have? Only what certainly does not exist is reported."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache

from docutune.contracts import Library
from docutune.records import Role, Sample, Symbol

REVISION = 2
"""Raised whenever the same sample and library would give other complaints."""

_FENCE = re.compile(
    r"^[ \t]*(?P<marks>`{3,}|~{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)^[ \t]*(?P=marks)[`~]*[ \t]*$", re.M | re.S
)
_PYTHON = {"", "python", "python3", "py", "py3", "pycon", "doctest", "ipython"}
_LINK = re.compile(
    r"(?<![a-zA-Z0-9+.-])[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s<>)\]`\"']+|(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"
)
_DOTTED = re.compile(r"(?<![A-Za-z0-9_./@\\-])[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+(?![A-Za-z0-9_/@\\-])")
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.) ?")
_IMPORT = re.compile(r"^\s*from\s+([A-Za-z_][\w.]*)\s+import\s+\(?([\w ,]+)", re.M)
_QUOTED = re.compile(r"('''|\"\"\").*?\1|'[^'\n]*'|\"[^\"\n]*\"|#[^\n]*", re.S)
_FILE_SUFFIXES = """
    bash bat cfg conf csv css dll exe fish gif gz html in ini ipynb jpg js json lock log md png ps1 pth py pyc pyd pyi
    rst sh so svg tar toml tsv txt whl xml yaml yml zip zsh
"""
_TOP_DOMAINS = "app cn co com dev edu eu gov info io net org palletsprojects readthedocs github"
_NO_API = frozenset(f"{_FILE_SUFFIXES} {_TOP_DOMAINS}".split())
_BASES_WITHOUT_MEMBERS = frozenset(("object", "ABC", "Generic", "Protocol"))


def complaints(sample: Sample, library: Library) -> tuple[str, ...]:
    """One line per dotted name of this library that an answer uses and that certainly does not exist, sorted.

    A name belongs to the library when its first part is one of its top-level modules. Certain is what would stand in
    a module or in a class without foreign bases. A "negative" sample may name what its question named.
    """
    return tuple(_complaint(name, library) for name in sorted(used(sample)) if is_invented(name, library))


def used(sample: Sample) -> frozenset[str]:
    """The dotted names in a sample's answers that the library is asked for."""
    names = _in_messages(sample, "assistant")
    return names - _in_messages(sample, "user") if sample.kind == "negative" else names


def _in_messages(sample: Sample, role: Role) -> frozenset[str]:
    return frozenset[str]().union(*(_used(message.content) for message in sample.messages if message.role == role))


def _complaint(name: str, library: Library) -> str:
    nearest = library.nearest(name, 1)
    hint = f"; the nearest name is `{nearest[0].name}`" if nearest else ""
    return f"`{name}` is not in the library{hint}"


@lru_cache(maxsize=64)  # the phrasings of one fact come one after the other and have one answer
def _used(text: str) -> frozenset[str]:
    """Dotted names in code blocks, inline code and prose."""
    names: set[str] = set()
    for fence in _FENCE.finditer(text):
        language = fence["language"].strip().split(" ")[0].lower()
        if language in _PYTHON:
            names.update(_in_code(fence["code"], guess=language != ""))
    return frozenset(names.union(_in_prose(_FENCE.sub("\n", text))))


def _in_prose(text: str) -> Iterator[str]:
    for match in _DOTTED.finditer(_LINK.sub(" ", text)):
        if match[0].rpartition(".")[2].lower() not in _NO_API:
            yield match[0]


def _in_code(code: str, guess: bool) -> Iterator[str]:
    """Imported names and attribute chains; what does not parse is searched by pattern when it is said to be Python."""
    tree = _parse(code)
    if tree is not None:
        yield from _in_tree(tree)
    elif guess:
        bare = _QUOTED.sub(" ", code)
        for module, imported in _IMPORT.findall(bare):
            yield from (f"{module}.{part.split()[0]}" for part in imported.split(",") if part.strip())
        yield from _in_prose(bare)


def _parse(code: str) -> ast.Module | None:
    lines = code.splitlines()
    typed = [_PROMPT.sub("", line) for line in lines if _PROMPT.match(line)]
    is_session = any(line.lstrip().startswith(">>>") for line in lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse("\n".join(typed) if is_session else code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _in_tree(tree: ast.Module) -> Iterator[str]:
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield item.name
                imported[item.asname or item.name.partition(".")[0]] = (
                    item.name if item.asname else item.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                name = node.module if item.name == "*" else f"{node.module}.{item.name}"
                yield name
                imported[item.asname or item.name] = name
    rebound = set(_bound(tree))
    for node in ast.walk(tree):
        root, parts = _chain(node)
        if parts and root not in rebound:
            yield ".".join([imported.get(root, root), *parts])


def _bound(tree: ast.Module) -> Iterator[str]:
    """Names that the code itself gives to something: they no longer stand for a package or an import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name


def _chain(node: ast.AST) -> tuple[str, list[str]]:
    """Root and attributes of `a.b.c`, read and not assigned; ("", []) for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        parts.append(node.attr)
        node = node.value
    return (node.id, parts[::-1]) if isinstance(node, ast.Name) else ("", [])


def is_invented(name: str, library: Library) -> bool:
    """Whether the name is of this library's packages and certainly does not exist."""
    parts = name.split(".")
    top = library.find(parts[0])
    if top is None or library.knows(name):
        return False
    owner, missing = top, parts[1]
    for length in range(2, len(parts)):
        found = library.find(".".join(parts[:length]))
        if found is None:
            break
        owner, missing = found, parts[length]
    return not _is_dunder(missing) and _is_closed(owner, library)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_closed(owner: Symbol, library: Library) -> bool:
    """Whether every name inside the owner is known: it makes none up, and inherits from nothing foreign."""
    if owner.kind == "module":
        return library.find(f"{owner.name}.__getattr__") is None
    return owner.kind == "class" and all(_is_open_to_sight(item, library) for item in _lineage(owner, library))


def _is_open_to_sight(owner: Symbol | None, library: Library) -> bool:
    return owner is not None and not any(
        library.find(f"{owner.name}.{hook}") for hook in ("__getattr__", "__getattribute__")
    )


def _lineage(owner: Symbol, library: Library) -> Iterable[Symbol | None]:
    """The class and all that it inherits from; None for a base that is not in the library."""
    seen: set[str] = set()
    waiting = [owner]
    while waiting:
        current = waiting.pop()
        yield current
        for base in current.bases:
            bare = base.partition("[")[0]
            found = library.find(bare)
            if found is None and bare.rpartition(".")[2] not in _BASES_WITHOUT_MEMBERS:
                yield None
            elif found is not None and found.name not in seen:
                seen.add(found.name)
                waiting.append(found)
