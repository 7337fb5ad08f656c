"""Stops a training on this machine's GPU, lets it go on in a new process, and compares what it leaves to the bit.

    python benchmarks/resume.py [--trainers trl unsloth] [--rows padded packed] [--stops 3 7]

Ten steps of QLoRA on builtin/tiny with dropout, two passes a step, validation losses between the steps, packed and not.
Each training runs twice without a stop, which must give the same, and once with a stop at each of the steps. Compared
are the SHA-256 of the adapter and of weights and optimizer in the last checkpoint. Exits with 1 when one differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

STEPS = 10
OPTIONS: dict[str, Any] = {
    "model": "builtin/tiny",
    "lora_rank": 8,
    "lora_dropout": 0.1,
    "learning_rate": 1e-3,
    "max_steps": STEPS,
    "batch_size": 4,
    "micro_batch_size": 2,
    "max_length": 256,
    "eval_steps": 4,
    "save_steps": 2,
}


class Stopping:
    """What core lends to a trainer, and the user who stops it in the step after `stop`."""

    seed = 0

    def __init__(self, folder: Path, kept: Path, stop: int | None) -> None:
        self.folder, self.kept, self.stop = folder, kept, stop

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        from docutune.errors import Cancelled

        if self.stop is not None and done >= self.stop:
            raise Cancelled

    def note(self, text: str) -> None:
        print("note:", text, flush=True)


def one(trainer: str, folder: Path, name: str, stop: int | None, options: dict[str, Any]) -> None:
    """In this process: train, or go on, until `stop`."""
    from docutune.errors import Cancelled
    from docutune.models import folder_digest
    from docutune.records import ModelRef
    from docutune.registry import Registry

    registry = Registry.load()
    entry = registry.get("trainer", trainer)
    config = entry.registration.config.model_validate(options)
    base = ModelRef(folder / "base", folder_digest(folder / "base"))
    context = Stopping(folder / name / "model", folder / name / "kept", stop)
    for path in (context.folder, context.kept):
        path.mkdir(parents=True, exist_ok=True)
    try:
        registry.create(entry, config).train(folder / "train.jsonl", folder / "validation.jsonl", base, context)
    except Cancelled:
        print("stopped", flush=True)


def made(folder: Path) -> dict[str, str]:
    """SHA-256 of what a training left."""
    steps = (folder / "kept/checkpoints").glob("*/weights.safetensors")
    last = max((path.parent for path in steps), key=lambda path: path.stat().st_mtime)
    files = {"adapter": folder / "model/adapter/adapter_model.safetensors"}
    files |= {path.name: path for path in sorted(last.glob("*.safetensors")) if "random" not in path.name}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def run(trainer: str, folder: Path, name: str, stops: list[int | None], options: dict[str, Any]) -> dict[str, str]:
    (folder / name).mkdir()
    with (folder / name / "log.txt").open("ab") as log:
        for stop in stops:
            order = ["--one", trainer, name, json.dumps(stop), "--folder", str(folder)]
            order += ["--options", json.dumps(options)]
            subprocess.run([sys.executable, __file__, *order], stdout=log, stderr=log, check=False)
    try:
        return made(folder / name)
    except (OSError, ValueError):
        print((folder / name / "log.txt").read_text("utf-8", errors="replace")[-1500:])
        return {}


def prepare(folder: Path) -> None:
    """A base that was schooled for a few steps, and samples of different lengths."""
    from docutune.hf.tiny import Recipe, make

    (folder / "base").mkdir()
    (folder / "texts.jsonl").write_text(json.dumps({"text": "A text on the parcels of acme. " * 80}) + "\n", "utf-8")
    make(folder / "texts.jsonl", Stopping(folder / "base", folder, None), Recipe(fewest_steps=5, most_steps=5))
    for name, count in (("train", 64), ("validation", 6)):
        rows = (
            [f"What is parcel {number} of {name}?", f"It is {number}. " * (1 + number % 9)] for number in range(count)
        )
        told = ({"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]} for q, a in rows)
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainers", nargs="+", default=["trl", "unsloth"])
    parser.add_argument("--rows", nargs="+", default=["padded", "packed"])
    parser.add_argument("--stops", nargs="+", type=int, default=[3, 7])
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--options", type=json.loads, default={}, help="options of the training, as JSON")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        trainer, name, stop = asked.one
        one(trainer, asked.folder, name, json.loads(stop), asked.options)
        return 0
    failed = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder)
        for trainer in asked.trainers:
            for rows in asked.rows:
                options = {**OPTIONS, "packing": rows == "packed", **asked.options}
                case = f"{trainer}-{rows}"
                whole, again = (run(trainer, folder, f"{case}-{turn}", [None], options) for turn in (1, 2))
                stopped = run(trainer, folder, f"{case}-stopped", [*asked.stops, None], options)
                alike = {"twice the same": bool(whole) and whole == again, "stopped the same": stopped == whole}
                print(json.dumps({"trainer": trainer, "rows": rows, **alike, "files": list(whole)}), flush=True)
                failed |= not all(alike.values())
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
