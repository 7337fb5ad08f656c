"""The `evaluate` library without what it loads for pipelines of its own: torch and transformers serve no metric."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _absent(*names: str) -> Iterator[None]:
    """As if these modules were not installed; what is loaded already stays."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in names if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            modules.pop(name, None)


with _absent("transformers", "scipy.stats"):  # `evaluate` tries to import them, and goes on without
    from evaluate import Metric, MetricInfo

__all__ = ["Metric", "MetricInfo"]
