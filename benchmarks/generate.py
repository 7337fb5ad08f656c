"""Docutune's generation against the same requests through the bare OpenAI client, in one run.

    python benchmarks/generate.py [--requests 2000] [--concurrency 64] [--rounds 3]

A server on loopback, a process of its own, answers after 50 ms, and then after a time of log-normal distribution with a
mean of 0.5 s. It notes how many requests it has at each moment. Both sides send the same bodies, in turns.
Prints the medians of wall time (docutune's step loads LangChain, the bare client is loaded before) and of the time from
the first request to the last reply, their ratios, and the share of the slots for which the server had a request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

MEAN, SPREAD = 0.5, 0.75
"""Seconds, and the standard deviation of their logarithm: one in twenty takes 1.3 s, one in a thousand nearly 4 s."""

REPLY = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "timed",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": '{"answer": "As it says."}'}}
    ],
    "usage": {"prompt_tokens": 200, "completion_tokens": 10, "total_tokens": 210},
}
ASKER = """
from pydantic import BaseModel
from docutune import ChatConfig, Registration, hookimpl
from docutune.records import Message, Sample, Task

class Config(ChatConfig):
    pass

class Answer(BaseModel):
    answer: str

class Asker:
    def __init__(self, config): pass
    def tasks(self, library):
        for section in library.sections():
            yield Task({"about": section.text}, (section.span,))
    async def run(self, task, context, complaint=None):
        question = "Say this in other words:\\n\\n" + task.payload["about"]
        reply = await context.chat.ask([Message("user", question)], Answer)
        return [Sample((Message("user", question), Message("assistant", reply.answer)), "other-words", question)]

@hookimpl
def docutune_generators():
    return [Registration("timed-asker", 1, "Asks about every section", Config, "timed_asker:Asker")]
"""
BARE = """
import asyncio, json, sys, time
import openai
async def main(url, bodies, slots):
    client = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    free = asyncio.Semaphore(slots)
    async def ask(body):
        async with free:
            reply = await client.chat.completions.create(**body)
            return reply.choices[0].message.content
    started = time.monotonic()
    await asyncio.gather(*map(ask, bodies))
    print(time.monotonic() - started)
asyncio.run(main(sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])))
"""


# ---- the server


class Server:
    """Keep-alive HTTP/1.1 by hand, so that the measured processes have the cores. Bodies are kept while it records."""

    def __init__(self, latencies: str) -> None:
        self.latencies = latencies
        self.reset()

    def reset(self) -> None:
        self.bodies: list[bytes] = []
        self.now = 0
        self.changes: list[tuple[float, int]] = []
        self.chance = random.Random(0)

    def latency(self) -> float:
        if self.latencies == "fixed":
            return 0.05
        return self.chance.lognormvariate(_location(), SPREAD)

    def step(self, by: int) -> None:
        self.now += by
        self.changes.append((time.monotonic(), self.now))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = json.dumps(REPLY).encode()
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lower = head.lower()
                length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                body = await reader.readexactly(length)
                if head.startswith(b"GET"):
                    writer.write(_response(self.told(head)))
                    continue
                self.bodies.append(body)
                self.step(1)
                await asyncio.sleep(self.latency())
                self.step(-1)
                writer.write(_response(answer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is done
        finally:
            writer.close()

    def told(self, head: bytes) -> bytes:
        """What it noted since the last time that it was asked."""
        found = {"bodies": [json.loads(body) for body in self.bodies], "changes": self.changes}
        self.reset()
        return json.dumps(found).encode()


def _location() -> float:
    """The mean of the logarithm that gives the mean in seconds."""
    return math.log(MEAN) - SPREAD**2 / 2


def _response(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(latencies: str) -> None:
    server = await asyncio.start_server(Server(latencies).serve, "127.0.0.1", 0, limit=2**20, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(latencies: str) -> Iterator[str]:
    command = [sys.executable, __file__, "--serve", latencies]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


def noted(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/noted", timeout=60) as reply:
        found: dict[str, Any] = json.loads(reply.read())
    return found


# ---- what is measured


@dataclass(frozen=True)
class Timed:
    """Seconds from the first request's arrival to the last reply, and the share of the slots that were busy."""

    wall: float
    busy: float


def timed(url: str, slots: int, requests: int) -> tuple[Timed, list[Any]]:
    """What the server saw: busy slots are counted from the first request on until the last one came."""
    found = noted(url)
    changes = found["changes"]
    assert len(found["bodies"]) == requests, f"{len(found['bodies'])} requests instead of {requests}"
    return Timed(changes[-1][0] - changes[0][0], _busy(changes, slots)), found["bodies"]


