"""Damaged files of a model folder: which one it is, for the libraries that fail over it do not say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docutune.errors import DocutuneError

FETCH_AGAIN = "download the model again, or copy its folder again"
_OBJECTS = ("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json")
_INDEX = "*.safetensors.index.json"


@contextmanager
def naming_damage(folder: Path, hint: str = FETCH_AGAIN) -> Iterator[None]:
    """DocutuneError that names the first damaged file of `folder`, when loading fails and there is one."""
    try:
        yield
    except Exception as error:
        found = _damaged(folder)
        if found is None:
            raise
        raise DocutuneError(found, hint) from error


def _damaged(folder: Path) -> str | None:
    """The first damaged file and what is wrong with it: only JSON and the headers of weights are read."""
    for path in (*(folder / name for name in _OBJECTS), *sorted(folder.glob(_INDEX))):
        if path.is_file() and (why := _no_object(path)):
            return f"{path}: the file is damaged: {why}"
    for path in sorted(folder.glob("*.safetensors")):
        if why := _no_weights(path):
            return f"{path}: the file is damaged: {why}"
    return None


def _no_object(path: Path) -> str | None:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        return f"no JSON ({error})"
    return None if isinstance(value, dict) else "no JSON object"


def _no_weights(path: Path) -> str | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt"):
            return None
    except (OSError, SafetensorError) as error:
        return str(error).removeprefix("Error while deserializing header: ")
