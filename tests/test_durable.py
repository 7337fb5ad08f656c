"""Whatever a run publishes survives a power failure: written under a temporary name, synced, renamed, folder synced."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOAK = Path(__file__).parent / "soak"


def test_everything_published_is_synced_before_and_after_its_rename() -> None:
    done = subprocess.run([sys.executable, SOAK, "order"], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "; 0 out of order" in done.stdout
