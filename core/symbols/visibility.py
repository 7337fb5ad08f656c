"""Which symbols a user of the library may use, and under which names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from pathlib import PurePosixPath

from docutune.records import Symbol
from docutune.symbols.linking import Names

_TEST_PARTS = frozenset({"tests", "conftest"})
_TOP_LEVEL_PARTS = frozenset(
    {"test", "testing", "docs", "doc", "examples", "example", "benchmarks", "bench", "scripts", "setup", "noxfile"}
)
_SCRIPTS = frozenset({"conf", "setup", "noxfile", "conftest", "tasks", "fabfile", "dodo", "manage"})
_DOCUMENT_FOLDERS = frozenset({"docs", "doc"})
_SPECIAL_METHODS = frozenset(
    {
        "__call__",
        "__enter__",
        "__exit__",
        "__aenter__",
        "__aexit__",
        "__iter__",
        "__getitem__",
        "__len__",
        "__contains__",
    }
)


def public_names(names: Names, mentions: Mapping[str, int]) -> dict[str, list[str]]:
    """For each public definition its public names, best first: shortest, not renamed, re-exported, as documented.

    `mentions` counts how often the documents name each top-level package.
    """
    found = _Finder(names, mentions)
    found.modules()
    found.module_members()
    found.class_members()
    return {name: found.best_first(name) for name, public in list(found.names.items()) if public}


class _Finder:
    def __init__(self, names: Names, mentions: Mapping[str, int]) -> None:
        self._names = names
        self._mentions = mentions
        self._modules = [symbol for symbol in names.symbols.values() if symbol.kind == "module"]
        self._importable = _importable(self._modules)
        self._facades = {symbol.name for symbol in self._modules if self._only_imports(symbol)}
        self._exports = {
            symbol.name: frozenset(names.exported(symbol.name))
            for symbol in self._modules
            if symbol.exports is not None
        }
        self.names: dict[str, set[str]] = defaultdict(set)
        self._by_the_way: set[str] = set()

    def best_first(self, name: str) -> list[str]:
        """The public names of one definition."""
        return sorted(self.names[name], key=lambda public: self._rank(public, name))

    def _rank(self, public: str, name: str) -> tuple[int, bool, bool, bool, bool, int, int, str]:
        parts, defined = public.split("."), name.split(".")
        renamed, moved = parts[-1] != defined[-1], parts[-2:-1] != defined[-2:-1]
        by_the_way, documented = public in self._by_the_way, -self._mentions.get(parts[0], 0)
        return len(parts), by_the_way, renamed, moved, public == name, documented, len(public), public

    def modules(self) -> None:
        """Modules by their own name, then those that a public module re-exports (`from . import _errors as errors`)."""
        for module in self._modules:
            if module.name in self._importable:
                self.names[module.name].add(module.name)
        for alias in self._names.targets:
            owner, _, last = alias.rpartition(".")
            module_name = self._names.resolve(alias)
            if owner not in self.names or module_name is None or not self._offers(owner, last):
                continue
            inside = f"{owner}.".startswith(f"{module_name}.")
            if self._names.symbols[module_name].kind == "module" and not inside:
                self.names[module_name].add(alias)

    def module_members(self) -> None:
        """What public modules define or re-export."""
        for module in self._modules:
            for last in self._names.children.get(module.name, ()):
                target = self._names.resolve(f"{module.name}.{last}")
                if (
                    target is None
                    or self._names.symbols[target].kind == "module"
                    or not self._offers(module.name, last)
                ):
                    continue
                found = {f"{public}.{last}" for public in self.names.get(module.name, ())}
                self.names[target] |= found
                if target != f"{module.name}.{last}" and not self._is_front(module):
                    self._by_the_way |= found

    def class_members(self) -> None:
        """Members of public classes; those of a hidden base belong to the public classes that inherit them."""
        classes = [symbol.name for symbol in self._names.symbols.values() if symbol.kind == "class"]
        for name in sorted(classes, key=lambda item: item.count(".")):
            self._own_members(name)
        for name in classes:
            for base in self._names.ancestors(name)[1:] if self.names.get(name) else ():
                if not self.names.get(base):
                    self._own_members(base, heir=name)

    def _own_members(self, name: str, heir: str | None = None) -> None:
        for last in self._names.children.get(name, ()):
            target = self._names.resolve(f"{name}.{last}")
            if target is None or not _is_public_member(last, self._names.symbols[target]):
                continue
            if heir is None or self._names.resolve(f"{heir}.{last}") == target:
                publics = self.names.get(heir or name, set())
                self.names[target] |= {f"{public}.{last}" for public in publics}
                self._by_the_way |= {f"{public}.{last}" for public in publics & self._by_the_way}

    def _offers(self, module: str, last: str) -> bool:
        """`__all__` decides where it is. Else imports count in packages, star imports and modules that only import."""
        exports = self._exports.get(module)
        if exports is not None:
            return last in exports
        full = f"{module}.{last}"
        assigned = any(target.startswith(f"{module}.") for target in self._names.targets.get(full, ()))
        defined = assigned or full in self._names.symbols or full in self._names.starred
        return not last.startswith("_") and (defined or self._is_front(self._names.symbols[module]))

    def _is_front(self, module: Symbol) -> bool:
        """A package or a module that only imports: what it imports is meant to be imported from it."""
        return _is_package(module) or module.name in self._facades

    def _only_imports(self, module: Symbol) -> bool:
        inside = (f"{module.name}.{last}" for last in self._names.children.get(module.name, ()))
        kinds = {self._names.symbols[name].kind for name in inside if name in self._names.symbols}
        return not kinds & {"class", "function"}


def _importable(modules: Sequence[Symbol]) -> set[str]:
    """The public modules. Where nothing else is left, packages called "docs", "testing" or the like are the library,
    and so are single files beside documents.
    """
    packages = {module.name for module in modules if "." not in module.name and _is_package(module)}
    public = [module for module in modules if _is_public_module(module, packages) and not _is_script(module, packages)]
    library = [module for module in public if not _is_beside(module, packages)]
    if not library:
        library = [module for module in public if _top(module) in packages or _top(module) not in _TOP_LEVEL_PARTS]
    return {module.name for module in library}


def _is_public_module(module: Symbol, packages: Set[str]) -> bool:
    """False for private modules and tests, and for paths that no import statement can name.

    A package's own folder may be called anything, and the path need not show it: the pipeline file may lie inside.
    """
    parts = module.name.split(".")
    named = parts[1:] if parts[0] in packages else parts
    if any(part != folder for part, folder in zip(reversed(named), reversed(_path(module)), strict=False)):
        return False
    tests = any(part in _TEST_PARTS or part.startswith("test_") for part in parts)
    return not tests and not any(part.startswith("_") for part in parts)


def _is_script(module: Symbol, packages: Set[str]) -> bool:
    """Files that a tool runs, such as Sphinx' conf.py, and single files with the name of a folder of examples."""
    return module.name in _SCRIPTS | _TOP_LEVEL_PARTS and module.name not in packages


def _is_beside(module: Symbol, packages: Set[str]) -> bool:
    """Whether it stands beside the library: in a top-level folder for documents or the like, outside of packages."""
    folders = _path(module)[: -len(module.name.split("."))]
    outside = _top(module) not in packages and bool(_DOCUMENT_FOLDERS & set(folders[-2:]))
    return outside or _top(module) in _TOP_LEVEL_PARTS


def _top(module: Symbol) -> str:
    return module.name.partition(".")[0]


def _path(module: Symbol) -> tuple[str, ...]:
    path = tuple(part for part in PurePosixPath(module.span.source).with_suffix("").parts if part != "..")
    return path[:-1] if _is_package(module) else path


def _is_package(module: Symbol) -> bool:
    return PurePosixPath(module.span.source).stem == "__init__"


def _is_public_member(last: str, symbol: Symbol) -> bool:
    """Special methods count when they are documented; the constructor belongs to its class."""
    return not last.startswith("_") or (last in _SPECIAL_METHODS and bool(symbol.docstring))
