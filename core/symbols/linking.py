"""Names across files: what an alias, a re-export, a star import or an inherited member stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from docutune.records import Alias, Symbol

_MAX_HOPS = 100
_MAX_ANCESTORS = 2000


class Names:
    """Resolves dotted names to the full names of definitions. Cycles and endless chains resolve to nothing."""

    def __init__(self, symbols: Mapping[str, Symbol], aliases: Iterable[Alias]) -> None:
        self.symbols = symbols
        self.children: dict[str, set[str]] = defaultdict(set)
        self.targets: dict[str, list[str]] = {}
        self.starred: set[str] = set()
        self._resolved: dict[str, str | None] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}
        for name in symbols:
            owner, _, last = name.rpartition(".")
            self.children[owner].add(last)
        stars: list[tuple[str, str]] = []
        for alias in aliases:
            if alias.name.endswith(".*"):
                stars.append((alias.name[:-2], alias.target[:-2]))
            else:
                self._add(alias.name, alias.target)
        self._expand(sorted(set(stars)))
        self._unbounded = self._fed_from_outside(sorted(set(stars)))

    def resolve(self, name: str) -> str | None:
        """The full name of the definition that `name` stands for, None when the library has none."""
        if name not in self._resolved:
            self._resolved[name] = self._search(name)
        return self._resolved[name]

    def knows(self, name: str) -> bool:
        """Whether the files give the name to anything, be it a module or class of another library, or may do so
        through a star import from one.
        """
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            home = self.resolve(".".join(parts[:length]))
            if home:
                return length == len(parts) or self._binds(home, parts[length])
        return False

    def exported(self, module: str) -> list[str]:
        """What `from module import *` brings: `__all__`, else every name without a leading underscore."""
        return self._exported(module, {module})

    def ancestors(self, name: str) -> tuple[str, ...]:
        """A class and its bases within the library, in the order in which Python looks for a member.

        Depth first, left to right, a shared base after all that derive from it: that is the C3 order of
        every hierarchy that Python accepts, but for contrived ones.
        """
        if name not in self._ancestors:
            self._ancestors[name] = (name,)  # for a base that is looked up through the class itself
            visited: list[str] = []
            stack = [name]
            while stack and len(visited) < _MAX_ANCESTORS:
                current = stack.pop()
                visited.append(current)
                found = [base for _, base in self.bases(current) if base and base != name]
                stack.extend(reversed(found))
            self._ancestors[name] = tuple(reversed(dict.fromkeys(reversed(visited))))
        return self._ancestors[name]

    def bases(self, name: str) -> list[tuple[str, str | None]]:
        """The bases of a class as written, each with the class of this library that it is, if any."""
        return [(base, self._base(name, base)) for base in self.symbols[name].bases]

    def _base(self, name: str, base: str) -> str | None:
        scope = name.rpartition(".")[0]
        while scope:
            found = self.resolve(f"{scope}.{base}")
            if found and found != name and self.symbols[found].kind == "class":
                return found
            if scope in self.symbols and self.symbols[scope].kind == "module":
                return None
            scope = scope.rpartition(".")[0]
        return None

    def _binds(self, owner: str, last: str) -> bool:
        exports = self.symbols[owner].exports or ()
        return f"{owner}.{last}" in self.targets or last in exports or owner in self._unbounded

    def _fed_from_outside(self, stars: list[tuple[str, str]]) -> set[str]:
        """Modules with a star import from a module that is not in the library, or from one that has such an import."""
        written = {(scope, self._search(module)) for scope, module in stars}
        fed = {scope for scope, module in written if module is None}
        while more := {scope for scope, module in written if module in fed} - fed:
            fed |= more
        return fed

    def _add(self, name: str, target: str) -> None:
        if name in self.symbols or name == target:
            return
        known = self.targets.setdefault(name, [])
        if target not in known:
            known.append(target)
            owner, _, last = name.rpartition(".")
            self.children[owner].add(last)

    def _search(self, name: str) -> str | None:
        """Resolve without remembering failure, for the time when star imports may still add the name."""
        try:
            return self._resolve(name, set())
        except RecursionError:  # a name of a thousand parts, or bases found only through bases: nobody's code
            return None

    def _resolve(self, name: str, active: set[str]) -> str | None:
        if name in self.symbols:
            return name
        if name in active or len(active) >= _MAX_HOPS:
            return self._resolved.get(name)
        active.add(name)
        found = next(filter(None, (self._resolve(target, active) for target in self.targets.get(name, ()))), None)
        if found is None:
            owner, _, last = name.rpartition(".")
            home = self._resolve(owner, active) if owner else None
            found = self._member(home, last, name, active) if home else None
        if found:
            self._resolved[name] = found
        return found

    def _member(self, owner: str, last: str, name: str, active: set[str]) -> str | None:
        if f"{owner}.{last}" != name:
            found = self._resolve(f"{owner}.{last}", active)
            if found:
                return found
        if self.symbols[owner].kind != "class":
            return None
        for base in self.ancestors(owner)[1:]:
            if last in self.children.get(base, ()):
                return self._resolve(f"{base}.{last}", active)
        return None

    def _expand(self, stars: list[tuple[str, str]]) -> None:
        """Star imports may feed one another, so repeat until nothing new comes."""
        changed = True
        while changed:
            changed = False
            for scope, written in stars:
                module = self._search(written)
                if module is None or module == scope:
                    continue
                for name in self.exported(module):
                    full = f"{scope}.{name}"
                    if full not in self.symbols and full not in self.targets:
                        self._add(full, f"{module}.{name}")
                        self.starred.add(full)
                        changed = True

    def _exported(self, module: str, active: set[str]) -> list[str]:
        exports = self.symbols[module].exports
        if exports is None:
            return sorted(name for name in self.children.get(module, ()) if not name.startswith("_"))
        names: list[str] = []
        for name in exports:
            other = self._search(name[:-2]) if name.endswith(".*") else None
            if other and other not in active and self.symbols[other].kind == "module":
                names += self._exported(other, active | {other})
            elif not name.endswith(".*"):
                names.append(name)
        return names
