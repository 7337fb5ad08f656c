"""The tabs Evaluate and Prompt templates in a real browser, over one project that has a measured model."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trained
from chromium import started
from installed import Installed
from jobs import eventually
from playwright.sync_api import Page, expect
from test_ui import opened, picture, press, served, shows

from docutune.api import Workspace
from docutune.errors import UsageError

pytestmark = pytest.mark.browser

ANSWERS = 'f"It is <b>{variant}</b>." if sum(map(ord, p.messages[0].content)) % 4 else "The same."'
RIGHT = 'float(a.variant == "tuned" and a.text != "The same.")'
PIPELINE = """version: 1
project: acme
sources: [{samples: qa.jsonl}, {path: guide.md}]
curate: []
split: {test: 0.3}
train:
  - {uses: copied, name: smoke, with: {model: ./made/base, quantization: none}}
runtime: {uses: echo}
evaluate: [{uses: right}]
"""
TEXT = "Acme sends parcels to every city of the country within two days, rain or shine, and tells where each is. " * 4


@pytest.fixture(scope="module")
def measured(shared_environment: Installed) -> Installed:
    """A model that answers most questions otherwise than its base, and documents beside it."""
    plugins = trained.PLUGINS.replace("(p.id, variant, variant, True)", f"(p.id, variant, {ANSWERS}, True)")
    plugins = plugins.replace('float(a.variant == "tuned")', RIGHT)
    shared_environment.install("helpers", {"helpers.py": plugins}, "helpers = helpers")
    work = shared_environment.work
    trained.base(work / "made/base")
    trained.adapter(work / "made/adapter")
    rows = [{"question": f"What is part {n}?", "answer": f"It is the {n}th part of Acme."} for n in range(30)]
    (work / "qa.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (work / "guide.md").write_text(f"# Guide\n\n## Sending\n\n{TEXT}\n")
    (work / "pipeline.yaml").write_text(PIPELINE)
    shared_environment.answer("run")
    return shared_environment


@pytest.fixture(scope="module")
def page(measured: Installed) -> Iterator[Page]:
    """One page for all tests: what costs is to load it."""
    with started() as browser, served(measured) as (_, address), opened(browser, f"{address}en/?tab=evaluate") as found:
        yield found


def asked(address: str, path: str) -> tuple[int, str]:
    """Status and body of one request, its path as it stands."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    connection.putrequest("GET", path)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read(100_000).decode("utf-8", "replace")


def runs(work: Path) -> list[Path]:
    return sorted((work / ".docutune/runs").glob("2*"))


def ratings(work: Path) -> list[dict[str, str]]:
    path = work / ".docutune/notebook.json"
    return list(json.loads(path.read_text()).get("ratings", {}).values()) if path.is_file() else []


