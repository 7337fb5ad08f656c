"""Times `docutune --help` against `pytest --version`, interleaved in one run; exits with 1 when the ratio is above 1.2.

    python benchmarks/startup.py [--rounds 30] [--bin VENV/bin]

Both are started through their console scripts, from the environment that runs this file or from `--bin`.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT = 1.2
COMMANDS = (("pytest", "--version"), ("docutune", "--help"), ("python", "-c", "pass"))


def main() -> int:
    arguments = parse_arguments()
    samples = measure(arguments.bin, arguments.rounds)
    medians = {command: statistics.median(times) for command, times in samples.items()}
    reference, ours, python = (medians[command] for command in COMMANDS)
    for command, times in samples.items():
        print(f"{' '.join(command):<20} median {medians[command] * 1000:6.1f} ms, fastest {min(times) * 1000:6.1f} ms")
    print(f"docutune --help takes {ours / reference:.2f} times as long as pytest --version (at most {LIMIT})")
    print(f"without Python's own start-up: {(ours - python) / (reference - python):.2f} times")
    return int(ours / reference > LIMIT)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time docutune --help against pytest --version.")
    parser.add_argument("--rounds", type=int, default=30, help="measurements of each command")
    parser.add_argument("--bin", type=Path, default=Path(sys.executable).parent, help="folder of the console scripts")
    return parser.parse_args()


def measure(folder: Path, rounds: int) -> dict[Sequence[str], list[float]]:
    """Seconds that each command takes, in turns, so that noise hits all alike; the first round is not counted."""
    samples: dict[Sequence[str], list[float]] = {command: [] for command in COMMANDS}
    with tempfile.TemporaryDirectory() as empty:
        for round_number in range(rounds + 1):
            for command in COMMANDS:
                seconds = once([str(folder / command[0]), *command[1:]], empty)
                if round_number:
                    samples[command].append(seconds)
    return samples


def once(command: Sequence[str], folder: str) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
