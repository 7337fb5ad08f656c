"""The tab Dataset in a real browser: generated, named, judged, compared, browsed, edited, rated, imported, exported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CONTRASTS, started
from dataset_project import write_project
from installed import Installed
from jobs import eventually
from playwright.sync_api import Browser, Page, expect
from test_ui import opened, picture, press, served, shows

pytestmark = pytest.mark.browser

PARTS = ("Generate", "Versions", "Quality", "Compare", "Samples", "Import", "Export")
OTHERS = "frage,antwort\nWhat is a parcel?,A box that travels.\nWho?,\nWho owns Acme?,Nobody.\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


def part(page: Page, name: str) -> None:
    """Open a part of the tab."""
    page.locator("#dataset-parts").get_by_role("tab", name=name, exact=True).click()
    page.locator(f"#dataset-parts [role=tab][aria-selected=true]:has-text('{name}')").wait_for()


def generate(page: Page) -> None:
    """Plan, start, and wait for the end."""
    part(page, "Generate")
    start = page.get_by_role("button", name="Generate", exact=True)
    expect(start).to_be_disabled()
    press(page, "Plan and estimate")
    shows(page, "#dataset-planned", "generate:grounded", "No chat model is asked")
    start.click()
    shows(page, "#dataset-message .good", "Run 2")  # "… has begun", or by now "…: finished"


def versions(work: Path) -> set[str]:
    return {path.name for path in (work / ".docutune/datasets").glob("[0-9a-f]*")}


def test_a_dataset_from_its_plan_to_its_export(browser: Browser, environment: Installed) -> None:
    work, said = environment.work, list[str]()
    write_project(work)
    with served(environment) as (_, address), opened(browser, f"{address}en/?tab=dataset", said) as page:
        shows(page, "#dataset-none .to-do", "There is no dataset version yet: make one in the part “Generate”")
        generate(page)
        shows(page, "#dataset-steps tr:has-text('generate:grounded')", "samples: 65")
        shows(page, "#dataset-progress", "finished")
        shows(page, "#dataset-message .good", ": finished")
        expect(page.locator("#dataset-planned")).to_be_empty()
        (first,) = versions(work)
        names_and_quality(page, first)
        samples(page, work)
        imported(page, work)
        generate(page)
        shows(page, "#dataset-steps tr:has-text('curate:ratings')", "left out: 2")
        shows(page, "#dataset-progress", "finished")
        (second,) = versions(work) - {first}
        compared(page, first, second)
        exported(page, work, second)
        removed(page, work, second)
    assert [text for text in said if not text.startswith(address)] == []


def names_and_quality(page: Page, version: str) -> None:
    part(page, "Versions")
    shows(page, f"#dataset-versions tr:has-text('{version}')", "60", "run 2")
    page.get_by_label("New name (tag)").fill("no such name!")
    press(page, "Name the version")
    shows(page, "#dataset-names .bad", "is no name for a tag")
    page.get_by_label("New name (tag)").fill("v1")
    press(page, "Name the version")
    shows(page, "#dataset-names .good", f"v1 names {version} now")
    shows(page, f"#dataset-versions tr:has-text('{version}')", "v1")
    part(page, "Quality")
    press(page, "Report on its quality")
    shows(
        page, "#dataset-quality", "None of the 5 held-out questions", "3 of 3 public symbols", f"{version}-quality-en"
    )
    shows(page, "#dataset-reasons", "Nothing was left out")


def samples(page: Page, work: Path) -> None:
    """Searched, turned over, one rated, one edited: the version stays, the next run knows."""
    part(page, "Samples")
    shows(page, "#dataset-count", "Samples: 65")
    page.locator("#dataset-samples-forth").click()
    shows(page, "#dataset-samples-page", "page 2 of 7")
    page.locator("#dataset-text textarea").fill("NIGHT shift")
    shows(page, "#dataset-count", "Samples: 1")
    expect(page.locator("#dataset-samples label")).to_have_text(re.compile("Is there a night shift"))
    page.locator("#dataset-samples label").click()
    shows(page, "#dataset-sample", "so do their horses", "qa.csv:4-4", "pairs@")
    page.get_by_label("Reason (may be empty)").fill("no <b>horses</b> any more")
    page.locator("#dataset-rate-bad").click()
    shows(page, "#dataset-sample tr:has-text('Rating')", "bad", "no <b>horses</b> any more")
    shows(page, "#dataset-samples label", "bad")
    assert not (work / "ratings.jsonl").exists()
    page.locator("#dataset-text textarea").fill("who owns")
    expect(page.locator("#dataset-samples label")).to_have_text(re.compile(r"Who owns Acme\?"))
    page.locator("#dataset-samples label").click()
    shows(page, "#dataset-sample", "Its drivers own Acme together.")
    page.get_by_role("button", name="Edit it").click()
    answer = page.locator(".edit textarea").last
    expect(answer).to_have_value("Its drivers own Acme together.")
    answer.fill("Its drivers and its hroses own Acme.")
    press(page, "Save for the next run")
    shows(page, "#dataset-edited .good", "Saved as samples/edited.jsonl:1", "This version stays as it is")
    press(page, "Take the edit back")
    shows(page, "#dataset-edited .good", "The edit is taken back")
    expect(answer).to_have_value("Its drivers own Acme together.")
    expect(page.locator("#dataset-back")).to_be_hidden()
    assert not (work / "samples/edited.jsonl").read_text()
    for text in ("Its drivers and its hroses own Acme.", "Its drivers and its horses own Acme."):
        answer.fill(text)
        press(page, "Save for the next run")
        shows(page, "#dataset-sample tr:has-text('Rating')", "bad, edited: samples/edited.jsonl")
        shows(page, "#dataset-edited .good", "Saved as samples/edited.jsonl:1")
        assert eventually(lambda text=text: text in (work / "samples/edited.jsonl").read_text())
    row = json.loads((work / "samples/edited.jsonl").read_text())
    assert row["messages"][1]["content"] == "Its drivers and its horses own Acme." and row["split"] == "train"
    assert "ratings: ratings.jsonl" in (work / "pipeline.yaml").read_text()


def imported(page: Page, work: Path) -> None:
    """Looked at first, with columns that nobody can guess."""
    part(page, "Import")
    upload = {"name": "others.csv", "mimeType": "text/csv", "buffer": OTHERS.encode()}
    page.locator("#import-files input[type=file]").set_input_files(upload)  # type: ignore[arg-type]
    shows(page, "#import-message .bad", "others.csv: no questions and answers", "columns found: frage, antwort")
    assert str(work.parent) not in page.locator("#import-message").inner_text()
    for name, column in (("question", "frage"), ("answer", "antwort")):
        page.locator(f"#import-{name} input").fill(column)
        page.locator(f"#import-{name} input").press("Enter")
    press(page, "Look again")
    shows(page, "#import-preview", "A box that travels.", "others.csv:3", "no answer", "others.csv:4")
    assert not (work / "samples/imported.jsonl").exists()
    page.locator("#import-write").dblclick()
    shows(page, "#import-message .good", "Rows added to samples/imported.jsonl: 1")
    expect(page.locator("#import-write")).to_be_disabled()
    shows(page, "#import-message .good", "Rows added to samples/imported.jsonl: 1")
    page.get_by_role("button", name="Type a question and its answer").click()
    page.locator("#add-question textarea").fill("What is a parcel?")
    page.locator("#add-answer textarea").fill("Something else.")
    press(page, "Add it")
    shows(page, "#add-message .bad", "another answer", "samples/imported.jsonl:1")
    assert not (work / "samples/added.jsonl").exists()
    # what the page itself has added to the pipeline file is no conflict for the form of its sources
    page.get_by_role("tab", name="Sources").click()
    press(page, "Save sources")
    shows(page, "#sources-message .good", "Saved in pipeline.yaml")
    assert "samples/imported.jsonl" in (work / "pipeline.yaml").read_text()
    page.get_by_role("tab", name="Dataset", exact=True).click()


def compared(page: Page, first: str, second: str) -> None:
    """The version that has just come is shown; so is what it lacks, and what differs."""
    expect(page.locator("#dataset-version input")).to_have_value(re.compile(second))
    part(page, "Quality")
    shows(page, "#dataset-reasons", "ratings: rated bad")
    shows(page, "#dataset-left-out", "no <b>horses</b> any more")
    part(page, "Compare")
    expect(page.locator("#dataset-before input")).to_have_value(first)
    page.locator("#dataset-compare").click()
    shows(page, "#dataset-diff", "left out by ratings")
    shows(page, "#dataset-differences", "Its drivers and its horses own Acme.", "A box that travels.")


def exported(page: Page, work: Path, version: str) -> None:
    part(page, "Export")
    page.locator("#dataset-export").click()
    link = shows(page, "#dataset-exported a", f"exports/datasets/{version}-messages.jsonl")
    answer = page.request.get(page.url.partition("?")[0] + str(link.get_attribute("href")))
    assert answer.body() == (work / f"exports/datasets/{version}-messages.jsonl").read_bytes()


def removed(page: Page, work: Path, version: str) -> None:
    """Only after a word, and with another where somebody needs it."""
    readable(page)
    part(page, "Versions")
    press(page, "Remove this version…")
    shows(page, "#dataset-removal .bad", f"Remove version {version}", "named by run")
    press(page, "Remove for good")
    shows(page, "#dataset-removal .bad", f"dataset version {version} is named by run")
    assert version in versions(work)
    page.locator("#dataset-forced input").check()
    press(page, "Remove for good")
    shows(page, "#dataset-removal .good", f"Version {version} is removed")
    assert version not in versions(work)


def readable(page: Page) -> None:
    """Every part, wide and narrow."""
    for number, name in enumerate(PARTS):
        part(page, name)
        picture(page, f"en-dataset-{number}")
        page.wait_for_function(f"!({CONTRASTS})().some(text => text.ratio < 4.5)")
        page.set_viewport_size({"width": 400, "height": 900})
        page.wait_for_function("document.documentElement.scrollWidth <= 400")
        picture(page, f"en-dataset-{number}-400")
        page.set_viewport_size({"width": 1280, "height": 900})
