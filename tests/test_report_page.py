"""The report of a real run as a browser shows it: readable, nothing too wide, and no request leaves the page."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from chromium import CONTRASTS, started
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.training, pytest.mark.browser]

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
CODE = '"""Parcels."""\n' + "".join(
    f'\n\ndef {name}(grams):\n    """{text}"""\n'
    for name, text in {
        "send": "Send one parcel to a city and return its number.",
        "track": "Tell where a parcel is at this moment.",
        "weigh_every_parcel_of_a_customer_before_it_leaves_the_house": "Put parcels on the scales and read the grams.",
        "refund": "Pay back what a lost parcel was worth.",
    }.items()
)
PIPELINE = """version: 1
project: acme
language: LANGUAGE
sources:
  - path: guide.md
  - path: acme.py
split: {rephrased: 1.0, validation: 0.5}
train:
  - name: smoke
    uses: trl
    with: {model: builtin/tiny, lora_rank: 4, max_steps: 4, batch_size: 4, max_length: 256}
runtime: {uses: local, with: {max_new_tokens: 12, batch_size: 40}}
"""

UNFOLD = "for (const fold of document.querySelectorAll('details')) fold.open = true"
HIDDEN = """[...document.querySelectorAll('details > :not(summary)')].filter(node => !node.checkVisibility(
  {contentVisibilityAuto: true, visibilityProperty: true}) || !node.getBoundingClientRect().height).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An English report of a training and a Chinese one without."""
    work = tmp_path_factory.mktemp("acme")
    (work / "guide.md").write_text(f"# Guide\n\nCall `acme.send`.\n\n{'very_long_name_' * 12} is no name.\n")
    (work / "acme.py").write_text(CODE)
    (work / "broken.md").write_bytes(b"# Broken \xff\n")
    found = {}
    for language, until in (("en", ()), ("zh", ("--until", "dataset"))):
        text = PIPELINE.replace("LANGUAGE", language).replace(
            "  - path: guide.md", "  - path: guide.md\n  - path: broken.md"
        )
        (work / f"{language}.yaml").write_text(text)
        command = [sys.executable, "-c", COMMAND, "run", f"{language}.yaml", "--json", *until]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stderr
        found[language] = Path(json.loads(done.stdout)["report"])
    return found


@pytest.fixture(params=["en", "zh"])
def report(request: pytest.FixtureRequest, reports: dict[str, Path]) -> Path:
    return reports[request.param]


def opened(browser: Browser, report: Path, width: int, scheme: Scheme = "light", unfold: bool = True) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(report.as_uri())
    if unfold:
        page.evaluate(UNFOLD)
    return page


def test_no_request_leaves_the_page_and_the_console_is_silent(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(report.as_uri(), wait_until="networkidle")
    assert asked == [report.as_uri()]
    assert said == []
    page.close()


@pytest.mark.parametrize("width", [360, 768, 901, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, report: Path, width: int) -> None:
    page = opened(browser, report, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [360, 1280])
def test_every_text_is_readable(browser: Browser, report: Path, scheme: Scheme, width: int) -> None:
    page = opened(browser, report, width, scheme)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 60
    assert [text for text in found if text["ratio"] < 4.5] == []
    page.close()


def test_the_schemes_are_light_and_dark(browser: Browser, report: Path) -> None:
    shades = []
    for scheme in SCHEMES:
        page = opened(browser, report, 1280, scheme)
        shades.append(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"))
        page.close()
    assert shades[0] > 230
    assert shades[1] < 30


def test_the_answer_is_on_the_first_screen_of_a_phone(browser: Browser, reports: dict[str, Path]) -> None:
    page = opened(browser, reports["en"], 360, unfold=False)
    headline = json.loads(reports["en"].with_suffix(".json").read_text())["headline"]
    title = page.get_by_role("heading", level=1)
    assert title.inner_text() == headline
    box = title.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 800
    page.close()


def test_folded_parts_open_on_a_click(browser: Browser, report: Path) -> None:
    page = opened(browser, report, 1280, unfold=False)
    manifest = page.locator("#manifest pre")
    assert not manifest.is_visible()
    page.locator("#manifest summary").click()
    assert manifest.is_visible()
    assert json.loads(manifest.inner_text())["project"] == "acme"
    page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_print_unfolds_everything_on_white(browser: Browser, report: Path, scheme: Scheme) -> None:
    page = opened(browser, report, 1280, scheme, unfold=False)
    assert page.evaluate(HIDDEN) > 0
    page.emulate_media(media="print")
    page.wait_for_function(f"{HIDDEN} === 0")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert [text for text in page.evaluate(CONTRASTS) if text["ratio"] < 4.5] == []
    page.close()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_on_the_dataset_is_as_readable_and_asks_for_nothing(
    browser: Browser, reports: dict[str, Path], language: str
) -> None:
    file = reports[language].with_name("quality.html")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri(), wait_until="networkidle")
    assert (page.locator(".mask .trained").count() > 0) is (language == "en")  # the other run trains nothing
    assert page.locator("svg rect").count() > 20
    page.evaluate(UNFOLD)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (360, 768, 901, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert [text for text in page.evaluate(CONTRASTS) if text["ratio"] < 4.5] == []
    page.emulate_media(media="print")
    page.wait_for_function(f"{HIDDEN} === 0")
    assert [text for text in page.evaluate(CONTRASTS) if text["ratio"] < 4.5] == []
    assert asked == [file.as_uri()]
    assert said == []
    page.close()


def test_the_report_leads_to_the_page_on_the_dataset(browser: Browser, reports: dict[str, Path]) -> None:
    page = opened(browser, reports["en"], 1280)
    page.locator('a[href="quality.html"]').click()
    assert page.url == reports["en"].with_name("quality.html").as_uri()
    assert page.locator(".mask").count() == 3
    page.close()