def part(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def test_an_evaluation_from_the_answer_to_what_people_prefer(page: Page, measured: Installed) -> None:
    work, address = measured.work, page.url.partition("en/")[0]
    run = runs(work)[-1].name
    (work / ".docutune/runs" / run / "secret.html").write_text("the secret")
    shows(page, "#evaluate-report .verdict.good", "The tuned model is better")
    shows(page, "#evaluate-report table", "right", "95% interval")
    picture(page, "en-evaluate-report")

    # both answers to each question, by what became of them
    part(page, "Answers side by side")
    shows(page, "#evaluate-questions .asked.improved", "It is <b>base</b>.", "It is <b>tuned</b>.")
    labels = page.locator("#evaluate-which label")
    every, count = (int(re.findall(r"\d+", labels.filter(has_text=name).inner_text())[0]) for name in ("all", "wrong"))
    assert 0 < count < every - 6
    wrong = labels.filter(has_text="tuned is wrong")
    wrong.click()
    page.wait_for_function(f"document.querySelectorAll('#evaluate-questions .asked').length === {count}")
    assert page.locator("#evaluate-questions .asked.improved").count() == 0
    picture(page, "en-evaluate-answers")

    # a person judges without knowing whose answer is whose
    part(page, "Blind rating")
    total = every - count
    for number in range(1, total + 1):
        card = shows(page, "#judge-question .asked", f"{number} of {total}")
        assert page.locator("#evaluate-parts").inner_text().count("tuned is better") == 0
        first = card.locator(".pair > div").first.inner_text()
        if number == 2:
            picture(page, "en-evaluate-judge")
            press(page, "Both bad")
            shows(page, "#judge-question .asked", f"3 of {total}")
            press(page, "Take the last one back")
            shows(page, "#judge-question .asked", f"2 of {total}")
        better = page.get_by_role("button", name="A is better" if "tuned" in first else "B is better", exact=True)
        better.dblclick()  # as hasty people do: it is one verdict
    shows(page, "#judge-question", f"All {total} questions are judged")
    assert shows(page, "#judge-tally .facts div", "tuned is better").locator("b").inner_text() == str(total)
    assert [item["verdict"] for item in ratings(work)] == ["tuned"] * total
    with pytest.raises(UsageError, match="judged elsewhere meanwhile"):
        Workspace(work).desk.judging.give(run, "smoke", None, ratings(work)[0]["id"], "first")

    # the next report, of a run that no page owns, has it beside what was measured
    press(page, "Measure again")
    shows(page, "#evaluate-message .good", "measures now")
    assert eventually(lambda: len(runs(work)) == 2 and (runs(work)[-1] / "report.json").is_file())
    part(page, "Report")
    shows(page, "#evaluate-report table", "Preferred by people")
    assert json.loads((runs(work)[-1] / "manifest.json").read_text())["steps"][-1]["status"] in ("made", "reused")
    shows(page, "#state .finished", runs(work)[-1].name)

    # the whole report, with nothing in it that runs, and no other file
    with page.expect_popup() as popup:
        page.get_by_role("link", name="The whole report").click()
    whole = popup.value
    whole.get_by_role("heading", level=1).filter(has_text="The tuned model is better").wait_for()
    assert whole.url == f"{address}reports/{runs(work)[-1].name}/report.html"
    whole.locator('a[href="quality.html"]').click()
    whole.wait_for_url("**/quality.html")
    check_pages(whole, address, work / ".docutune/runs" / run)
    whole.close()


def check_pages(page: Page, address: str, folder: Path) -> None:
    """Only the two pages of a run can be had, never through a link, and a script in one has no chance."""
    run, report = folder.name, folder / "report.html"
    report.write_text("<h1>Mine</h1><script>document.title = 'ran'</script>")
    page.goto(f"{address}reports/{run}/report.html")
    assert (page.locator("h1").inner_text(), page.title()) == ("Mine", "")
    names = ("manifest.json", "secret.html", "report.json", "report.html/", "..%2f..%2fnotebook.json", "")
    elsewhere = (
        "/reports/latest/report.html",
        f"/reports/../{run}/report.html",
        "/reports/20000101-000000/report.html",
    )
    report.unlink()
    report.symlink_to(folder / "secret.html")
    for path in (*(f"/reports/{run}/{name}" for name in (*names, "report.html")), *elsewhere):
        status, text = asked(address, path)
        assert status in (400, 404) and "the secret" not in text, path


def test_a_prompt_is_edited_filled_in_and_set_back(page: Page, measured: Installed) -> None:
    own = measured.work / "prompts/langchain/en/explanation.md"
    part(page, "Prompt templates")
    shows(page, "#templates tr:has-text('langchain/en/explanation')", "generator langchain", "shipped")
    page.locator("#template input").fill("en/explanation")
    page.get_by_role("option", name="langchain/en/explanation").click()
    shows(page, "#template-facts", "$library", "$text")
    press(page, "Show filled in")
    shows(page, "#template-filled", "guide.md:3-5", "Acme sends parcels to every city")

    editor = page.locator("#template-text textarea")
    expect(editor).to_have_value(re.compile(r"\$library[\s\S]*\$text"))

    def write(text: str) -> None:
        editor.fill(text)

    write("Arr!\nTell of $text and $txet.")
    press(page, "Save")
    shows(page, "#template-message .bad", "nothing was written", "Line 2: unknown placeholder $txet")
    assert not own.exists() and not list(own.parent.parent.glob("**/.*"))
    picture(page, "en-templates-wrong")
    write("Arr!\nTell of $text.")
    press(page, "Show filled in")
    shows(page, "#template-filled", "Arr!", "Acme sends parcels")
    assert not own.exists()
    press(page, "Save")
    shows(page, "#template-message", "your text is in force now", "leaves out $")
    assert own.read_text() == "Arr!\nTell of $text."
    shows(page, "#templates tr:has-text('langchain/en/explanation')", "prompts/langchain/en/explanation.md")

    # somebody else has changed it: nothing is written, nor set back
    own.write_text("Ahoy $text")
    press(page, "Save")
    shows(page, "#template-message .bad", "was changed by somebody else meanwhile")
    assert own.read_text() == "Ahoy $text"
    press(page, "Load again")
    expect(editor).to_have_value("Ahoy $text")
    own.write_text("Avast $text")
    press(page, "Back to the shipped text")
    shows(page, "#template-message .bad", "was changed by somebody else meanwhile")
    assert own.read_text() == "Avast $text"
    press(page, "Load again")
    expect(editor).to_have_value("Avast $text")
    press(page, "Back to the shipped text")
    shows(page, "#template-message .good", "the shipped text is in force")
    assert not own.exists()
    templates = Workspace(measured.work).templates
    texts = [item.text for item in templates.history(templates.find("langchain/en/explanation"))]
    assert "Avast $text" in texts and "Arr!\nTell of $text." in texts
    picture(page, "en-templates")
