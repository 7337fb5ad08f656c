"""The tab Dataset in a real browser: generated, compared, browsed, edited, rated, imported and exported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CONTRASTS, started
from dataset_project import edit, write_project
from installed import Installed
from playwright.sync_api import Browser, Page
from test_ui import opened, picture, press, served, shows

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


def part(page: Page, name: str) -> None:
    """Open a part of the tab, and see that it can be read."""
    page.locator("#dataset-parts").get_by_role("tab", name=name, exact=True).click()
    page.locator(f"#dataset-parts [role=tab][aria-selected=true]:has-text('{name}')").wait_for()


def readable(page: Page, name: str) -> None:
    picture(page, name)
    page.wait_for_function(f"!({CONTRASTS})().some(text => text.ratio < 4.5)", timeout=10_000)
    for width in (400, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
        if width == 400:
            picture(page, f"{name}-400")


def choose(page: Page, field: str, option: str) -> None:
    page.locator(f"{field} input").click()
    page.get_by_role("option", name=re.compile(option)).first.click()


def versions(work: Path) -> list[str]:
    return sorted(path.name for path in (work / ".docutune/datasets").iterdir())


def test_a_dataset_from_its_plan_to_its_export(browser: Browser, environment: Installed) -> None:
    work = environment.work
    write_project(work)
    with served(environment) as (_, address), opened(browser, f"{address}en/?tab=dataset") as page:
        shows(page, "#dataset-none .to-do", "There is no dataset version yet")
        assert page.get_by_role("button", name="Generate", exact=True).is_disabled()
        press(page, "Plan and estimate")
        shows(page, "#dataset-planned", "generate:grounded", "No chat model is asked")
        readable(page, "en-dataset-plan")
        press(page, "Generate")
        shows(page, "#dataset-message .good", "It goes on when this page is closed")
        shows(page, "#dataset-steps tr:has-text('generate:grounded')", "samples")
        shows(page, "#dataset-progress", "finished")
        readable(page, "en-dataset-generate")
        (first,) = versions(work)
        shows(page, "#dataset-version")
        part(page, "Versions")
        shows(page, f"#dataset-versions tr:has-text('{first}')", "60")
        readable(page, "en-dataset-versions")
        part(page, "Quality")
        press(page, "Report on its quality")
        shows(page, "#dataset-quality", "held-out questions")
        readable(page, "en-dataset-quality")
        part(page, "Samples")
        shows(page, "#dataset-count", "65 samples")
        page.locator("#dataset-text input, #dataset-text textarea").fill("who owns")
        shows(page, "#dataset-count", "1 samples")
        page.locator("#dataset-samples label").first.click()
        shows(page, "#dataset-sample", "Its drivers own Acme together.", "qa.csv:2-2")
        readable(page, "en-dataset-samples")
        page.get_by_role("button", name="Edit it").click()
        page.locator(".edit textarea").last.fill("Its drivers and its horses own Acme.")
        press(page, "Save for the next run")
        shows(page, "#dataset-edited .good", "samples/edited.jsonl:1")
        readable(page, "en-dataset-edit")
        part(page, "Import")
        (work / "more.csv").write_text("frage,antwort\nWhat is a parcel?,A box that travels.\nWho?,\n")
        page.locator("#import-files input[type=file]").set_input_files(str(work / "more.csv"))
        shows(page, "#import-message .bad", "columns found: frage, antwort")
        readable(page, "en-dataset-import-columns")
        for name, column in (("question", "frage"), ("answer", "antwort")):
            page.locator(f"#import-{name} input").fill(column)
            page.locator(f"#import-{name} input").press("Enter")
        press(page, "Look again")
        shows(page, "#import-preview", "What is a parcel?", "more.csv:3")
        readable(page, "en-dataset-import")
        page.locator("#import-write").click()
        shows(page, "#import-message .good", "1 rows were added to samples/imported.jsonl")
        part(page, "Generate")
        press(page, "Plan and estimate")
        shows(page, "#dataset-planned", "generate:grounded")
        press(page, "Generate")
        shows(page, "#dataset-steps tr:has-text('curate:ratings')", "1 left out")
        shows(page, "#dataset-progress", "finished")
        part(page, "Compare")
        press(page, "Compare")
        shows(page, "#dataset-diff", "changed")
        shows(page, "#dataset-differences", "horses own Acme")
        readable(page, "en-dataset-compare")
        part(page, "Export")
        page.locator("#dataset-export").click()
        shows(page, "#dataset-exported .good", "samples of version")
        readable(page, "en-dataset-export")
