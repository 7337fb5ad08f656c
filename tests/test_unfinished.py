"""What is said of an interrupted training when another of its name begins from nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from docutune.steps.unfinished import describe, starts_anew
from docutune.workspace import Store

TRAINER = {"plugin": "trl", "revision": 1, "options": {"lora_rank": 4}}
BASE = {"name": "./base", "digest": "a" * 64}


def left(store: Store, key: str, step: int, when: float, **changed: Any) -> dict[str, Any]:
    """A training of that key, interrupted at the step (0: before its first checkpoint)."""
    folder = store.training_folder(key)
    folder.mkdir(parents=True)
    given = {"trainer": TRAINER, "dataset": "d1", "base": BASE, **changed}
    facts = describe(folder, "tiny", key, given["trainer"], given["dataset"], given["base"])
    checkpoint = folder / f"checkpoints/step-{step:08}"
    if step:
        checkpoint.mkdir(parents=True)
        os.utime(checkpoint.parent, (when, when))
    os.utime(folder / "training.json", (when, when))
    return facts


def test_only_options_can_be_set_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    left(store, "1" * 64, 12, 100.0)
    option = left(store, "2" * 64, 0, 200.0, trainer={**TRAINER, "options": {"lora_rank": 8}})
    data = left(store, "3" * 64, 0, 200.0, dataset="d2")
    stopped = "it starts anew, for in the training that was stopped at step 12"
    assert starts_anew(store, option) == f"{stopped} lora_rank was 4, is now 8: set back, it goes on"
    assert starts_anew(store, data) == f'{stopped} the dataset was "d1", is now "d2"'


def test_only_the_newest_counts_and_none_once_one_was_finished(tmp_path: Path) -> None:
    store = Store(tmp_path)
    left(store, "1" * 64, 12, 100.0)
    left(store, "2" * 64, 30, 200.0, dataset="d2")
    now = left(store, "3" * 64, 0, 300.0, dataset="d3")
    assert "stopped at step 30 " in str(starts_anew(store, now))
    model = store.model_folder("4" * 64) / "model.json"
    model.parent.mkdir(parents=True)
    for name, when, told in (("other", 250.0, True), ("tiny", 150.0, True), ("tiny", 250.0, False)):
        model.write_text(json.dumps({"name": name}))
        os.utime(model, (when, when))
        assert (starts_anew(store, now) is not None) == told
