"""The whole way in one browser: from an empty folder to answers of a tuned model; each step is seen in both languages.

DOCUTUNE_SCREENSHOTS names a folder that gets a picture of each step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jobs
import pytest
from chromium import started
from installed import Installed
from playwright.sync_api import Browser, Page
from test_ui import opened, picture, served, shows

pytestmark = [pytest.mark.browser, pytest.mark.training]

FACTS = {
    "send": "Send one parcel to a city and return its number.",
    "track": "Tell where a parcel is at this moment.",
    "weigh": "Put a parcel on the scales and read the grams.",
    "refund": "Pay back what a lost parcel was worth.",
    "label": "Print the sticker that goes on the box.",
    "pickup": "Ask the driver to come to your door.",
}
CODE = '"""Parcels."""\n' + "".join(f'\n\ndef {name}():\n    """{text}"""\n' for name, text in FACTS.items())
OPTIONS = {"max_steps": "40", "lora_rank": "16", "learning_rate": "0.008", "batch_size": "8"}
LONG = {"temperature": "2", "max-new-tokens": "150"}  # so hot, it hardly ever ends by itself
SECONDS = 400_000  # milliseconds that a step may take on a busy machine
WATCH = """() => {
  window.arrived = [];
  new MutationObserver(() => {
    const text = document.querySelector("#chat-live .answer")?.textContent ?? "";
    if (text.length && text !== window.arrived.at(-1)) window.arrived.push(text);
  }).observe(document.querySelector("#talk"), {childList: true, subtree: true, characterData: true});
}"""
"""Remembers every state of the answer that is being written."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


def switch(page: Page) -> None:
    """The same tab in the other language."""
    other = "English" if "/zh/" in page.url else "中文"
    page.get_by_role("link", name=other).click()
    page.wait_for_url("**/en/**" if other == "English" else "**/zh/**")
    page.locator("#state .run").wait_for()


def in_both(page: Page, place: str, english: str, chinese: str, name: str) -> None:
    """Wait for these words, switch, and wait for the others; a picture of each."""
    shows(page, place, said(page, english, chinese))
    picture(page, f"whole-{name}-1")
    switch(page)
    shows(page, place, said(page, english, chinese))
    picture(page, f"whole-{name}-2")


def said(page: Page, english: str, chinese: str) -> str:
    """What the page says of the two."""
    return chinese if "/zh/" in page.url else english


def press(page: Page, english: str, chinese: str) -> None:
    page.get_by_role("button", name=said(page, english, chinese)).filter(visible=True).first.click()


def tab(page: Page, name: str) -> None:
    """Open a tab by its place, whatever the language."""
    titles = {"sources": 0, "dataset": 2, "train": 3, "evaluate": 4, "models": 5, "chat": 6}
    page.locator("#tabs > .tab-wrapper [role=tab]").nth(titles[name]).click()
    page.wait_for_url(f"**/?tab={name}**")


@pytest.fixture
def empty(environment: Installed) -> Iterator[Installed]:
    """An empty folder; whatever a failed test left at work in it is ended."""
    yield environment
    jobs.end(environment)


def test_from_an_empty_folder_to_answers(browser: Browser, empty: Installed) -> None:
    with served(empty) as (_, address), opened(browser, f"{address}en/") as page:
        page.set_default_timeout(SECONDS)
        parses(page, empty.work)
        makes_a_dataset(page, empty.work)
        trains(page, empty.work)
        evaluates(page)
        loads_asks_and_unloads(page)
    manifests = [
        json.loads(path.read_text()) for path in sorted((empty.work / ".docutune/runs").glob("2*/manifest.json"))
    ]
    assert [manifest["outcome"] for manifest in manifests] == ["finished", "interrupted", "finished"]


def parses(page: Page, work: Path) -> None:
    shows(page, "#tabs .to-do", "This folder has no pipeline.yaml yet")
    picture(page, "whole-empty")
    (work / "acme.py").write_text(CODE)
    press(page, "Look again", "重新查看")
    shows(page, "#begin-sources", "acme.py")
    page.locator("#begin-model").locator("textarea, input").fill("builtin/tiny")
    press(page, "Make pipeline.yaml", "生成 pipeline.yaml")
    shows(page, "#sources-message .good", said(page, "pipeline.yaml is made", "pipeline.yaml 已生成"))
    for other in (switch, lambda page: None):
        press(page, "Parse and preview", "解析并预览")
        shows(page, "#inside", "acme.send")
        shows(page, "#preview", said(page, "Coverage", "覆盖"))
        other(page)


def makes_a_dataset(page: Page, work: Path) -> None:
    tab(page, "dataset")
    page.locator("#dataset-plan").click()
    page.locator("#dataset-start").click()
    in_both(page, "#dataset-progress", "finished", "已完成", "dataset")
    assert len(list((work / ".docutune/datasets").glob("[0-9a-f]*"))) == 1


def trains(page: Page, work: Path) -> None:
    tab(page, "train")
    press(page, "more options", "个选项")
    for name, value in OPTIONS.items():
        page.get_by_label(name, exact=True).filter(visible=True).fill(value)
    page.locator("#train-start").click()
    progress = page.locator("#progress .facts")
    progress.filter(has_text=f"/ {OPTIONS['max_steps']}").wait_for()
    page.locator("#train-stop").click()
    in_both(page, "#state .interrupted", "interrupted", "已中断", "interrupted")
    page.locator("#train-start").click()
    shows(page, "#state .running", said(page, "at work", "进行中"))
    in_both(page, "#state .finished", "finished", "已完成", "finished")


def evaluates(page: Page) -> None:
    tab(page, "evaluate")
    in_both(page, "#evaluate-report", "95% interval", "95% 置信区间", "evaluated")


def loads_asks_and_unloads(page: Page) -> None:
    tab(page, "models")
    page.wait_for_function("document.querySelector('#model input').value.startsWith('tiny ·')")  # what was trained
    page.locator("#model-load").click()
    in_both(page, "#loaded .good", "is loaded and ready to answer", "已加载", "loaded")
    tab(page, "chat")
    page.locator("#chat-settings button").first.click()
    for name, value in LONG.items():
        page.locator(f"#chat-{name} input").fill(value)
    page.evaluate(WATCH)
    page.locator("#chat-question textarea").fill("What is acme.send for?")
    page.locator("#chat-send").click()
    page.locator("#chat-past .turn").filter(has_text="acme.send").wait_for()
    arrived = page.evaluate("window.arrived")
    assert len(arrived) > 1, "tokens are seen arriving"
    in_both(page, "#chat-past .turn", "acme.send", "acme.send", "answered")
    tab(page, "models")
    page.locator("#model-unload").click()
    in_both(page, "#loaded .good", "is unloaded", "已卸载", "unloaded")
