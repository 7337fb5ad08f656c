"""Which paths a page may name: those below the workspace's folder, wherever links lead."""

from __future__ import annotations

from pathlib import Path

from docutune.errors import UsageError


def inside(project: Path, named: str) -> Path:
    """The resolved path that was named, from the workspace's folder; UsageError when it lies elsewhere."""
    root = project.resolve()
    try:
        found = (root / named).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"{named!r}: cannot be a path here: {error}", "choose a folder of the list") from None
    if not found.is_relative_to(root):
        raise UsageError(f"{named!r} lies outside of {root}", "choose a folder below the workspace")
    return found
