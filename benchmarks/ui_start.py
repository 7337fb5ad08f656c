"""Times `docutune ui` from the command to a page that shows the workspace's state, in Chromium; over 5 s exits with 1.

    python benchmarks/ui_start.py [--rounds 5]

The browser runs before the clock does; the workspace is an empty folder. On a machine that does other things, too, the
seconds of processor time tell more: what runs one after the other on an idle core cannot take longer than their sum.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

LIMIT = 5.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=program, args=["--no-sandbox"])
        found = [once(browser) for _ in range(rounds)]
        browser.close()
    times = [took for took, _, _ in found]
    median = statistics.median(times)
    spread = f"{min(times):.1f} to {max(times):.1f}"
    server, client = (statistics.median(each) for each in list(zip(*found, strict=True))[1:])
    print(f"usable page after {median:.1f} s (median of {rounds}; {spread}; at most {LIMIT:.0f})")
    print(f"processor time: server {server:.1f} s, browser {client:.1f} s")
    return 0 if median <= LIMIT else 1


def once(browser: Browser) -> tuple[float, float, float]:
    """Seconds by the clock, and of processor time of the server and of the browser."""
    with tempfile.TemporaryDirectory() as folder:
        before, began = spent(os.getpid()), time.monotonic()
        command = [sys.executable, "-c", COMMAND, "ui", folder, "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            page = browser.new_page()
            page.goto(process.stdout.readline().split()[-1])
            page.locator("#state .run").wait_for(timeout=120_000)
            page.get_by_role("tab").first.click()
            took = time.monotonic() - began
            server = spent(process.pid)
            client = spent(os.getpid()) - server - before
            page.close()
        finally:
            process.terminate()
            process.wait(30)
    return took, server, client


def spent(top: int) -> float:
    """Seconds of processor time that a process and all below it have had so far, Linux's proc(5)."""
    fields = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    family = {top}
    while more := {pid for pid, each in fields.items() if int(each[1]) in family} - family:
        family |= more
    ticks = sum(int(fields[pid][11]) + int(fields[pid][12]) for pid in family if pid in fields)
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
