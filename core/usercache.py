"""Small notes in the user's cache folder: what takes long to find out again. Without them all works, only slower."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def note(area: str, key: str) -> Path:
    """Where the note on `key` stands, or will."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "docutune" / area / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def read(place: Path) -> dict[str, Any]:
    """What was noted; nothing where that is missing or damaged."""
    try:
        known = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def write(place: Path, known: dict[str, Any]) -> None:
    """Note it, whole or not at all."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f"{place.name}.{os.getpid()}")
        draft.write_text(json.dumps(known), "utf-8")
        draft.replace(place)
    except OSError:
        return  # a read-only home costs time, not correctness
