"""Examples that rely on imports further up in their document, completed with those of the library."""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
from collections.abc import Iterable

from docutune.contracts import Library
from docutune.plugins.generators.grounded.names import package, parse

_LINE_CHARS = 100


def completed(code: str, library: Library, home: str = "") -> str:
    """The code with an import of the library's names that it uses unqualified but nowhere binds.

    They are added to the code's own import from the library, else imported from `home`, a package, at the top; where
    neither has a name, the code stays without it. Code that does not parse stays as it is.
    """
    tree, free = parse(code), _free(code)
    if tree is None or any(item.name in ("*", "annotations") for node in _from_imports(tree) for item in node.names):
        return code
    first = next((node for node in tree.body if isinstance(node, ast.ImportFrom) and _is_ours(node, library)), None)
    source = (first.module if first else None) or home
    missing = sorted(name for name in free if source and _has(library, source, name))
    if missing:
        code = _with_import(code, tree, first, source, missing)
        code = f"import {package(source)}\n{code}" if package(source) in free else code
    return code


def _with_import(code: str, tree: ast.Module, first: ast.ImportFrom | None, source: str, missing: list[str]) -> str:
    if first is not None and _can_grow(first, tree, code) and first.lineno < _first_use(tree, set(missing)):
        lines = code.split("\n")
        lines[first.lineno - 1 : first.end_lineno] = [_statement(source, [*map(_written, first.names), *missing])]
        return "\n".join(lines)
    gap = "\n" if isinstance(tree.body[0], (ast.Import, ast.ImportFrom)) else "\n\n"
    return _statement(source, missing) + gap + code.lstrip("\n")


def _free(code: str) -> set[str]:
    """The names that the code takes from around it, built-in ones aside."""
    try:
        module = symtable.symtable(code, "example", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    scopes = [module]
    for scope in scopes:
        scopes += scope.get_children()
    used = {name.get_name() for scope in scopes for name in scope.get_symbols() if _is_taken(name, scope is module)}
    bound = {name.get_name() for name in module.get_symbols() if name.is_assigned() or name.is_imported()}
    return used - bound - set(dir(builtins))


def _is_taken(name: symtable.Symbol, in_module: bool) -> bool:
    return name.is_referenced() and (in_module or name.is_global())


def _from_imports(tree: ast.Module) -> list[ast.ImportFrom]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def _is_ours(node: ast.ImportFrom, library: Library) -> bool:
    found = library.find(node.module) if node.module and not node.level else None
    return found is not None and found.kind == "module"


def _has(library: Library, module: str, name: str) -> bool:
    """Whether a bare name is meant to be imported from the module; that of a package stands for the package."""
    top = library.find(name)
    is_package = name in sys.stdlib_module_names or (top is not None and top.kind == "module")
    return not is_package and not name.startswith("_") and library.find(f"{module}.{name}") is not None


def _can_grow(node: ast.ImportFrom, tree: ast.Module, code: str) -> bool:
    """Whether the statement has its lines for itself, without a comment."""
    lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    alone = sum(item.lineno in lines for item in tree.body) == 1
    return alone and not any("#" in code.split("\n")[line - 1] for line in lines)


def _first_use(tree: ast.Module, names: set[str]) -> int:
    return min(node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names)


def _written(item: ast.alias) -> str:
    return f"{item.name} as {item.asname}" if item.asname else item.name


def _statement(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _LINE_CHARS:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def home_of(names: Iterable[str]) -> str:
    """The package that all names belong to; "" when there are several."""
    packages = {package(name) for name in names}
    return packages.pop() if len(packages) == 1 else ""
