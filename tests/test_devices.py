"""Training on several devices, here processes on the CPU: the steps of one device, and no process is left behind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from docutune.errors import Cancelled, JobError
from docutune.jobs import run_job
from docutune.records import ModelRef, to_json

pytestmark = pytest.mark.training

ROWS = 17
SETTINGS: dict[str, Any] = {
    "model": "builtin/tiny",
    "quantization": "none",
    "lora_rank": 8,
    "learning_rate": 5e-3,
    "epochs": 2,
    "batch_size": 4,
    "micro_batch_size": 1,
    "max_length": 128,
    "eval_steps": 5,
    "save_steps": 1,
}
STEPS = 10  # two passes over the rows: four whole batches each, and one of a single row


class Silent:
    """A context for work in this process."""

    def __init__(self, folder: Path) -> None:
        self.seed, self.folder = 0, folder

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        pass


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    from docutune.hf.tiny import Recipe, make

    folder = tmp_path_factory.mktemp("base")
    (folder / "texts.jsonl").write_text(json.dumps({"text": "A text of the acme library. " * 50}) + "\n", "utf-8")
    context: Any = Silent(folder / "model")
    context.folder.mkdir()
    return make(folder / "texts.jsonl", context, Recipe(fewest_steps=2, most_steps=2))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "train.jsonl"
    rows = (
        {
            "messages": [
                {"role": "user", "content": f"What is {number}?"},
                {"role": "assistant", "content": f"It is {number}, " + "and so on " * (number % 5)},
            ]
        }
        for number in range(ROWS)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@dataclass
class Training:
    """One training, which may be run again after it was interrupted."""

    base: ModelRef
    samples: Path
    folder: Path
    settings: dict[str, Any]
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def run(self, listen: Callable[[Mapping[str, Any]], None] = lambda _: None) -> None:
        def hear(event: Mapping[str, Any]) -> None:
            self.events.append(event)
            listen(event)

        spec: dict[str, Any] = {
            "trainer": "trl",
            "config": {**SETTINGS, **self.settings},
            "train": str(self.samples),
            "validation": str(self.samples),
            "base": to_json(self.base),
            "folder": str(self.folder / "model"),
            "kept": str(self.folder / "kept"),
        }
        run_job("train", spec, self.folder / "job", hear)

    @property
    def adapter(self) -> Path:
        return self.folder / "model" / "adapter" / "adapter_model.safetensors"

    def curve(self, figure: str) -> list[float]:
        points = {event["done"]: event[figure] for event in self.events if figure in event}
        return [points[step] for step in sorted(points)]

    def processes(self) -> list[int]:
        """Ids of the first process and of the others, of the last run."""
        job = self.folder / "job"
        files = [job / "events.jsonl", *sorted(job.glob("device-*/events.jsonl"))]
        events = (json.loads(line) for file in files for line in file.read_text("utf-8").splitlines())
        return [event["pid"] for event in events if event["event"] == "hello"]


@pytest.fixture
def training(base: ModelRef, samples: Path, tmp_path: Path) -> Callable[..., Training]:
    return lambda name, **settings: Training(base, samples, tmp_path / name, settings)


def at_step(step: int, do: Callable[[], None]) -> Callable[[Mapping[str, Any]], None]:
    done: list[int] = []

    def listen(event: Mapping[str, Any]) -> None:
        if event["event"] == "progress" and event["done"] >= step and not done:
            done.append(step)
            do()

    return listen


def interrupt() -> None:
    raise KeyboardInterrupt


def living(processes: list[int]) -> list[int]:
    """Those that are still there after a moment; a dead one that nobody has waited for is gone."""
    deadline = time.monotonic() + 10
    while (left := [pid for pid in processes if lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_two_devices_take_the_steps_of_one(training: Callable[..., Training]) -> None:
    from safetensors.torch import load_file

    one, two = training("one", trl={"group_by_length": True}), training("two", trl={"group_by_length": True}, devices=2)
    one.run()
    two.run()
    assert len(one.curve("loss")) == STEPS
    for figure, tolerance in (("learning_rate", 1e-12), ("loss", 1e-4), ("grad_norm", 1e-3), ("eval_loss", 1e-4)):
        assert two.curve(figure) == pytest.approx(one.curve(figure), rel=tolerance), figure
    weights, others = load_file(one.adapter), load_file(two.adapter)
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        assert float((weight - others[name]).abs().max()) < 1e-3, name
    assert tokens(one) == tokens(two)
    assert living(two.processes()) == []


def tokens(done: Training) -> int:
    """The tokens trained on, as the last checkpoint counts them."""
    newest = max((done.folder / "kept" / "checkpoints").glob("step-*"))
    return int(json.loads((newest / "trainer_state.json").read_text("utf-8"))["num_input_tokens_seen"])


def test_what_ends_one_process_ends_all_and_the_next_run_goes_on_to_the_bit(
    training: Callable[..., Training],
) -> None:
    whole, broken = (training(name, devices=2, lora_dropout=0.2) for name in ("whole", "broken"))
    whole.run()
    with pytest.raises(JobError, match=r"^on device 1: the worker process was killed by SIGKILL"):
        broken.run(at_step(3, lambda: os.kill(broken.processes()[1], signal.SIGKILL)))
    assert living(broken.processes()) == []
    with pytest.raises(Cancelled):
        broken.run(at_step(6, interrupt))
    assert living(broken.processes()) == []
    broken.run()
    assert sha256(broken.adapter) == sha256(whole.adapter)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
