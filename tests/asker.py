"""A generator that asks the server in chat_server.py about each function of a small library, and a project with it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chat_server import Asked, ChatServer, Sent, said
from installed import Installed

KEY = "sk-this-is-the-secret-key-of-the-tests"
ASKER = """
from pydantic import BaseModel, ConfigDict
from docutune import ChatConfig, Registration, hookimpl
from docutune.records import Message, Sample, Task

class Config(ChatConfig):
    pass

class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Answer(BaseModel):
    answer: str

class Asker:
    def __init__(self, config): pass
    def tasks(self, library):
        for symbol in library.public():
            if symbol.kind == "function":
                yield Task({"name": symbol.name, "about": symbol.docstring}, (symbol.span,))
    async def run(self, task, context, complaint=None):
        name = task.payload["name"]
        question = f"What is {name}? {task.payload['about']}"
        asked = question + (f" Last time: {complaint}" if complaint else "")
        reply = await context.chat.ask([Message("user", asked)], Answer)
        return [Sample((Message("user", question), Message("assistant", reply.answer)), "purpose", name, (name,))]

@hookimpl
def docutune_generators():
    return [Registration("asker", REVISION, "Asks", CONFIG, "asker:Asker")]
"""


class Project:
    """A library of functions part_000, part_001, ... and a pipeline that asks the server about each."""

    def __init__(self, installed: Installed, server: ChatServer, functions: int, about: Mapping[int, str] = {}) -> None:
        self.installed, self.work = installed, installed.work
        self.install()
        (self.work / "src").mkdir()
        for number in range(functions):
            text = about.get(number, f"Piece {number:03} of the whole.")
            code = f'def part_{number:03}() -> int:\n    """{text}"""\n    return {number}\n'
            (self.work / f"src/m{number:03}.py").write_text(code)
        self.options = {"model": "openai:tested", "base_url": server.url, "concurrency": 16, "api_key_env": "TEST_KEY"}
        self.budget: dict[str, float] = {}
        self.write()

    def install(self, revision: int = 1, config: str = "Config") -> None:
        code = ASKER.replace("REVISION", str(revision)).replace("CONFIG", config)
        self.installed.install("asker", {"asker.py": code}, "asker = asker")

    def write(self, **options: Any) -> None:
        self.options |= options
        self.write_with()

    def write_with(self, **sections: Any) -> None:
        """The pipeline file, with other sections in it."""
        pipeline = {
            "version": 1,
            "project": "acme",
            "sources": [{"path": "src"}],
            "generate": [{"uses": "asker", "with": self.options}],
            "curate": [],
            "split": {"rephrased": 0, "validation": 0},
            **({"budget": self.budget} if self.budget else {}),
            **sections,
        }
        (self.work / "pipeline.yaml").write_text(json.dumps(pipeline))

    def run(self, *arguments: str, **variables: str) -> Any:
        return self.installed.answer("run", *arguments, **{"TEST_KEY": KEY, **variables})

    def fail(self, *arguments: str) -> str:
        """What a run that must not succeed says in its last lines."""
        done = self.installed.docutune("run", *arguments, TEST_KEY=KEY)
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        return str(done.stderr).partition("error: ")[2]

    def killed(self, when: Callable[[], bool]) -> None:
        """A run that is killed as soon as that is so."""
        code = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
        path = os.pathsep.join(filter(None, [str(self.installed.site), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": path, "TEST_KEY": KEY}
        command = [sys.executable, "-c", code, "run"]
        with subprocess.Popen(command, cwd=self.work, env=environment, stderr=subprocess.PIPE) as process:
            deadline = time.monotonic() + 50
            while process.poll() is None and not when() and time.monotonic() < deadline:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            _, said_last = process.communicate()
        time.sleep(0.3)  # what it sent last reaches the server
        assert process.returncode == -signal.SIGKILL, said_last.decode()

    @property
    def replies(self) -> int:
        return sum(
            1 for path in (self.work / ".docutune/replies").rglob("*") if re.fullmatch(r"[0-9a-f]{62}", path.name)
        )

    @property
    def last(self) -> Path:
        return (self.work / ".docutune/runs/latest").resolve()

    def samples(self) -> dict[str, str]:
        rows = map(json.loads, (self.last / "samples.jsonl").read_text().splitlines())
        return {row["fact"]: row["messages"][-1]["content"] for row in rows}

    def rejected(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.last / "rejected.jsonl").read_text().splitlines()]

    def manifest(self) -> Any:
        return json.loads((self.last / "manifest.json").read_text())


def number(asked: Asked) -> int:
    found = re.search(r"part_(\d+)", asked.content)
    assert found
    return int(found[1])


def right(asked: Asked) -> Sent:
    return said({"answer": f"It is number {number(asked)} of all."})
