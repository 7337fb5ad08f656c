"""A model is loaded, asked and unloaded again and again: resident memory comes back to where it was before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from docutune.jobs import open_session, run_job
from docutune.owner import Process, family
from docutune.records import Message, ModelRef, Sampling

TIMES, FEWER = 20, 3
BAND = 0.1  # of the memory before the first load: how near it must come back


def main(short: bool, seed: int) -> list[str]:
    """Print every load; one line for each that left memory behind. In a process of its own, that does nothing else."""
    with tempfile.TemporaryDirectory(prefix="docutune-soak-") as root:
        folder = Path(root)
        (folder / "texts.jsonl").write_text(json.dumps({"text": "The function fetch reads one page. " * 400}) + "\n")
        spec = {"texts": str(folder / "texts.jsonl"), "seed": seed, "folder": str(folder / "model")}
        run_job("pretrain", spec, folder / "job", lambda _: None)
        command = [sys.executable, __file__, str(folder / "model"), str(FEWER if short else TIMES)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    print(done.stdout, end="")
    lost = [line.removeprefix("LOST ") for line in done.stdout.splitlines() if line.startswith("LOST ")]
    return lost if done.returncode == bool(lost) else [*lost, done.stderr]


def load_and_unload(model: ModelRef, times: int) -> int:
    """How often memory did not come back."""
    lost, level = 0, _resident()
    for number in range(1, times + 1):
        before = _resident()
        with open_session("local", {"quantization": "none"}, model, Path(f"job-{number}")) as session:
            variant = "tuned" if model.adapter else "base"
            list(session.stream((Message("user", "What does fetch do?"),), variant, Sampling(max_new_tokens=8)))
            held = _resident()
        after = _resident()
        back = after <= level * (1 + BAND)
        lost += not back
        mark = "" if back else "LOST "
        print(f"{mark}{number}: {_mib(before)} before, {_mib(held)} loaded, {_mib(after)} after", flush=True)
    return lost


def _resident() -> int:
    """Bytes that this process and all below it hold."""
    this = Process.of(os.getpid())
    below = family(this) if this else []
    return sum(_rss(Path(f"/proc/{number}/status")) for number in (os.getpid(), *(process.pid for process in below)))


def _rss(status: Path) -> int:
    try:
        lines = status.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


if __name__ == "__main__":
    *folders, times = sys.argv[1:]
    given = ModelRef(Path(folders[0]), "digest", Path(folders[1]) if folders[1:] else None)
    sys.exit(1 if load_and_unload(given, int(times)) else 0)
