"""SIGKILL at any moment: nothing acknowledged is lost, nothing is torn, and the same command goes on to the same end.

The kill loops stand in tests/soak; `make soak` runs their long form.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

SOAK = Path(__file__).parent / "soak"


class Installed(Protocol):
    work: Path

    def answer(self, *arguments: str, **variables: str) -> Any: ...
    def docutune(self, *arguments: str, **variables: str) -> Any: ...


@pytest.mark.training
@pytest.mark.parametrize("part", ["pipeline", "books", "default-storage"])
def test_kills_lose_nothing(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Part "default-storage" is the loop of part "books" over TinyDB's own storage; there it must find losses."""
    done = subprocess.run([sys.executable, SOAK, part, "--short"], capture_output=True, text=True, timeout=500)
    with capsys.disabled():
        print(f"\n{done.stdout}", end="")
    assert done.returncode == 0, done.stderr
    assert " kills (" in done.stdout


def _delete(path: Path) -> None:
    path.unlink()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * (path.stat().st_size // 256))


def _half_a_page_of_noise(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(range(256)) * 8 + content[4096 + 2048 :])


@pytest.mark.parametrize("harm", [_delete, _truncate, _empty, _noise, _half_a_page_of_noise])
def test_the_catalog_is_rebuilt_by_one_command(environment: Installed, harm: Callable[[Path], None]) -> None:
    (environment.work / "acme.py").write_text('"""Parcels."""\n\n\ndef send():\n    """Send one parcel to a city."""\n')
    (environment.work / "pipeline.yaml").write_text("version: 1\nproject: acme\nsources: [{path: acme.py}]\n")
    for until in ("parse", "generate", "dataset"):
        environment.answer("run", "--until", until)
    before = environment.answer("status")
    assert len(before) == 3
    catalog = environment.work / ".docutune/catalog.sqlite"
    harm(catalog)
    done = environment.docutune("status", "--rebuild", "--json")
    assert done.returncode == 0, done.stderr
    assert "index rebuilt: 3 runs" in done.stderr
    assert json.loads(done.stdout) == before
    assert environment.answer("status") == before
    environment.answer("run")
    assert environment.answer("status")[1:] == before
