"""Takes the README's pictures: of a report, light and dark, and of the web page, in English and Chinese.

    make quickstart && .venv/bin/python docs/images/take.py examples/quickstart

The folder is a workspace with a run that trained and evaluated. Needs playwright (in the extra `test`), gradio (`ui`)
and Chromium.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent
WIDTH, MARGIN = 1000, 16  # CSS pixels
PAGE_WIDTH = 1200
TOKENS = 60  # of an answer: the base of the quickstart never ends
REPORTS: dict[str, Literal["light", "dark"]] = {"report.webp": "light", "report-dark.webp": "dark"}
LANGUAGES = ("en", "zh")
TO_WEBP = """async png => {
  const image = new Image(), canvas = document.createElement("canvas");
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.9).split(",")[1];
}"""
"""A screenshot as WebP, which is a third as large: browsers can write it."""


def keep(browser: Browser, taken: bytes, picture: str) -> None:
    """Write a screenshot as WebP. A page of its own does it: the report allows no script."""
    page = browser.new_page()
    packed = page.evaluate(TO_WEBP, base64.b64encode(taken).decode())
    (FOLDER / picture).write_bytes(base64.b64decode(packed))
    page.close()


def take_report(browser: Browser, report: Path, picture: str) -> None:
    """One picture of the report, cut below the figures."""
    page = browser.new_page(
        viewport={"width": WIDTH, "height": 900}, color_scheme=REPORTS[picture], device_scale_factor=1.5
    )
    page.goto(report.resolve().as_uri())
    last = page.locator("table.figures").first.locator("xpath=..").bounding_box()
    if last is None:
        raise SystemExit(f"{report}: no figures, so there is nothing to show")
    height = last["y"] + last["height"] + MARGIN
    keep(
        browser,
        page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": round(height)}, full_page=True),
        picture,
    )
    page.close()


@contextmanager
def served(workspace: Path) -> Iterator[str]:
    """The address of the web page of a workspace."""
    command = [sys.executable, "-m", "docutune.cli", "ui", "--port", "0"]
    process = subprocess.Popen(command, cwd=workspace, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def take_training(browser: Browser, page: Page, language: str) -> None:
    """The tab Train from the curves to the steps."""
    page.goto(f"{page.url.split('?')[0]}?tab=train")
    page.locator("#progress .facts").wait_for()
    page.locator(".vega-embed canvas, .vega-embed svg").nth(1).wait_for()
    page.wait_for_timeout(1000)  # the curves are drawn in steps
    first, last = page.locator("#progress").bounding_box(), page.locator("#steps").bounding_box()
    assert first is not None and last is not None
    top, end = first["y"] - MARGIN, last["y"] + last["height"] + MARGIN
    clip = {"x": 0.0, "y": top, "width": float(PAGE_WIDTH), "height": end - top}
    keep(browser, page.screenshot(clip=clip, full_page=True), f"page-train-{language}.webp")  # type: ignore[arg-type]


def take_chat(browser: Browser, page: Page, language: str, question: str) -> None:
    """The tab Chat with the answers of base and tuned model to one question."""
    page.goto(f"{page.url.split('?')[0]}?tab=chat")
    page.locator("#chat-model .to-do, #chat-model .good").wait_for()
    if page.locator("#chat-model .good").count() == 0:
        page.locator("#chat-load").click()
    page.locator("#chat-model .good").wait_for()
    page.locator("#chat-settings button").first.click()
    page.locator("#chat-max-new-tokens input").first.fill(str(TOKENS))
    page.locator("#chat-settings button").first.click()
    page.locator("#chat-question textarea").fill(question)
    page.locator("#chat-compare").click()
    page.locator("#chat-past .turn").first.wait_for()
    page.locator("#chat-live .going").wait_for(state="detached")
    keep(browser, page.locator("#tabs").screenshot(), f"page-chat-{language}.webp")


def main() -> None:
    """Take all pictures of the workspace that the command line names."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if len(sys.argv) != 2 or not found:
        raise SystemExit("usage: take.py WORKSPACE; Chromium must be installed, or named by CHROMIUM")
    workspace = Path(sys.argv[1])
    run = workspace / ".docutune/runs/latest"
    with sync_playwright() as tools, served(workspace) as address:
        question = json.loads((run / "report.json").read_text("utf-8"))["models"][0]["answers"][0]["question"]
        browser = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for picture in REPORTS:
            take_report(browser, run / "report.html", picture)
        for language in LANGUAGES:
            page = browser.new_page(viewport={"width": PAGE_WIDTH, "height": 800}, device_scale_factor=1.5)
            page.set_default_timeout(120_000)
            page.goto(f"{address}{language}/")
            take_training(browser, page, language)
            take_chat(browser, page, language, question)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
