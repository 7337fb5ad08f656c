"""Runs one pipeline.yaml through both trainers, with and without packing, and compares validation losses and speed.

    python benchmarks/backends.py FOLDER... [--model builtin/tiny] [--steps 120] [--most 0.03] [--set KEY=VALUE ...]

FOLDER: documents and code of a library. The file is written once; `docutune run --trainer` names the trainer and
`--set` switches packing, so all else is the same. The speed is that of the second half of a training, in tokens that
are no padding. Exits with 1 when a training fails, or when the validation losses of the two trainers differ by more
than `--most`, packed or not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TRAINERS = ("trl", "unsloth")
PIPELINE = """\
version: 1
project: library
language: en
sources: [{sources}]
generate: [{{uses: grounded, with: {{max_facts: 200, phrasings: 5, max_answer_chars: 600}}}}]
split: {{rephrased: 0.1, validation: 0.1, seed: 0}}
train:
  - name: model
    uses: trl
    with: {{model: {model}, lora_rank: 16, learning_rate: {rate}, max_steps: {steps}, eval_steps: {steps},
      save_steps: {steps}, batch_size: 16, max_length: 512}}
"""
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"


def train(workspace: Path, trainer: str, packing: bool, changes: list[str]) -> dict[str, Any]:
    """The figures of one training, and the tokens per second of its second half."""
    arguments = ["run", "--until", "train:model", "--trainer", trainer, "--json"]
    for change in (f"train[0].with.packing={str(packing).lower()}", *changes):
        arguments += ["--set", change]
    done = subprocess.run([sys.executable, "-c", COMMAND, *arguments], cwd=workspace, capture_output=True, text=True)
    if done.returncode:
        log = workspace / ".docutune/runs/latest/jobs/model/log.txt"
        tail = log.read_text("utf-8", errors="replace")[-3000:] if log.is_file() else ""
        return {"failed": done.stderr.splitlines()[-2:], "log": tail}
    events = workspace / ".docutune/runs/latest/jobs/model/events.jsonl"
    told = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    figures = next(event["result"]["figures"] for event in told if event["event"] == "result")
    return {name: figures[name] for name in ("loss", "eval_loss", "memory_gib") if name in figures} | speed(told)


def speed(told: list[dict[str, Any]]) -> dict[str, float]:
    """Tokens per second between the middle and the end of the steps, from times and running means."""
    begun = next(event["time"] for event in told if event["event"] == "progress")
    steps = [event for event in told if "loss" in event]
    middle, last = steps[len(steps) // 2], steps[-1]
    counts = [event["tokens_per_second"] * (event["time"] - begun) for event in (middle, last)]
    return {"tokens_per_second": round((counts[1] - counts[0]) / (last["time"] - middle["time"]))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", default="builtin/tiny")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--most", type=float, default=0.03)
    parser.add_argument("--set", dest="changes", nargs="*", default=[])
    asked = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name)
        for folder in asked.folders:
            shutil.copytree(folder, workspace / folder.name)
        sources = ", ".join(f"{{path: {folder.name}}}" for folder in asked.folders)
        text = PIPELINE.format(sources=sources, model=asked.model, rate=asked.rate, steps=asked.steps)
        (workspace / "pipeline.yaml").write_text(text, "utf-8")
        for packing in (False, True):
            losses = []
            for trainer in TRAINERS:
                figures = train(workspace, trainer, packing, asked.changes)
                print(json.dumps({"trainer": trainer, "packing": packing, **figures}), flush=True)
                losses.append(figures.get("eval_loss"))
            apart = abs(losses[0] - losses[1]) / min(losses) if all(losses) else None
            print(f"packing {packing}: validation losses differ by {apart if apart is None else format(apart, '.2%')}")
            failed |= apart is None or apart > asked.most
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
