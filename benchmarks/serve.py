"""`docutune serve` under load, and beside `transformers serve`, on a tiny model made on the spot.

    python benchmarks/serve.py [--seconds 60] [--clients 16] [--rounds 3]

First `--clients` streaming clients ask without a pause for `--seconds`, each with questions and seeds of its own, whose
replies were asked for one by one before. Counted: errors; replies that differ from the one that was asked for alone,
and of these the ones that are another client's (mixed); resident memory of the server and of its worker at the begin,
in between and at the end. Then both servers, each alone, hold the same weights in float32 and write the same number of
tokens: time to the first token and tokens per second, for one client and for all, medians of `--rounds` in turns. Exits
with 1 after an error or a mixed stream.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai

TOKENS = 64
QUESTIONS = 4  # for each client
WARM_SECONDS = 5.0
DOCUTUNE = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
MAKE = """
import json, sys
from pathlib import Path
from docutune.hf.tiny import Recipe, make

class Context:
    seed = 0
    folder = Path(sys.argv[1])
    def progress(self, done, total=None, **figures): pass

texts = Context.folder.parent / "texts.jsonl"
words = "Acme sends parcels to every city of the country within two days and tells the receiver when to be at home. "
texts.write_text("".join(json.dumps({"text": f"{n}. {words}"}) + "\\n" for n in range(200)))
make(texts, Context(), Recipe(vocabulary=600, fewest_steps=5, most_steps=5))
"""


@dataclass(frozen=True)
class Server:
    """A server at work; `pids` are its processes."""

    url: str
    model: str
    pids: tuple[int, ...]

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=300)

    def memory(self) -> list[float]:
        """Resident memory of each process, MiB."""
        found = (re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in self.pids)
        return [round(int(match[1]) / 1024, 1) for match in found if match]


@contextmanager
def docutune(model: Path, clients: int) -> Iterator[Server]:
    options = ["serve", str(model), "--port", "0", "--concurrency", str(clients)]
    environment = {**os.environ, "XDG_DATA_HOME": str(model.parent / "data")}
    with (model.parent / "docutune.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", DOCUTUNE, *options],
            cwd=model.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert process.stdout is not None
            found = re.search(r"(\S+) at (http\S+)/v1", process.stdout.readline())
            assert found, (model.parent / "docutune.txt").read_text()
            (worker,) = map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
            yield Server(found[2], found[1], (process.pid, worker))
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def transformers(model: Path, _: int) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["serve", str(model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with (model.parent / "transformers.txt").open("w") as log:
        command = [sys.executable, "-m", "transformers.cli.transformers", *options]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            while not _answers(f"{url}/health"):
                assert process.poll() is None, (model.parent / "transformers.txt").read_text()
                time.sleep(0.2)
            yield Server(url, str(model), (process.pid,))
        finally:
            process.terminate()
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


@dataclass
class Count:
    """What became of all replies under load."""

    replies: int = 0
    errors: list[str] = field(default_factory=list)
    different: int = 0
    mixed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def reply(server: Server, number: int) -> str:
    """A streamed reply to the question of that number; ValueError when its chunks are not of one reply."""
    stream = server.client.chat.completions.create(
        model=server.model, messages=asked(number), seed=number, temperature=1.0, max_tokens=TOKENS, stream=True
    )
    chunks = list(stream)
    if len({chunk.id for chunk in chunks}) != 1 or chunks[-1].choices[0].finish_reason is None:
        raise ValueError("a stream without its end, or with parts of another one")
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def asked(number: int) -> Any:
    return [{"role": "user", "content": f"Question {number}: when does the parcel number {number * 7919} arrive?"}]


def load(server: Server, clients: int, seconds: float) -> dict[str, Any]:
    """Ask with all clients at once, and count."""
    expected = {number: reply(server, number) for number in range(clients * QUESTIONS)}
    count = Count()
    _ask_until(time.monotonic() + WARM_SECONDS, server, clients, expected, Count())
    began, memory = time.monotonic(), [server.memory()]
    end = began + seconds
    asking = threading.Thread(target=_ask_until, args=(end, server, clients, expected, count))
    asking.start()
    while asking.is_alive():
        asking.join(max(seconds / 6, 1))
        memory.append(server.memory())
    return {
        "seconds": round(time.monotonic() - began, 1),
        "distinct replies among the expected": len(set(expected.values())),
        "replies": count.replies,
        "errors": len(count.errors),
        "of them": sorted(set(count.errors))[:5],
        "different": count.different,
        "mixed": count.mixed,
        "memory MiB (server, worker)": memory,
    }


def _ask_until(end: float, server: Server, clients: int, expected: dict[int, str], count: Count) -> None:
    def client(place: int) -> None:
        turn = 0
        while time.monotonic() < end:
            number = place * QUESTIONS + turn % QUESTIONS
            turn += 1
            _note(count, number, expected, server)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))


def _note(count: Count, number: int, expected: dict[int, str], server: Server) -> None:
    error = None
    try:
        text = reply(server, number)
    except (openai.OpenAIError, ValueError) as failure:
        text, error = "", f"{type(failure).__name__}: {failure}"
    with count.lock:
        count.replies += error is None
        count.errors += [error] if error else []
        if error is None and text != expected[number]:
            count.different += 1
            count.mixed += text in expected.values()


def pace(server: Server, clients: int) -> dict[str, float]:
    """Seconds to the first text and tokens per second over all clients, each with a few replies one after the other."""
    first: list[float] = []

    def client(place: int) -> int:
        tokens = 0
        for turn in range(QUESTIONS):
            began, pieces = time.monotonic(), 0
            stream = server.client.chat.completions.create(
                model=server.model,
                messages=asked(place * QUESTIONS + turn),
                temperature=0.0,
                max_tokens=TOKENS,
                stream=True,
            )
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    pieces += 1
                    if pieces == 1:
                        first.append(time.monotonic() - began)
            tokens += TOKENS
        return tokens

    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        tokens = sum(pool.map(client, range(clients)))
    return {"first token s": statistics.median(first), "tokens/s": tokens / (time.monotonic() - began)}


def compare(model: Path, clients: int, rounds: int) -> dict[str, Any]:
    """Medians of both servers, which take turns."""
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name, start in (("docutune serve", docutune), ("transformers serve", transformers)):
            with start(model, clients) as server:
                pace(server, 1)  # what is made at the first request
                for several in (1, clients):
                    found.setdefault(f"{name}, {several} at a time", []).append(pace(server, several))
    return {
        name: {figure: round(statistics.median(row[figure] for row in rows), 4) for figure in rows[0]}
        for name, rows in found.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="docutune-serve-") as folder:
        made = Path(folder).resolve() / "model"
        subprocess.run([sys.executable, "-c", MAKE, str(made)], check=True, capture_output=True)
        (model,) = {path.parent for path in made.rglob("config.json")}
        with docutune(model, options.clients) as server:
            loaded = load(server, options.clients, options.seconds)
        print(json.dumps(loaded, indent=2), flush=True)
        print(json.dumps(compare(model, options.clients, options.rounds), indent=2))
    return 1 if loaded["errors"] or loaded["mixed"] else 0


if __name__ == "__main__":
    sys.exit(main())
