"""Which dotted names Python code uses: what it imports, reads and calls, and the keywords that it calls it with."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


def in_tree(tree: ast.Module) -> Iterator[str]:
    """Full names; "acme.Client().post" is called on an instance, "acme.send(weight=)" is a keyword of a call."""
    yield from (name for _, name in _imports(tree))
    scope = _Scope.of(tree)
    for node in ast.walk(tree):
        root, parts = _chain(node)
        if parts and (name := scope.read(root, parts)):
            yield name
        if isinstance(node, ast.Call):
            yield from _called(node, scope)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the names of some code stand for. Blocks are short: one scope for all functions in it errs towards silence.

    `rebound` names are given to something by the code itself, `made` of these hold one instance, and `stored`
    attributes are set by it.
    """

    imported: Mapping[str, str]
    rebound: frozenset[str]
    made: Mapping[str, str]
    stored: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, tree: ast.Module) -> _Scope:
        bound = Counter(_bound(tree))
        imported = {short: name for short, name in _imports(tree) if short}
        stored = {
            (root, parts[0]) for node in ast.walk(tree) for root, parts in [_chain(node, ast.Store, ast.Del)] if parts
        }
        scope = cls(imported, frozenset(bound), {}, frozenset(stored))
        made = dict(_instances(tree, scope))
        return cls(imported, frozenset(bound), {k: v for k, v in made.items() if bound[k] == 1}, frozenset(stored))

    def read(self, root: str, parts: list[str]) -> str | None:
        """The full name of `root.parts`; None where the code itself decides what it stands for."""
        if root in self.rebound or (parts and (root, parts[0]) in self.stored):
            return None
        return ".".join([self.imported.get(root, root), *parts])


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The name in the code ("" for none) and the full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                top = item.name.partition(".")[0]
                yield ("", item.name)
                yield (item.asname, item.name) if item.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                name = node.module if item.name == "*" else f"{node.module}.{item.name}"
                yield ("" if item.name == "*" else item.asname or item.name), name


def _called(node: ast.Call, scope: _Scope) -> Iterator[str]:
    root, parts = _chain(node.func)
    instance = scope.made.get(root)
    if instance and len(parts) == 1 and (root, parts[0]) not in scope.stored:
        name: str | None = f"{instance}.{parts[0]}"
        yield f"{instance}.{parts[0]}"
    else:
        name = scope.read(root, parts)
    if name and "." in name:
        yield from (f"{name}({keyword.arg}=)" for keyword in node.keywords if keyword.arg)


def _instances(tree: ast.Module, scope: _Scope) -> Iterator[tuple[str, str]]:
    """Variables to which the code gives what a call returns: `client = acme.Client()` gives "acme.Client()"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.Call):
            target = node.targets[0]
            root, parts = _chain(node.value.func)
            name = scope.read(root, parts) if root else None
            if isinstance(target, ast.Name) and name and "." in name:
                yield target.id, f"{name}()"


def _bound(tree: ast.Module) -> Iterator[str]:
    """Names that the code itself gives to something: they no longer stand for a package or an import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name


def _chain(node: ast.AST, *contexts: type[ast.expr_context]) -> tuple[str, list[str]]:
    """Root and attributes of `a.b.c`, by default those that are read; ("", []) for anything else."""
    wanted = contexts or (ast.Load,)
    parts: list[str] = []
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, wanted):
        return "", []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, parts[::-1]) if isinstance(node, ast.Name) else ("", [])
