"""A real training is watched in a real browser that loses its page again and again; the training must not notice."""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).parent.parent))

TIMES, FEWER = 20, 5
STEPS, STEPS_OF_FEWER = 3000, 1000  # more than all that takes, on a fast machine, too
LIMIT = 5.0  # seconds in which a page shows the run again, where each process at work has a core
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
NAMES = ("send", "track", "weigh", "refund", "label", "pickup", "quote", "archive")
CODE = '"""Parcels."""\n' + "".join(f'\n\ndef {name}():\n    """To {name} one parcel."""\n' for name in NAMES)
PIPELINE = """version: 1
project: acme
sources: [{path: acme.py}]
generate: [{uses: grounded, with: {kinds: [purpose], phrasings: 4}}]
split: {rephrased: 0}
train:
  - name: smoke
    uses: trl
    with: {model: builtin/tiny, lora_rank: 4, max_steps: STEPS, batch_size: 4, save_steps: 100}
evaluate: []
"""


@dataclass
class Watched:
    """A workspace, its server and what was seen. `back`: what was done, and seconds until the run was shown."""

    work: Path
    browser: Browser
    steps: int
    server: subprocess.Popen[str] | None = None
    address: str = ""
    page: Page | None = None
    back: list[tuple[str, float]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def serve(self) -> None:
        """Start the server."""
        command = [sys.executable, "-c", COMMAND, "ui", "--port", "0"]
        self.server = subprocess.Popen(
            command, cwd=self.work, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.server.stdout is not None
        self.address = self.server.stdout.readline().split()[-1]

    def open(self, language: str = "en") -> None:
        """A new browser window."""
        self.page = self.browser.new_context().new_page()
        self.page.goto(f"{self.address}{language}/?tab=train", wait_until="commit")

    def close(self) -> None:
        """The window is closed."""
        assert self.page is not None
        self.page.context.close()

    def change(self) -> None:
        """Another window, in Chinese, instead of this one."""
        self.close()
        self.open("zh")

    def kill(self) -> None:
        """The server is killed, and the window with it."""
        assert self.server is not None
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        with suppress(Exception):  # playwright may be in the midst of a request
            self.close()
        self.serve()
        self.open()

    def shows(self) -> None:
        """Wait until the page shows the training at a step."""
        assert self.page is not None
        self.page.locator("#state .running").filter(has_text="train:smoke").wait_for(timeout=120_000)
        self.page.locator("#progress .facts").wait_for(timeout=120_000)


def main(short: bool, seed: int) -> list[str]:
    """Print how long each page took to be back; what was lost, among that a page that was slow by more than LIMIT."""
    from chromium import started

    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="docutune-soak-") as folder, started() as browser:
        watched = Watched(Path(folder), browser, STEPS_OF_FEWER if short else STEPS)
        (watched.work / "acme.py").write_text(CODE)
        (watched.work / "pipeline.yaml").write_text(PIPELINE.replace("STEPS", str(watched.steps)))
        watched.serve()
        try:
            watched.open()
            assert watched.page is not None
            watched.page.locator("#train-start").click()
            watched.shows()
            while not _steps(watched):
                time.sleep(0.1)
            _watch(watched, FEWER if short else TIMES, chance)
            _ends(watched)
        finally:
            _end(watched)
    seconds = [took for _, took in watched.back]
    print(
        f"{len(seconds)} times gone, back after {statistics.median(seconds):.1f} s (median), at most {max(seconds):.1f}"
    )
    return [f"pages: {loss}" for loss in watched.lost]


def _watch(watched: Watched, times: int, chance: random.Random) -> None:
    """Lose the page in every way, each as often as the others."""
    ways: dict[str, Callable[[], None]] = {
        "reload": lambda: _reload(watched),
        "another window": watched.change,
        "server killed": watched.kill,
        "no network": lambda: _offline(watched),
    }
    before, done = _at_work(watched), _steps(watched)
    for number in range(times):
        name = list(ways)[number % len(ways)]
        time.sleep(chance.uniform(0, 2))
        began = time.monotonic()
        ways[name]()
        opened = time.monotonic()
        watched.shows()
        took = time.monotonic() - opened
        watched.back.append((name, took))
        now = _steps(watched)
        print(
            f"{number + 1}: {name}: {opened - began:.1f} s, the run is shown {took:.1f} s later, at step {max(now)}",
            flush=True,
        )
        busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        if took > LIMIT * busy:
            watched.lost.append(f"{name}: the run was shown after {took:.1f} s, with {busy:.1f} processes for a core")
        if _at_work(watched) != before:
            watched.lost.append(f"{name}: other processes are at work than before: {_at_work(watched)}, not {before}")
        if not max(now) > max(done):
            watched.lost.append(f"{name}: the training stands still at step {max(now)}")
        done = now


def _ends(watched: Watched) -> None:
    """The training ends, and each step that it reports, one in so many, was made once."""
    assert watched.page is not None
    watched.page.locator("#state .finished").wait_for(timeout=1_800_000)
    counted = _steps(watched)
    one_in = min(counted)
    expected = Counter(range(one_in, watched.steps + 1, one_in))
    runs = list((watched.work / ".docutune/runs").glob("2*"))
    print(f"{watched.steps} steps in {len(runs)} run, one in {one_in} reported; {counted == expected=}", flush=True)
    if counted != expected or len(runs) != 1:
        watched.lost.append(f"missing: {expected - counted}, too many: {counted - expected}; {len(runs)} runs")


def _reload(watched: Watched) -> None:
    assert watched.page is not None
    watched.page.reload(wait_until="commit")


def _offline(watched: Watched) -> None:
    """Neither requests nor news for a while; then the user loads the page again."""
    assert watched.page is not None
    watched.page.context.set_offline(True)
    time.sleep(3)
    watched.page.context.set_offline(False)
    watched.page.reload(wait_until="commit")


def _steps(watched: Watched) -> Counter[int]:
    """How often each step of the training was reported."""
    path = watched.work / ".docutune/runs/latest/jobs/smoke/events.jsonl"
    counted: Counter[int] = Counter()
    for line in path.read_text().splitlines():
        with suppress(ValueError):  # the last line may be half written
            event = json.loads(line)
            if event["event"] == "progress" and "loss" in event:
                counted[event["done"]] += 1
    return counted


def _at_work(watched: Watched) -> tuple[int, ...]:
    """All processes in the folder but its page's server, whatever their parents."""
    assert watched.server is not None
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == watched.work:
                found.append(int(entry.name))
    return tuple(sorted(pid for pid in found if pid not in (watched.server.pid, os.getpid())))


def _end(watched: Watched) -> None:
    if watched.server is not None:
        watched.server.kill()
        watched.server.wait()
    for pid in _at_work(watched):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
