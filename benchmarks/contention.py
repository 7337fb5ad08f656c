"""Times a pre-training step of builtin/tiny beside another busy process, with spinning and with sleeping threads.

    python benchmarks/contention.py [--rounds 3]

Prints the medians and their ratio; both ways are measured in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHILD = """
import json, sys, time
from pathlib import Path
from docutune.hf import tiny
class Context:
    seed, folder, times = 0, Path(sys.argv[2]), []
    def progress(self, done, total=None, **figures):
        self.times.append(time.monotonic())
context = Context()
tiny.make(Path(sys.argv[1]), context)
print(json.dumps([later - now for now, later in zip(context.times[2:], context.times[3:])]))
"""


def step_seconds(policy: str, folder: Path) -> float:
    """The median time of a step; the corpus is the source of this file's own package, cut short."""
    (folder / policy).mkdir(exist_ok=True)
    environment = {**os.environ, "OMP_WAIT_POLICY": policy}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder / "texts.jsonl"), str(folder / policy)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return statistics.median(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    import docutune

    text = "".join(path.read_text() for path in sorted(Path(docutune.__file__).parent.glob("*.py")))[:60_000]
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "texts.jsonl").write_text(json.dumps({"text": text}) + "\n")
            times: dict[str, list[float]] = {"ACTIVE": [], "PASSIVE": []}
            for _ in range(rounds):
                for policy, found in times.items():
                    found.append(step_seconds(policy, folder))
                    print(f"{time.strftime('%X')} {policy}: {found[-1]:.3f} s a step", flush=True)
    finally:
        for process in busy:
            process.kill()
    active, passive = (statistics.median(found) for found in times.values())
    print(f"spinning {active:.3f} s, sleeping {passive:.3f} s, ratio {active / passive:.1f}")


if __name__ == "__main__":
    main()
