"""A runtime that repeats what it hears, and a workspace whose newest model it opens: chats without torch."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pexpect
from installed import Installed

from docutune.workspace import write_manifest

COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
PIPELINE = "version: 1\nproject: acme\nsources:\n  - path: acme.py\n"
LONGEST = 40
"""Words that the runtime takes as one conversation."""
PARROT = f"""
import time
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, hookimpl
from docutune.errors import TooLong
from docutune.records import Streamed

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Parrot:
    def __init__(self, config): pass
    def open(self, model): return self
    def answer(self, probes, variant): return iter(())
    def close(self): pass
    def stream(self, messages, variant, sampling):
        words = sum(len(message.content.split()) for message in messages)
        if words > {LONGEST}: raise TooLong(words, {LONGEST})
        asked = messages[-1].content
        if "fail" in asked: raise RuntimeError("no room")
        heard = [f"{{message.role}} {{message.content}}" for message in messages[:-1]]
        for piece in (f"{{variant}} heard ", f"**{{asked}}**", *(f"\\n- after {{text}}" for text in heard)):
            yield piece
        said = 0
        try:
            while "wait" in asked and variant == "tuned" and not Path("go on").exists():
                more = Path(f"say {{said}}").exists()
                yield f" {{said}}" if more else ""
                said += more
                time.sleep(0.02)
        except GeneratorExit:
            Path("left").touch()
            raise
        yield "\\n\\nThat is all."
        return Streamed(sampling.max_new_tokens > 1, words, 1)

@hookimpl
def docutune_runtimes():
    return [Registration("parrot", 1, "Repeats", Config, "parrot:Parrot")]
"""


def workspace(installed: Installed) -> Path:
    """A project with a pipeline file and the model "polly"; its `.docutune/`."""
    installed.install("parrot", {"parrot.py": PARROT}, "parrot = parrot")
    (installed.work / "acme.py").write_text('"""Parcels."""\n')
    (installed.work / "pipeline.yaml").write_text(PIPELINE)
    store = installed.work / ".docutune"
    run = store / "runs/20260101-000000"
    for folder in (run, store / "a", store / "b"):
        folder.mkdir(parents=True)
    model = {"name": "polly", "key": "k" * 64, "trainer": "t", "base": "b", "base_digest": "d", "base_folder": "b"}
    facts: dict[str, Any] = {"run": run.name, "project": "acme", "outcome": "finished", "seconds": 1.0, "steps": []}
    facts |= {"started": "2026-01-01T00:00:00+00:00", "finished": None, "models": [{**model, "adapter": "a"}]}
    write_manifest(run, {**facts, "runtime": {"uses": "parrot", "options": {}}})
    return store


class Screen:
    """A real terminal with `docutune chat` in it."""

    def __init__(self, installed: Installed, *arguments: str, size: tuple[int, int] = (40, 100)) -> None:
        path = os.pathsep.join([str(installed.site), os.environ.get("PYTHONPATH", "")])
        own = {"PYTHONPATH": path, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self._process: Any = pexpect.spawn(
            sys.executable,
            ["-c", COMMAND, "chat", *arguments],
            cwd=str(installed.work),
            env={**variables, **own},
            dimensions=size,
            encoding="utf-8",
            timeout=120,
        )
        self._raw = ""
        self._at = 0

    def see(self, text: str) -> str:
        """Wait for a text behind what was seen before; what came up to it, without control sequences."""
        while text not in (shown := self.everything)[self._at :]:
            try:
                self._raw += self._process.read_nonblocking(4096, 120)
            except (pexpect.EOF, pexpect.TIMEOUT):
                raise AssertionError(f"no {text!r} in {shown[self._at :]!r}") from None
        begin, self._at = self._at, shown.index(text, self._at) + len(text)
        return shown[begin : self._at]

    @property
    def everything(self) -> str:
        """All that was on the screen so far, without control sequences."""
        return _CONTROL.sub("", self._raw)

    def kill(self, signum: int) -> None:
        """Send it a signal that ends it."""
        self._process.kill(signum)
        self._process.wait()

    def type(self, text: str) -> None:
        """Press keys."""
        self._process.send(text)

    def ask(self, text: str) -> None:
        """A line at the prompt."""
        self.see("\n>")
        self.type(f"{text}\r")

    def end(self) -> int:
        """Wait for its end; the exit code."""
        self._process.expect(pexpect.EOF)
        self._process.close()
        return int(self._process.exitstatus)


_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[ -/]*[0-~])|[\r\x08]")
"""Control sequences of a terminal (ECMA-48, 5.3 and 5.4)."""


def chats(store: Path) -> list[list[dict[str, Any]]]:
    """The lines of every chat's file, the chat that was begun first at the head."""
    files = sorted((store / "chats").glob("*.jsonl"), key=lambda path: path.stat().st_ctime_ns)
    return [[json.loads(line) for line in path.read_text().splitlines()] for path in files]
