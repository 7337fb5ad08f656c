"""Whether a name certainly does not exist: only what would stand in a module or class of which all is known."""

from __future__ import annotations

from collections.abc import Iterable

from docutune.contracts import Library
from docutune.records import Symbol

_BASES_WITHOUT_MEMBERS = frozenset(("object", "ABC", "Generic", "Protocol"))
_CALLABLE = frozenset(("function", "method", "class", "staticmethod", "classmethod"))
_PLAIN_DECORATORS = frozenset(("staticmethod", "classmethod", "abstractmethod", "abc.abstractmethod"))


def is_invented(name: str, library: Library) -> bool:
    """Whether the name is of this library's packages and certainly does not exist.

    "acme.Client().post" is the member of an instance, "acme.send(weight=)" a keyword argument of a call.
    """
    if name.endswith("=)"):
        return _is_refused(*_call(name), library)
    owner, instance, _ = name.partition("()")
    if instance and not _is_class(owner, library):
        return False
    return _is_absent(name.replace("()", ""), library)


def shown(name: str, library: Library) -> str:
    """What to say of an invented name."""
    if name.endswith("=)"):
        target, keyword = _call(name)
        return f"`{target}` takes no argument `{keyword}`"
    name = name.replace("()", "")
    nearest = library.nearest(name, 1)
    hint = f"; the nearest name is `{nearest[0].name}`" if nearest else ""
    return f"`{name}` is not in the library{hint}"


def _call(name: str) -> tuple[str, str]:
    target, _, keyword = name.removesuffix("=)").rpartition("(")
    return target.replace("()", ""), keyword


def _is_class(name: str, library: Library) -> bool:
    found = library.find(name)
    return found is not None and found.kind == "class"


def _is_refused(target: str, keyword: str, library: Library) -> bool:
    """Whether a callable of which all parameters are known has none of that name."""
    found = library.find(target)
    if found is None or found.kind not in _CALLABLE or not _PLAIN_DECORATORS.issuperset(found.decorators):
        return False
    if any(item.kind == "var-keyword" for item in found.parameters) or "..." in found.signature.partition(")")[0]:
        return False
    if found.kind == "class" and not found.parameters:
        return False
    taken = {item.name for item in found.parameters if item.kind not in ("positional-only", "var-positional")}
    return keyword not in taken


def _is_absent(name: str, library: Library) -> bool:
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
