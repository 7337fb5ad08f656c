"""What source and result of an export are asked: the held-out questions of the model's dataset, else built-in ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docutune.parity import BUILT_IN, QUESTIONS
from docutune.records import Message, from_json
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Questions:
    """Conversations that end with a question; whether all of them were held out of the training."""

    conversations: tuple[tuple[Message, ...], ...]
    held_out: bool


def questions_of(store: Store, version: str) -> Questions:
    """QUESTIONS of them: test samples first, then those of the validation split, then built-in ones."""
    folder = store.dataset_folder(version) if version else None
    files = [folder / name for name in ("test.jsonl", "validation.jsonl")] if folder else []
    found = tuple(dict.fromkeys(talk for file in files for talk in _conversations(file)))[:QUESTIONS]
    more = tuple((Message("user", text),) for text in BUILT_IN[: QUESTIONS - len(found)])
    return Questions((*found, *more), not more)


def _conversations(file: Path) -> Iterator[tuple[Message, ...]]:
    """Each sample up to its last answer; nothing of a file that is gone or damaged, as in a removed version."""
    try:
        rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        samples = [[from_json(Message, message) for message in row["messages"]] for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for messages in samples:
        asked = next((place for place in reversed(range(len(messages))) if messages[place].role == "user"), None)
        if asked is not None:
            yield tuple(messages[: asked + 1])
