"""Takes the README's picture of a report, light and dark: the top of the page, from the answer to the figures.

    make quickstart && .venv/bin/python docs/images/take.py examples/quickstart/.docutune/runs/latest/report.html

Needs playwright (in the extra `test`) and Chromium.
"""

import base64
import os
import shutil
import sys
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent
WIDTH, MARGIN = 1000, 16  # CSS pixels
PICTURES: dict[str, Literal["light", "dark"]] = {"report.webp": "light", "report-dark.webp": "dark"}
TO_WEBP = """async png => {
  const image = new Image(), canvas = document.createElement("canvas");
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.9).split(",")[1];
}"""
"""A screenshot as WebP, which is a third as large: browsers can write it."""


def take(browser: Browser, report: Path, picture: str) -> None:
    """Take one picture of the page, cut below the figures."""
    page = browser.new_page(
        viewport={"width": WIDTH, "height": 900}, color_scheme=PICTURES[picture], device_scale_factor=1.5
    )
    page.goto(report.resolve().as_uri())
    last = page.locator("table.figures").first.locator("xpath=..").bounding_box()
    if last is None:
        raise SystemExit(f"{report}: no figures, so there is nothing to show")
    height = last["y"] + last["height"] + MARGIN
    taken = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": round(height)})
    page.goto("about:blank")  # the report allows no script
    packed = page.evaluate(TO_WEBP, base64.b64encode(taken).decode())
    (FOLDER / picture).write_bytes(base64.b64decode(packed))
    page.close()


def main() -> None:
    """Take both pictures of the report that the command line names."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if len(sys.argv) != 2 or not found:
        raise SystemExit("usage: take.py REPORT.html; Chromium must be installed, or named by CHROMIUM")
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for picture in PICTURES:
            take(browser, Path(sys.argv[1]), picture)
        browser.close()


if __name__ == "__main__":
    main()
