"""A project whose model was trained in a moment, and a runtime for it that writes slowly and counts every word.

docutune serve          # asked "w7 12", it writes "w7.0 w7.1 ... w7.11"
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from installed import Installed

PACKAGE = '''
import os, time
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, TrainingConfig, hookimpl
from docutune.errors import DocutuneError
from docutune.records import ModelRef, Streamed

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Training(TrainingConfig):
    pass

class Trainer:
    def __init__(self, config): pass
    def train(self, train, validation, base, context):
        adapter = context.folder / "adapter"
        adapter.mkdir()
        for name in ("adapter_config.json", "template.json", "adapter_model.safetensors"):
            (adapter / name).write_text("{}")
        return ModelRef(base.folder, base.digest, adapter)

class Scribe:
    """Writes words with the tag of the question; `hold` in the folder keeps the next word back."""
    def __init__(self, config): pass
    def open(self, model):
        while Path("loading").exists():
            time.sleep(0.01)
        return self
    def answer(self, probes, variant): return iter(())
    def close(self): pass
    def stream(self, messages, variant, sampling):
        tag, _, count = messages[-1].content.partition(" ")
        if tag == "refuse": raise DocutuneError("this cannot be answered", "ask something else")
        if tag == "break": raise RuntimeError("a bug with a secret in it")
        if tag == "die": os._exit(3)
        if tag == "echo":
            yield repr((variant, [(turn.role, turn.content) for turn in messages], sampling))
            return Streamed(True, 5, 1)
        Path(f"begun-{tag}").touch()
        wanted = int(count.split()[0])
        number = 0
        try:
            for number in range(min(wanted, sampling.max_new_tokens or 100000)):
                while Path("hold").exists():
                    time.sleep(0.002)
                    yield ""
                yield ("" if number == 0 else " ") + f"{tag}.{number}"
            return Streamed(number + 1 == wanted, len(messages), number + 1)
        finally:
            Path(f"over-{tag}").write_text(str(number + 1))

@hookimpl
def docutune_runtimes():
    return [Registration("scribe", 1, "Writes slowly", Config, "scribe:Scribe")]

@hookimpl
def docutune_trainers():
    return [Registration("instant", 1, "Trains nothing", Training, "scribe:Trainer")]
'''
PIPELINE = """
version: 1
project: acme
sources: [{path: acme.py}]
split: {rephrased: 0}
train: [{uses: instant, name: clerk, with: {model: ./base}}]
runtime: {uses: scribe}
evaluate: []
"""
CODE = '"""Parcels."""\n\n\ndef send():\n    """Send one parcel to a city and return its number."""\n'
COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]
KEY = "DOCUTUNE_TEST_KEY"


def prepare(project: Installed) -> None:
    """Install the package, write the sources, train."""
    project.install("scribe", {"scribe.py": PACKAGE}, "scribe = scribe")
    (project.work / "acme.py").write_text(CODE)
    (project.work / "base").mkdir()
    (project.work / "base/config.json").write_text("{}")
    (project.work / "base/model.safetensors").write_text("")
    (project.work / "pipeline.yaml").write_text(PIPELINE)
    project.answer("run")


@dataclass
class Served:
    """A server at work. `lines` are what it has said on stderr so far."""

    process: subprocess.Popen[str]
    host: str
    port: int
    said: str
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=60, **options)

    def ask(self, content: str, model: str = "clerk", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": content}], **more}
        return httpx.post(f"{self.url}/v1/chat/completions", json=body, timeout=60)

    def raw(self, sent: bytes) -> bytes:
        """All that comes back on a connection of its own."""
        with socket.create_connection((self.host, self.port), 60) as connection:
            connection.sendall(sent)
            received = b""
            while part := connection.recv(65536):
                received += part
        return received

    @property
    def worker(self) -> int:
        """The process that holds the model."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        (worker,) = map(int, Path(children).read_text().split())
        return worker

    def end(self, signum: int = signal.SIGINT) -> int:
        self.process.send_signal(signum)
        return self.process.wait(60)


@contextmanager
def serving(
    project: Installed, *arguments: str, wait: bool = True, variables: Mapping[str, str] = {}
) -> Iterator[Served]:
    """`docutune serve`; `wait`: until its model is loaded."""
    path = os.pathsep.join(filter(None, [str(project.site), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **variables}
    process = subprocess.Popen(
        [*COMMAND, "serve", *arguments],
        cwd=project.work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    served = Served(process, "127.0.0.1", 0, "")
    reader = threading.Thread(target=_read, args=(served,), daemon=True)
    reader.start()
    try:
        if wait:
            served.said = process.stdout.readline()
            found = re.search(r"http://(.+):(\d+)/v1$", served.said.strip())
            assert found, (served.said, served.lines)
            served.host, served.port = found[1].strip("[]"), int(found[2])
        yield served
    finally:
        process.kill()
        process.wait(60)
        reader.join(60)
        process.stdout.close()


def _read(served: Served) -> None:
    assert served.process.stderr is not None
    with served.process.stderr as stream:
        for line in stream:
            served.lines.append(line.rstrip("\n"))


def until(what: Callable[[], Any]) -> Any:
    """Wait for a state, at most so long that even a very slow machine has come to it."""
    pause, deadline = threading.Event(), time.monotonic() + 120
    while not (found := what()):
        assert time.monotonic() < deadline, "it never came to that"
        pause.wait(0.01)
    return found
