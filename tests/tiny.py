"""Trainings that take a second each, in this process: on a tiny model with a dictionary of a few facts."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutune.checkpoints import Checkpoints
from docutune.errors import Cancelled
from docutune.hf.tiny import Recipe, make
from docutune.models import folder_digest
from docutune.plugins.trainers.sft import follow, texts
from docutune.plugins.trainers.trl.plugin import Config
from docutune.plugins.trainers.trl.train import Trl
from docutune.records import ModelRef

FACTS = {
    "fetch": "It reads one page of the archive.",
    "store": "It writes a record to the ledger, under the name of its author and the day on which it was made.",
    "prune": "It removes branches without leaves.",
    "merge": "It joins two ledgers by their dates and says which of their records nobody had signed.",
    "audit": "It counts the records that nobody signed.",
    "quote": "It wraps a name in double marks.",
}
SETTINGS: dict[str, Any] = {
    "model": "builtin/tiny",
    "quantization": "none",
    "lora_rank": 4,
    "lora_dropout": 0.1,
    "learning_rate": 5e-3,
    "max_steps": 9,
    "batch_size": 6,
    "micro_batch_size": 2,
    "max_length": 96,
    "save_steps": 3,
    "eval_steps": 4,
}
_PACE = {"tokens_per_second", "seconds_left", "again"}  # figures of the machine, and the mark of what is told again
Curve = list[tuple[int, dict[str, float]]]


class Desk:
    """The Context of a training in this process; `stop` says at each report whether the user wants the end."""

    seed = 0

    def __init__(self, folder: Path, kept: Path, stop: Callable[[int], bool] = lambda reports: False) -> None:
        self.folder, self.kept, self._stop = folder, kept, stop
        self.notes: list[str] = []
        self.curve: Curve = []
        self.reports = 0

    @property
    def chat(self) -> Any:
        raise NotImplementedError

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        self.reports += 1
        own = {
            name: value
            for name, value in figures.items()
            if name not in _PACE and "memory" not in name and name != "again"
        }
        if own:
            self.curve.append((done, own))
        if self._stop(self.reports):
            raise Cancelled

    def note(self, text: str) -> None:
        self.notes.append(text)


def base(folder: Path) -> ModelRef:
    """A model of the embedded form that has hardly learned to read."""
    folder.mkdir(parents=True)
    texts = folder / "texts.jsonl"
    texts.write_text("".join(json.dumps({"text": f"{name}: {fact}"}) + "\n" for name, fact in FACTS.items()) * 20)
    desk = Desk(folder / "model", folder)
    desk.folder.mkdir()
    return make(texts, desk, Recipe(fewest_steps=2, most_steps=2))


def asked_as_the_card_says(made: Path, base: Path, question: str) -> str:
    """What a program says that is the card's own, run in the folder of what was trained."""
    (snippet,) = re.findall(r"```python\n(.*?)```", (made / "README.md").read_text("utf-8"), re.DOTALL)
    program = snippet.replace('"FOLDER"', repr(str(base))).replace('"..."', repr(question))
    done = subprocess.run([sys.executable, "-c", program], cwd=made, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def rows(path: Path, forms: tuple[str, ...] = ("What does {} do?", "Explain {}.", "What is {} for?")) -> Path:
    """Write one sample per fact and form."""
    with path.open("w", encoding="utf-8") as file:
        for form in forms:
            for name, fact in FACTS.items():
                question = {"role": "user", "content": form.format(name)}
                file.write(json.dumps({"messages": [question, {"role": "assistant", "content": fact}]}) + "\n")
    return path


class Bench:
    """A base and samples, and trainings on them below `folder`; each is one folder with its `kept` and its `model`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = base(folder / "base")
        self.train = rows(folder / "train.jsonl")
        self.validation = rows(folder / "validation.jsonl", ("Tell me of {}.",))
        texts.NEW_TOKENS = 4  # what is said does not matter here
        follow._BEAT = 0.0  # a report in every pass, so that a training can be stopped in any of them

    def path(self, name: str) -> Path:
        """The folder of a training."""
        return self.folder / "trainings" / name

    def go(self, name: str, stop: Callable[[int], bool] = lambda reports: False, **more: Any) -> Desk:
        """Begin a training, or go on with what is left of it. Cancelled when it was stopped.

        `more` are options, but for `base`, `train` and `validation`; `notes` gets what the user is told.
        """
        model = self.path(name) / "model"
        shutil.rmtree(model, ignore_errors=True)
        model.mkdir(parents=True)
        desk = Desk(model, self.path(name) / "kept", stop)
        desk.notes = more.pop("notes", desk.notes)
        given = {key: more.pop(key, getattr(self, key)) for key in ("train", "validation", "base")}
        trainer = Trl(Config.model_validate({**SETTINGS, **more}))
        trainer.train(given["train"], given["validation"], given["base"], desk)
        return desk

    def stopped(self, name: str, at: int, **more: Any) -> Desk:
        """Begin a training and stop it at its n-th report; it must not end before."""
        desks: list[Desk] = []
        try:
            desks.append(self.go(name, lambda reports: reports >= at, **more))
        except Cancelled:
            return Desk(self.path(name), self.path(name))
        raise AssertionError(f"{name} ended before report {at}: {desks[0].reports} in all")

    def half(self, name: str) -> None:
        """Begin a training and stop it after its sixth step, with two checkpoints."""
        try:
            self.go(name, lambda reports: len(self.checkpoints(name)) >= 2)
        except Cancelled:
            return
        raise AssertionError(f"{name} was not stopped")

    def takes(self, newest: Path) -> bool:
        """Whether a training would go on from that checkpoint."""
        found = Checkpoints(newest.parent).latest().checkpoint
        return found is not None and found.folder == newest

    def unfinished(self, name: str) -> bool:
        """Whether a checkpoint of a training is half written."""
        return any((self.path(name) / "kept/checkpoints").glob(".step-*"))

    def again(self, source: str, name: str) -> Path:
        """A copy of what is left of a training; the newest of its checkpoints."""
        shutil.rmtree(self.path(name), ignore_errors=True)
        shutil.copytree(self.path(source), self.path(name))
        return self.checkpoints(name)[-1]

    def checkpoints(self, name: str) -> list[Path]:
        """The checkpoints of a training, oldest first."""
        return sorted((self.path(name) / "kept/checkpoints").glob("step-*"))

    def made(self, name: str) -> tuple[str, str]:
        """SHA-256 of the adapter with its model card, and of the optimizer's state at the end."""
        adapter, last = self.path(name) / "model/adapter", self.checkpoints(name)[-1]
        return _sha256(adapter, ("*.safetensors", "*.json", "*.md")), _sha256(last, ("optimizer.*", "weights.*"))


def _sha256(folder: Path, patterns: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def damage(path: Path, how: str, chance: random.Random) -> None:
    """Do to a file what disks do: missing, empty, truncated, or one bit flipped."""
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(content[: chance.randrange(1, len(content))])
    else:
        place = chance.randrange(len(content))
        content[place] ^= 1 << chance.randrange(8)
        path.write_bytes(content)


DAMAGES = ("missing", "empty", "truncated", "flipped")


def moved(model: ModelRef, folder: Path, change: Callable[[Path], None]) -> ModelRef:
    """A changed copy of a base model."""
    shutil.copytree(model.folder, folder)
    change(folder)
    return ModelRef(folder, folder_digest(folder))
