"""The web page in a real browser: from an empty folder to a training that outlives every page that watches it.

DOCUTUNE_SCREENSHOTS names a folder that gets a picture of every tab in both languages.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jobs
import pytest
from chromium import CONTRASTS, started
from installed import Installed
from jobs import eventually
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from docutune.api import Workspace

pytestmark = pytest.mark.browser

TABS = {
    "en": {
        "sources": "Sources",
        "templates": "Prompt templates",
        "dataset": "Dataset",
        "train": "Train",
        "evaluate": "Evaluate",
        "models": "Models",
        "chat": "Chat",
        "plugins": "Plugins",
        "settings": "Settings",
    },
    "zh": {
        "sources": "数据来源",
        "templates": "提示词模板",
        "dataset": "数据集",
        "train": "训练",
        "evaluate": "评估",
        "models": "模型",
        "chat": "对话",
        "plugins": "插件",
        "settings": "设置",
    },
}
OF_A_PAGE_THAT_IS_LEFT = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
"""What gradio's script says of a request that is under way while the browser goes to another page."""
SECONDS = 60_000  # milliseconds that a state may take on a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


@contextmanager
def served(project: Installed, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The page of the project's folder at a free port: its process and address. Ended if it has not been."""
    os.environ.update(variables)
    process = jobs.start(project, "ui", "--port", "0", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://127.0.0.1:" in line, process.communicate()
        yield process, line.split()[-1]
    finally:
        for name in variables:
            del os.environ[name]
        process.terminate()
        process.communicate(timeout=60)


@contextmanager
def opened(browser: Browser, address: str, said: list[str] | None = None) -> Iterator[Page]:
    """A page in a browser of its own, once it shows the state of the workspace."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    expect.set_options(timeout=SECONDS)
    if said is not None:
        page.on("request", lambda request: said.append(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    page.locator("#state .run").wait_for()
    yield page
    context.close()


def shows(page: Page, place: str, *texts: str) -> Locator:
    """Wait until a part of the page holds these texts."""
    found = page.locator(place)
    for text in texts:
        try:
            found.filter(has_text=text).first.wait_for()
        except PlaywrightTimeout:
            there = page.locator(place.split()[0]).all_inner_texts()
            raise AssertionError(f"{place} did not come to show {text!r}; {place.split()[0]} holds {there}") from None
    return found.first


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("DOCUTUNE_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def write_library(folder: Path) -> None:
    (folder / "docs").mkdir()
    (folder / "docs/guide.md").write_text("# Guide\n\nCall `acme.send` first.\n\n## After that\n\nWait for it.\n")
    (folder / "acme").mkdir()
    (folder / "acme/__init__.py").write_text(jobs.CODE + '\n\ndef lose():\n    """Lose it."""\n')


def test_an_empty_folder_becomes_a_parsed_library(browser: Browser, environment: Installed) -> None:
    said: list[str] = []
    with (
        served(environment, OPENAI_API_KEY="sk-never-shown-1234") as (_, address),
        opened(browser, address, said) as page,
    ):
        assert page.url.startswith(f"{address}en/")
        shows(page, "#tabs .to-do", "This folder has no pipeline.yaml yet")
        shows(page, "#tabs .bad", "Put some into", str(environment.work))
        shows(page, "#preview", "Nothing parsed yet")
        write_library(environment.work)
        press(page, "Look again")
        shows(page, "#begin-sources", "docs (1 .md)", "acme (1 .py)")
        model = page.locator("#begin-model input, #begin-model textarea")
        model.fill("no such model")
        press(page, "Make pipeline.yaml")
        shows(page, "#sources-message .bad", "Base model is not right", "no such model")
        assert "pipeline.yaml:" not in page.locator("#sources-message").inner_text()
        shows(page, "#begin-model", "⚠")
        model.fill("builtin/tiny")
        press(page, "Make pipeline.yaml")
        shows(page, "#sources-message .good", "pipeline.yaml is made")
        page.get_by_role("tab", name="Train", exact=True).click()
        expect(page.locator("#train-which input")).to_have_value("builtin/tiny")
        page.get_by_role("tab", name="Sources").click()
        press(page, "Parse and preview")
        shows(page, "#preview", "docs/guide.md", "acme/__init__.py", "33%")
        shows(page, "#inside", "acme.send", "function")
        page.locator("#document input").click()
        page.get_by_role("option", name="docs/guide.md").click()
        shows(page, "#inside", "Guide › After that")
        picture(page, "en-preview")

        page.get_by_role("tab", name="Settings").click()
        page.wait_for_url("**/?tab=settings")
        shows(page, "#keys tr:has-text('OPENAI_API_KEY')", "set")
        assert "sk-never-shown" not in page.content()
        page.get_by_role("link", name="中文").click()
        shows(page, "#keys tr:has-text('OPENAI_API_KEY')", "已设置")
        page.get_by_role("link", name="English").click()
        shows(page, "#state", "No run yet")

        what_others_do_to_the_file(page, environment.work / "pipeline.yaml")
    assert [text for text in said if not text.startswith((address, *OF_A_PAGE_THAT_IS_LEFT))] == []


def what_others_do_to_the_file(page: Page, file: Path) -> None:
    """What was changed elsewhere stays, and is a conflict where the form shows it; a file that is gone can be made."""
    text = file.read_text()
    file.write_text(text + "# mine\n")
    page.get_by_role("tab", name="Sources").click()
    press(page, "Save sources")
    shows(page, "#sources-message .good", "Saved in pipeline.yaml")
    assert file.read_text() == text + "# mine\n"
    changed = text.replace("- path: docs", "- path: ./docs")
    file.write_text(changed)
    press(page, "Save sources")
    shows(page, "#sources-message .bad", "was changed by somebody else meanwhile", "load the page again")
    assert file.read_text() == changed != text
    file.write_text("sources: [}")
    press(page, "Parse and preview")
    shows(page, "#sources-message .bad", "pipeline.yaml:1")
    file.unlink()
    press(page, "Parse and preview")
    shows(page, "#sources-message .bad", "there is no such file any more")
    shows(page, "#begin-sources", "docs (1 .md)")


@pytest.fixture
def project(environment: Installed) -> Iterator[Installed]:
    """A training by a trainer of another package that lasts as long as the test wants."""
    jobs.prepare(environment)
    yield environment
    jobs.end(environment)


def test_a_run_belongs_to_the_workspace_not_to_a_page(browser: Browser, project: Installed) -> None:
    file, runs = project.work / "pipeline.yaml", project.work / ".docutune/runs"
    before = file.read_text()
    with served(project) as (server, address), opened(browser, f"{address}en/?tab=train") as page:
        # the form is made of that package's own Config
        page.get_by_role("button", name="more options").filter(visible=True).click()
        shows(page, ".option-stuck", "stuck")
        rate = page.get_by_label("learning_rate").filter(visible=True)
        rate.fill("7")
        press(page, "Save and start")
        shows(page, ".option-learning-rate.wrong", "must be less than 1, found 7")
        shows(page, "#train-message .bad", "see the marked fields")
        expect(page.locator("#train-stop")).to_be_disabled()
        picture(page, "en-train-wrong")
        assert file.read_text() == before and not runs.exists()
        rate.fill("0.003")
        press(page, "Save and start")
        shows(page, "#train-message .good", "has begun")
        assert "learning_rate: 0.003" in file.read_text()
        assert page.locator(".wrong").count() == 0

        # what others change elsewhere in the file is no conflict, and stays
        file.write_text(file.read_text() + "# theirs\n")
        press(page, "Save options")
        shows(page, "#train-message .good", "Saved in pipeline.yaml")
        assert file.read_text().endswith("# theirs\n")

        with opened(browser, f"{address}zh/?tab=train") as other:
            for each in (page, other):
                shows(each, "#state .running", "train:smoke")
                each.locator("#tabs .vega-embed path.mark-line, #tabs canvas, #tabs .vega-embed svg").first.wait_for()
            page.reload()
            shows(page, "#state .running", "train:smoke")
            shows(other, "#progress", "30 秒")
            picture(other, "zh-train-running")
            press(other, "保存并开始")
            shows(other, "#train-message .bad", "此工作区已有一次运行正在进行")
            assert len(list(runs.glob("2*"))) == 1
            press(other, "停止")
            shows(other, "#train-message .good", "已停止")
            for each in (page, other):
                shows(each, "#state .interrupted")
                expect(each.locator("#train-stop")).to_be_disabled()
            shows(page, "#progress .good", "train:smoke was interrupted; the next start goes on from its step")
            press(page, "Save and start")
            for each in (page, other):
                shows(each, "#state .running", "train:smoke")
        server.kill()
    # the page is gone, and so is its server, killed: the run is not
    assert len(list(runs.glob("2*"))) == 2
    assert jobs.training(project)
    with served(project) as (_, address), opened(browser, f"{address}en/?tab=train") as page:
        shows(page, "#state .running", "train:smoke")
        picture(page, "en-train-running")
        (project.work / "enough").touch()
        shows(page, "#state .finished")
        shows(page, "#steps tr", "train:smoke")
        picture(page, "en-train-finished")
        # the curves go on from those of the run that was stopped
        look = Workspace(project.work).desk.look()
        events = map(json.loads, (runs / "latest/events.jsonl").read_text().splitlines())
        first = next(event["done"] for event in events if "loss" in event)
        assert look is not None and look.curves["loss"][0][0] < first
    assert len(list(runs.glob("2*"))) == 2
    assert re.search(r'"outcome": "finished"', (runs / "latest/manifest.json").read_text())


def test_every_tab_is_readable_in_both_languages(browser: Browser, environment: Installed) -> None:
    write_library(environment.work)
    assert environment.docutune("init", "--yes", "--no-run").returncode == 0
    with served(environment) as (_, address):
        for language, tabs in TABS.items():
            with opened(browser, f"{address}{language}/") as page:
                for name, title in tabs.items():
                    page.get_by_role("tab", name=title, exact=True).click()
                    page.locator(f"[role=tab][aria-selected=true]:has-text('{title}')").wait_for()
                    if name == "plugins":
                        page.locator(".form-grid:visible label").first.wait_for()
                    picture(page, f"{language}-{name}")
                    page.wait_for_function(f"!({CONTRASTS})().some(text => text.ratio < 4.5)")
                    for width in (400, 1280):
                        page.set_viewport_size({"width": width, "height": 900})
                        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")


def test_ctrl_c_ends_the_page_at_once(browser: Browser, environment: Installed) -> None:
    with served(environment) as (process, address), opened(browser, address):
        process.send_signal(2)
        assert eventually(lambda: process.poll() is not None)
        assert process.returncode == 0
        _, errors = process.communicate()
        assert "Traceback" not in errors
