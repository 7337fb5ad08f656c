"""Measures the GPU memory of QLoRA by docutune's own trainers: random weights of Qwen3's shapes, rows of 1,024 tokens.

    python benchmarks/training_memory.py [--sizes 0.6b 1.7b 4b] [--trainers trl unsloth] [--cap GIB] [--together]

NF4 doubly quantized, LoRA of rank 16 on every linear layer, one row a pass and 16 passes a step, gradient
checkpointing, 8-bit AdamW. Each trainer works in a process of its own; the peaks are torch's: the most bytes allocated,
and the most reserved, which adds what the allocator keeps for the next time. `--cap` sets max_memory_gib; `--together`
lets all processes work at once on a large GPU, which changes no peak, but the times. Exits with 1 when one fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import shapes

GIB = 2**30
OPTIONS: dict[str, Any] = {
    "lora_rank": 16,
    "quantization": "nf4",
    "batch_size": 16,
    "micro_batch_size": 1,
    "max_length": shapes.LENGTH,
    "max_steps": 3,
    "gradient_checkpointing": True,
    "optimizer": "adamw_8bit",
}


class Context:
    """What core lends to a trainer; notes the memory at every sign of life."""

    seed = 0

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder / "model", folder / "kept"
        for path in (self.folder, self.kept):
            path.mkdir(parents=True)
        self.figures: dict[str, float] = {}
        self.trace: list[tuple[int, float, float, float]] = []
        self.started = time.monotonic()

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        import torch

        self.figures.update(figures)
        memory = (torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated())
        line = (done, round(time.monotonic() - self.started, 1), *(round(size / GIB, 3) for size in memory))
        if not self.trace or self.trace[-1][0] != done or self.trace[-1][3] != line[3]:
            self.trace.append(line)

    def note(self, text: str) -> None:
        print("note:", text, flush=True)


def train_one(trainer: str, model: Path, rows: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Train in this process; the peaks in GiB."""
    from docutune.records import ModelRef
    from docutune.registry import Registry

    registry = Registry.load()
    entry = registry.get("trainer", trainer)
    config = entry.registration.config.model_validate({**options, "model": str(model)})
    with tempfile.TemporaryDirectory() as name:
        context = Context(Path(name))
        registry.create(entry, config).train(rows, None, ModelRef(model, "0" * 64), context)
    import torch

    peaks = {"allocated": torch.cuda.max_memory_allocated(), "reserved": torch.cuda.max_memory_reserved()}
    return {
        **{name: round(size / GIB, 3) for name, size in peaks.items()},
        "tokens_per_second": context.figures.get("tokens_per_second"),
        "loss": context.figures.get("loss"),
        "trace": context.trace,
    }


def start(trainer: str, size: str, folder: Path, options: dict[str, Any]) -> subprocess.Popen[bytes]:
    log = (folder / f"{trainer}-{size}.log").open("wb")
    arguments = ["--one", trainer, size, "--models", str(folder), "--options", json.dumps(options)]
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=log, stderr=subprocess.STDOUT)


def result(trainer: str, size: str, folder: Path) -> dict[str, Any]:
    lines = (folder / f"{trainer}-{size}.log").read_text("utf-8", errors="replace").splitlines()
    found = [line for line in lines if line.startswith("RESULT ")]
    return json.loads(found[-1].removeprefix("RESULT ")) if found else {"failed": lines[-1:] or ["no output"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=list(shapes.SIZES))
    parser.add_argument("--trainers", nargs="+", default=["trl", "unsloth"])
    parser.add_argument("--cap", type=float)
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--models", type=Path, default=Path("build/benchmarks/shapes"), help="made there where missing")
    parser.add_argument("--options", type=json.loads, default={}, help="options of the training, as JSON")
    parser.add_argument("--one", nargs=2, metavar=("TRAINER", "SIZE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        trainer, size = asked.one
        rows = asked.models / "rows.jsonl"
        print("RESULT", json.dumps(train_one(trainer, (asked.models / size).resolve(), rows, asked.options)))
        return 0
    missing = [size for size in asked.sizes if not (asked.models / size / "config.json").is_file()]
    if missing:
        subprocess.run([sys.executable, shapes.__file__, str(asked.models), *missing], check=True)
    options = {**OPTIONS, **({"max_memory_gib": asked.cap} if asked.cap else {}), **asked.options}
    wanted = [(trainer, size) for trainer in asked.trainers for size in asked.sizes]
    running = []
    for trainer, size in wanted:
        running.append(start(trainer, size, asked.models, options))
        if not asked.together:
            running[-1].wait()
    for process in running:
        process.wait()
    failed = False
    for trainer, size in wanted:
        figures = result(trainer, size, asked.models)
        failed |= "failed" in figures
        print(json.dumps({"trainer": trainer, "size": size, **figures}), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
