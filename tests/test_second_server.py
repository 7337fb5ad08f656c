"""Another real server, `transformers serve` with a tiny model: the same pipeline but for address and model."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from installed import Installed

GUIDE = (
    "# Guide\n\n" + "Acme sends parcels to every city of the country within two days. Nothing is lost on the way. " * 5
)
CODE = '"""Parcels."""\n\n\ndef send(grams: int) -> str:\n    """Send one parcel and return its number."""\n'


OF_A_SYMBOL = ("how-to", "task-to-code", "bug-fix", "signature", "negative")
OF_A_SECTION = ("question-answer", "explanation", "dialogue")


@dataclass(frozen=True)
class Context:
    """A contracts.Context in this process."""

    seed: int
    folder: Path

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        """Nobody looks."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with docutune's own recipe, hardly schooled: all it says is nonsense."""
    from docutune.hf.tiny import Recipe, make

    folder = tmp_path_factory.mktemp("tiny")
    (folder / "texts.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in (GUIDE, CODE)))
    recipe = Recipe(vocabulary=400, hidden=64, fewest_steps=1, most_steps=1)
    return make(folder / "texts.jsonl", Context(0, folder / "model"), recipe).folder


@pytest.fixture(scope="module")
def url(tiny: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tiny.parent / "log.txt").open("w")
    command = ["serve", str(tiny), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    server = subprocess.Popen([sys.executable, "-m", "transformers.cli.transformers", *command], stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, tiny.parent / "log.txt")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_the_same_pipeline_speaks_to_another_server(environment: Installed, tiny: Path, url: str) -> None:
    for name, text in {"docs/guide.md": GUIDE, "src/acme.py": CODE}.items():
        (environment.work / name).parent.mkdir()
        (environment.work / name).write_text(text)
    kinds = [*OF_A_SECTION, *OF_A_SYMBOL]
    options = {"model": f"openai:{tiny}", "base_url": url, "max_tokens": 24, "concurrency": 1, "kinds": kinds}
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources: [{path: docs}, {path: src}]\n"
        f"generate: [{{uses: grounded}}, {{uses: langchain, with: {json.dumps(options)}}}]\n"
    )
    summary = environment.answer("run")
    assert summary["outcome"] == "finished"
    manifest = json.loads((environment.work / ".docutune/runs/latest/manifest.json").read_text())
    figures = {step["name"]: step["figures"] for step in manifest["steps"]}
    asked = figures["generate:langchain"]
    assert asked["rejected"] == 8, "a section in three kinds and a symbol in five: nonsense, all of it"
    assert asked["samples"] == figures["generate:grounded"]["samples"] > 0
    assert manifest["spending"]["requests"] == 16, "each task was asked for twice"
    assert 0 < manifest["spending"]["output_tokens"] <= 16 * 24, "as the server counts"
    left_out = (environment.work / ".docutune/runs/latest/rejected.jsonl").read_text().splitlines()
    reasons = {row["reason"] for row in map(json.loads, left_out) if row["producer"] == "langchain"}
    assert reasons
    assert all(reason.startswith("the reply ") for reason in reasons), reasons
    environment.answer("run")
    again = json.loads((environment.work / ".docutune/runs/latest/manifest.json").read_text())
    assert {step["status"] for step in again["steps"]} == {"reused"}
