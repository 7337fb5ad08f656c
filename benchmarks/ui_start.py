"""Times `docutune ui` from the command to a page that shows the workspace's state, in Chromium; over 5 s exits with 1.

    python benchmarks/ui_start.py [--rounds 5]

The browser runs before the clock does; the workspace is an empty folder.
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

from playwright.sync_api import Browser, sync_playwright

LIMIT = 5.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        times = [once(browser) for _ in range(rounds)]
        browser.close()
    median = statistics.median(times)
    spread = f"{min(times):.1f} to {max(times):.1f}"
    print(f"usable page after {median:.1f} s (median of {rounds}; {spread}; at most {LIMIT:.0f})")
    return 0 if median <= LIMIT else 1


def once(browser: Browser) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        command = [sys.executable, "-c", COMMAND, "ui", folder, "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            page = browser.new_page()
            page.goto(process.stdout.readline().split()[-1])
            page.locator("#state .run").wait_for(timeout=120_000)
            page.get_by_role("tab").first.click()
            took = time.monotonic() - began
            page.close()
        finally:
            process.terminate()
            process.wait(30)
    return took


if __name__ == "__main__":
    sys.exit(main())