def _busy(changes: Sequence[tuple[float, int]], slots: int) -> float:
    """The share of the slots with a request at the server, from the first one to the last arrival."""
    numbers = [0, *(number for _, number in changes)]
    last = max(place for place, (before, after) in enumerate(pairwise(numbers)) if after > before)
    held = sum(number * (until - since) for (since, number), (until, _) in pairwise(changes[: last + 1]))
    return held / (slots * (changes[last][0] - changes[0][0]))


class Project:
    """A pipeline with one section for each request."""

    def __init__(self, folder: Path, requests: int) -> None:
        self.folder, self.requests = folder, requests
        (folder / "site").mkdir()
        (folder / "site/timed_asker.py").write_text(ASKER)
        info = folder / "site/timed_asker-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: timed-asker\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[docutune.plugins]\ntimed-asker = timed_asker\n")
        (folder / "docs").mkdir()
        chance = random.Random(0)
        for page in range(0, requests, 100):
            sections = (_section(number, chance) for number in range(page, min(page + 100, requests)))
            (folder / f"docs/page{page:05}.md").write_text("\n".join(sections))

    def run(self, url: str, slots: int, round_: int, profile: Path | None = None) -> float:
        """A run that asks for everything; seconds of its step `generate`."""
        options = {"model": "openai:timed", "base_url": url, "concurrency": slots, "temperature": 0.7}
        pipeline = {
            "version": 1,
            "project": f"timed{round_}",
            "sources": [{"path": "../docs"}],
            "generate": [{"uses": "timed-asker", "with": options}],
            "curate": [],
        }
        work = self.folder / f"round{round_}"
        work.mkdir()
        (work / "pipeline.yaml").write_text(json.dumps(pipeline))
        code = "import sys; from docutune.cli import main; sys.exit(main(['run', '--until', 'generate']))"
        if profile:
            code = (
                "import cProfile, time; from docutune.cli import main; profile = cProfile.Profile(time.thread_time); "
                f"profile.runcall(main, ['run', '--until', 'generate']); profile.dump_stats({str(profile)!r})"
            )
        path = os.pathsep.join(filter(None, [str(self.folder / "site"), os.environ.get("PYTHONPATH", "")]))
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run([sys.executable, "-c", code], cwd=work, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        manifest = json.loads((work / ".docutune/runs/latest/manifest.json").read_text())
        return float(next(step["seconds"] for step in manifest["steps"] if step["name"].startswith("generate")))


def _section(number: int, chance: random.Random) -> str:
    words = " ".join(chance.choices(("parcel", "city", "weight", "number", "way", "receiver", "day", "cost"), k=120))
    return f"# Section {number}\n\nPart {number} says: {words}.\n"


def bare(url: str, bodies: list[Any], slots: int, folder: Path) -> float:
    """The same requests through the bare client; seconds by its own clock."""
    (folder / "bodies.json").write_text(json.dumps(bodies))
    command = [sys.executable, "-c", BARE, url, str(folder / "bodies.json"), str(slots)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compare(latencies: str, requests: int, slots: int, rounds: int, profile: Path | None) -> None:
    ours: list[tuple[float, Timed]] = []
    theirs: list[tuple[float, Timed]] = []
    with serving(latencies) as url, tempfile.TemporaryDirectory() as name:
        project = Project(Path(name), requests)
        for number in range(rounds):
            seconds = project.run(url, slots, number, profile)
            seen, bodies = timed(url, slots, requests)
            ours.append((seconds, seen))
            seconds = bare(url, bodies, slots, Path(name))
            theirs.append((seconds, timed(url, slots, requests)[0]))
    load = os.getloadavg()[0]
    print(f"\n{latencies}: {requests:,} requests, {slots} at a time, medians of {rounds}, load {load:.1f}")
    for who, found in (("docutune", ours), ("bare client", theirs)):
        wall = statistics.median(seconds for seconds, _ in found)
        busy = statistics.median(seen.busy for _, seen in found)
        served = statistics.median(seen.wall for _, seen in found)
        print(f"  {who:<12} {wall:7.2f} s, {served:7.2f} s of it served, {busy:6.1%} of the slots busy")
    pairs = list(zip(ours, theirs, strict=True))
    _show("ratio", [mine / other for (mine, _), (other, _) in pairs])
    _show("ratio of what was served", [mine.wall / other.wall for (_, mine), (_, other) in pairs])


def _show(what: str, ratios: Sequence[float]) -> None:
    print(f"  {what} {statistics.median(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["fixed", "log-normal"])
    parser.add_argument("--profile", type=Path, help="write cProfile's figures of docutune's last round here")
    parser.add_argument("--serve", choices=["fixed", "log-normal"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.serve))
    for latencies in ["fixed", "log-normal"] if arguments.only is None else [arguments.only]:
        compare(latencies, arguments.requests, arguments.concurrency, arguments.rounds, arguments.profile)


if __name__ == "__main__":
    main()
