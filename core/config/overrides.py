"""`--set` and `--trainer`: changes to the raw tree, before anything is validated."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from docutune.config.explain import describe
from docutune.config.yaml_lines import TEXTS, Document, KeyPath, Place, read_value, shown
from docutune.errors import Problem

_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]")


def override(document: Document, overrides: Sequence[str], trainer: str | None) -> Document:
    """The document with the changes applied; a change that cannot be made is one more problem."""
    places, problems, tree = dict(document.places), list(document.problems), copy.deepcopy(document.tree)
    changes = [(text, "--set") for text in overrides]
    for text, option in changes:
        try:
            path, value = _parse(text)
            _assign(tree, path, value)
        except ValueError as error:
            problems.append(Problem(option, None, text, str(error)))
            continue
        places = {place: line for place, line in places.items() if place[: len(path)] != path}
        places[path] = Place(option)
    if trainer is not None:
        problems += _replace_trainer(tree, places, trainer)
    return replace(document, tree=tree, places=places, problems=tuple(problems))


def _replace_trainer(tree: Any, places: dict[KeyPath, Place], trainer: str) -> list[Problem]:
    steps = tree.get("train") if isinstance(tree, dict) else None
    if not isinstance(steps, list) or not steps:
        return [Problem("--trainer", None, "", "the pipeline trains nothing, so there is no trainer to replace")]
    for index, step in enumerate(steps):
        if isinstance(step, dict):
            step["uses"] = trainer
            places["train", index, "uses"] = Place("--trainer")
    return []


def _parse(text: str) -> tuple[KeyPath, Any]:
    key, equals, value = text.partition("=")
    path: list[str | int] = []
    position = 0
    while position < len(key) and (match := _STEP.match(key, position)):
        name, index = match.groups()
        path.append(name if index is None else int(index))
        position = match.end()
    if not equals or not path or position < len(key):
        raise ValueError("expected KEY=VALUE, such as train[0].with.max_steps=10")
    is_name = tuple(path) in TEXTS and value[:1].isdigit()
    return tuple(path), value if is_name else read_value(value)


def _assign(tree: Any, path: KeyPath, value: Any) -> None:
    for position, part in enumerate(path[:-1]):
        _check(tree, path, position)
        if isinstance(part, str) and tree.get(part) is None:
            tree[part] = {}
        tree = tree[part]
    _check(tree, path, len(path) - 1)
    tree[path[-1]] = value


def _check(tree: Any, path: KeyPath, position: int) -> None:
    part, parent = path[position], shown(path[:position]) or "the file"
    expected = dict if isinstance(part, str) else list
    if not isinstance(tree, expected):
        kind = "a mapping" if expected is dict else "a list"
        raise ValueError(f"{parent} is {describe(tree)}, not {kind}")
    if isinstance(part, int) and part >= len(tree):
        items = "1 item" if len(tree) == 1 else f"{len(tree)} items"
        raise ValueError(f"{parent} has {items}, counted from 0; there is no [{part}]")
