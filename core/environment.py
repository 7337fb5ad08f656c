"""Which modules this environment has, looked for and never imported."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder


def absent(modules: Iterable[str]) -> tuple[str, ...]:
    """Those of `modules` that this environment lacks, in the given order."""
    return tuple(module for module in modules if not has_module(module))


def has_module(name: str) -> bool:
    """Whether `import name` would find a module. Parents are searched, not imported."""
    if sys.modules.get(name) is not None:
        return True
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    full = top
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return False
        full = f"{full}.{part}"
        loaded = sys.modules.get(full)
        spec = loaded.__spec__ if loaded else PathFinder.find_spec(full, list(spec.submodule_search_locations))
    return spec is not None
