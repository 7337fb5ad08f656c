"""Trains the same on one GPU and on two, at the same effective batch, and compares the loss curves and the speed.

    python benchmarks/two_gpus.py [--size 0.6b] [--steps 60] [--micro 4] [--devices 2] [--out FILE]

QLoRA by docutune's trainer trl in worker processes, as `docutune run` starts them: random weights of a Qwen3 shape,
rows of 1,024 tokens, 32 rows an optimizer step. Where there is no GPU, give `--size tiny`: processes on the CPU.
Exits with 1 when a loss differs by more than 2 %, or two GPUs are not 1.7 times as fast (never asked of a CPU).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import shapes

ROWS, VALIDATION = 256, 32
BATCH = 32
WARM = 5  # steps before speed is measured: kernels are chosen, memory is taken
MOST_DIFFERENCE = 0.02
LEAST_SPEED = 1.7
TINY = (64, 128, 2, 8)


@dataclass(frozen=True)
class Curve:
    """One training: loss and gradient norm of every step, validation losses, and the median seconds of a step."""

    loss: list[float]
    grad_norm: list[float]
    eval_loss: list[float]
    seconds: float
    tokens_per_second: float


def train(devices: int, model: Path, rows: Path, validation: Path, options: argparse.Namespace, folder: Path) -> Curve:
    from docutune.jobs import run_job

    config = {
        "model": str(model),
        "devices": devices,
        "quantization": "none" if options.size == "tiny" else "nf4",
        "lora_rank": 16,
        "batch_size": BATCH,
        "micro_batch_size": options.micro,
        "max_length": options.length,
        "max_steps": options.steps,
        "eval_steps": max(1, options.steps // 2),
        "save_steps": options.steps,
    }
    spec: dict[str, Any] = {
        "trainer": "trl",
        "config": config,
        "train": str(rows),
        "validation": str(validation),
        "base": {"folder": str(model), "digest": "0" * 64, "adapter": None},
        "folder": str(folder / "model"),
        "kept": str(folder / "kept"),
    }
    events: list[Mapping[str, Any]] = []

    def hear(event: Mapping[str, Any]) -> None:
        events.append(event)
        if event["event"] == "note":
            print(f"  {event['text']}", flush=True)

    run_job("train", spec, folder / "job", hear)
    return curve(events, options.length)


def curve(events: list[Mapping[str, Any]], length: int) -> Curve:
    steps = [event for event in events if "loss" in event]
    evaluated = {event["done"] for event in events if "eval_loss" in event}
    spans = [
        after["time"] - before["time"]
        for before, after in zip(steps[WARM:], steps[WARM + 1 :], strict=False)
        if before["done"] not in evaluated  # a validation lies between
    ]
    seconds = statistics.median(spans)
    return Curve(
        [step["loss"] for step in steps],
        [step["grad_norm"] for step in steps],
        [event["eval_loss"] for event in events if "eval_loss" in event],
        round(seconds, 4),
        round(BATCH * length / seconds, 1),
    )


def furthest(one: list[float], other: list[float]) -> float:
    """The largest relative difference of two curves."""
    return max(abs(a - b) / abs(a) for a, b in zip(one, other, strict=True))


def prepare(folder: Path, size: str, length: int) -> tuple[Path, Path, Path]:
    from docutune.hf.tiny import make_tokenizer

    tokenizer = make_tokenizer(list(islice(shapes.sources(), 60)), 8192)
    if size == "tiny":
        shapes.SIZES["tiny"] = TINY
        shapes.VOCABULARY = 8192
    shapes.write_model(folder / size, size, tokenizer)
    rows, validation = folder / "rows.jsonl", folder / "validation.jsonl"
    shapes.write_rows(rows, tokenizer, ROWS + VALIDATION, length)
    lines = rows.read_text("utf-8").splitlines(keepends=True)
    rows.write_text("".join(lines[:ROWS]), "utf-8")
    validation.write_text("".join(lines[ROWS:]), "utf-8")
    return folder / size, rows, validation


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="0.6b", choices=[*shapes.SIZES, "tiny"])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--micro", type=int, default=4)
    parser.add_argument("--length", type=int, default=shapes.LENGTH)
    parser.add_argument("--devices", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, rows, validation = prepare(folder, options.size, options.length)
        curves = {}
        for devices in (1, options.devices):
            curves[devices] = train(devices, model, rows, validation, options, folder / str(devices))
            print(f"devices: {devices}: {curves[devices].tokens_per_second:,} tokens/s", flush=True)
    one, several = curves[1], curves[options.devices]
    found = {
        "size": options.size,
        "steps": options.steps,
        "loss": [one.loss[0], one.loss[-1]],
        "loss differs by at most": furthest(one.loss, several.loss),
        "eval_loss differs by at most": furthest(one.eval_loss, several.eval_loss),
        "grad_norm differs by at most": furthest(one.grad_norm, several.grad_norm),
        "times as fast": round(one.seconds / several.seconds, 3),
    }
    print(json.dumps(found, indent=2))
    if options.out:
        whole = {**found, "curves": {str(devices): asdict(curve) for devices, curve in curves.items()}}
        options.out.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    alike = max(found["loss differs by at most"], found["eval_loss differs by at most"]) <= MOST_DIFFERENCE
    fast = options.size == "tiny" or found["times as fast"] >= LEAST_SPEED
    return 0 if alike and fast else 1


if __name__ == "__main__":
    sys.exit(main())
