"""A disk that is full or read-only gives one line and loses nothing; with room again the same command goes on.

The loop stands in tests/soak; `make soak` runs its long form.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from installed import Installed

SOAK = Path(__file__).parent / "soak"
TALKER = """
from docutune import Registration, TrainingConfig, hookimpl

class Talker:
    def __init__(self, config): pass
    def train(self, train, validation, base, context):
        for step in range(10_000): context.progress(step)

@hookimpl
def docutune_trainers(): return [Registration("talker", 1, "Talks", TrainingConfig, "talker:Talker")]
"""


@pytest.mark.training
def test_a_full_disk_gives_one_line_and_loses_nothing(record_property: Callable[[str, object], None]) -> None:
    done = subprocess.run([sys.executable, SOAK, "disk", "--short"], capture_output=True, text=True, timeout=500)
    record_property("counts", done.stdout)
    assert done.returncode == 0, done.stderr
    assert "commands refused" in done.stdout


def test_weights_that_find_no_room_are_told_with_their_bytes(tmp_path: Path) -> None:
    code = (
        "import resource, torch; from pathlib import Path; from safetensors.torch import save_file\n"
        "from docutune.hf import saving\n"
        "weights = torch.zeros(1000, 1000)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "with saving(Path('model'), [weights]): save_file({'weights': weights}, 'weights.safetensors')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "DiskError: model: cannot write 4,000,000 bytes: File too large" in done.stderr


def test_a_line_that_finds_no_room_leaves_nothing_behind(environment: Installed) -> None:
    code = (
        "import resource; from pathlib import Path; from docutune import atomic\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "for word in (b'a' * 39, b'b' * 39, b'c' * 39): atomic.append(Path('lines'), word + b'\\n')\n"
    )
    done = environment.python(code)
    assert "DiskError: lines: cannot write 40 bytes: File too large" in done.stderr
    assert (environment.work / "lines").read_bytes() == b"a" * 39 + b"\n" + b"b" * 39 + b"\n"


def test_a_worker_that_cannot_write_why_it_failed_says_so_all_the_same(environment: Installed) -> None:
    environment.install("talker", {"talker.py": TALKER}, "talker = talker")
    code = (
        "import resource; from pathlib import Path; from docutune.jobs import run_job\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "spec = {'trainer': 'talker', 'config': {'model': 'm'}, 'train': 't', 'base': {'folder': 'f', 'digest': 'd'}}\n"
        "run_job('train', spec, Path('job').absolute(), lambda event: None)\n"
    )
    done = environment.python(code)
    assert f"DiskError: {environment.work / 'job/events.jsonl'}: cannot write " in done.stderr
    lines = (environment.work / "job/events.jsonl").read_text().splitlines()
    assert len(lines) > 100
    assert lines[-1].endswith("}")
