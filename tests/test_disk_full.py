"""A disk that is full or read-only gives one line and loses nothing; with room again the same command goes on.

The loop stands in tests/soak; `make soak` runs its long form.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parent / "soak"


@pytest.mark.training
def test_a_full_disk_gives_one_line_and_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run([sys.executable, SOAK, "disk", "--short"], capture_output=True, text=True, timeout=500)
    with capsys.disabled():
        print(f"\n{done.stdout}", end="")
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
    assert "DocutuneError: model: cannot write 4,000,000 bytes: File too large" in done.stderr
