"""The page's tab Chat in a real browser: answers seen as they are written, stopped, compared, kept and learned from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CONTRASTS, started
from installed import Installed
from jobs import eventually
from parrot import chats, workspace
from playwright.sync_api import Browser, Locator, Page, expect
from test_ui import opened, picture, press, served, shows

from docutune.api import Workspace
from docutune.chats.conversation import Talker
from docutune.chats.files import ChatFile, chat_file
from docutune.errors import UsageError

pytestmark = pytest.mark.browser

END = "That is all."
HEAD = """() => {
  const talk = document.getElementById('talk'), turn = [...talk.querySelectorAll('.turn')].at(-1);
  const top = turn.getBoundingClientRect().top - talk.getBoundingClientRect().top;
  return turn.clientHeight > talk.clientHeight && top >= 0 && top < 40;
}"""
"""The beginning of the newest turn is seen, which is too long to be seen whole."""
HIT = "document.title='hit'"
HOSTILE = f'<img src=x onerror="{HIT}"><script>{HIT}</script> ${{{HIT}}} {{{{this}}}}'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


def ask(page: Page, question: str, button: str = "") -> None:
    box = page.locator("#chat-question textarea")
    box.fill(question)
    if button:
        press(page, button)
    else:
        box.press("Enter")


def answered(page: Page, *texts: str) -> Locator:
    """Wait until a turn that is over holds these texts."""
    found = page.locator("#chat-past .turn")
    for text in texts:
        found = found.filter(has_text=text)
    found.last.wait_for()
    return found.last


def ends(store: Path) -> list[tuple[str, str]]:
    """The last line of every chat: its kind, and how the reply ended."""
    return [(lines[-1]["kind"], lines[-1].get("end", "")) for lines in chats(store)]


def test_answers_are_seen_arriving_stopped_kept_and_learned_from(browser: Browser, environment: Installed) -> None:
    """One server and one page, from the first question to the server's end; a second page for a while."""
    store = workspace(environment)
    with served(environment) as (process, address), opened(browser, f"{address}en/?tab=chat") as page:
        shows(page, "#chat-notes .to-do", "No chat is kept yet")
        ask(page, "too early")
        shows(page, "#chat-message .bad", "no model is loaded")
        shows(page, "#chat-model .to-do", "No model is loaded: choose one")
        picture(page, "en-chat-empty")
        press(page, "Load")
        shows(page, "#chat-model .good", "polly answers")
        streams(page, environment.work, store)
        a_second_page_and_its_end(browser, page, store)
        stops(page, environment.work, store)
        compares(page, environment.work)
        learns(page, environment.work)
        loads_again(page)
        exports_and_removes(page, environment.work, store)
        ask(page, "wait for the end")
        shows(page, "#chat-live .going", "wait for the end")
        process.terminate()
        process.wait(60)
    assert ends(store) == [("answer", "broken off")] * 3
    assert "wait for the end" in chats(store)[-1][-1]["text"]


def streams(page: Page, work: Path, store: Path) -> None:
    """What is there grows while the reply goes on; none of it is HTML."""
    ask(page, f"wait {HOSTILE}")
    going = shows(page, "#chat-live .going", "tuned heard wait")
    before = going.inner_text()
    (work / "say 0").touch()
    shows(page, "#chat-live .going", "hit'} {{this}} 0")
    assert len(going.inner_text()) > len(before)
    assert [lines[-1]["kind"] for lines in chats(store)] == ["question"], "the reply is not over"
    page.wait_for_url("**chat=2*")
    picture(page, "en-chat-writing")


def a_second_page_and_its_end(browser: Browser, page: Page, store: Path) -> None:
    """It sees the same reply, may not ask in that chat, has another at the same time; closed, its reply is kept."""
    with opened(browser, page.url) as other:
        shows(other, "#chat-live .going", "{{this}} 0")
        ask(other, "me, too")
        shows(other, "#chat-message .bad", "is being answered")
        press(other, "New chat")
        shows(other, "#chat-past .to-do", "Nothing said yet")
        ask(other, "hello")
        answered(other, "tuned heard hello", END)
        ask(other, "wait to be closed")
        shows(other, "#chat-live .going", "wait to be closed")
    assert eventually(lambda: ends(store)[-1] == ("answer", "broken off"))
    assert ends(store)[0] == ("question", "")


def stops(page: Page, work: Path, store: Path) -> None:
    """What was said is kept and marked, and the worker generates no more."""
    assert eventually((work / "left").exists)  # by the page that was closed
    (work / "left").unlink()
    press(page, "Stop")
    answered(page, "tuned heard wait", "0\nstopped here", f"<script>{HIT}</script>")
    assert "hit" not in page.title()
    assert page.locator("#talk img, #talk script").count() == 0
    assert eventually((work / "left").exists)
    assert ends(store) == [("answer", "broken off")] * 2
    press(page, "Good answer")
    shows(page, "#chat-judged .bad", "that answer was broken off")


def compares(page: Page, work: Path) -> None:
    """Both answers at a time, or the one that is missing; each with its settings."""
    press(page, "New chat")
    shows(page, "#chat-past .to-do", "Nothing said yet")
    ask(page, "wait for both", "Compare with base")
    shows(page, "#chat-live .answer:has-text('polly (base)')", "base heard wait for both", END)
    shows(page, "#chat-live .going", "tuned heard wait for both")
    expect(page.locator("#chat-past .to-do")).to_be_hidden()
    picture(page, "en-chat-compare")
    (work / "go on").touch()
    turn = answered(page, "base heard wait for both", "tuned heard wait for both")
    base, tuned = (answer.bounding_box() for answer in turn.locator(".answer").all())
    assert base and tuned
    assert (base["y"], base["x"] < tuned["x"]) == (tuned["y"], True), "side by side"
    (work / "go on").unlink()

    page.locator("#chat-settings button").first.click()
    page.wait_for_function("document.querySelector('#chat-seed input')?.value === ''")
    page.locator("#chat-system textarea").fill("Be short.")
    page.locator("#chat-max-new-tokens input").fill("1")
    ask(page, "two")
    answered(page, "System prompt: Be short.", "tuned heard two", "cut off here")
    page.locator("#chat-top-p input").fill("2")
    ask(page, "three")
    shows(page, "#chat-message .bad", "top_p 2 is not above 0")
    page.locator("#chat-top-p input").fill("1")
    page.locator("#chat-max-new-tokens input").fill("9")
    ask(page, "three")
    answered(page, "tuned heard three")
    page.set_viewport_size({"width": 1280, "height": 300})
    press(page, "Compare with base")
    answered(page, "tuned heard three", "base heard three")
    page.wait_for_function(HEAD)
    page.set_viewport_size({"width": 1280, "height": 900})


def learns(page: Page, work: Path) -> None:
    """Samples and ratings, by the rules of the terminal."""
    press(page, "Good answer")
    shows(page, "#chat-judged .good", "samples/added.jsonl, line 1", "this question and its answer alone")
    shows(page, "#chat-judged", "pipeline.yaml names samples/added.jsonl below `sources:` now")
    assert "- samples: samples/added.jsonl" in (work / "pipeline.yaml").read_text()
    press(page, "Good answer")
    shows(page, "#chat-judged .to-do", "already. Add it all the same?")
    press(page, "Leave it")
    press(page, "Bad answer")
    shows(page, "#chat-judged .bad", "Say what is wrong")
    page.locator("#chat-reason :is(input, textarea)").fill("it is wrong")
    press(page, "Bad answer")
    shows(page, "#chat-judged .good", "Rated bad")
    (row,) = map(json.loads, (work / "samples/added.jsonl").read_text().splitlines())
    assert (row["question"], row["system"]) == ("three", "Be short.")
    (rating,) = Workspace(work).datasets.ratings.all()
    assert (rating.verdict, rating.note, rating.question, rating.model) == ("bad", "it is wrong", "three", "polly")


def loads_again(page: Page) -> None:
    """The same chat is there, in the other language, with what was said when the page was left."""
    ask(page, "wait once more")
    shows(page, "#chat-live .going", "once more")
    page.get_by_role("link", name="中文").click()
    answered(page, "tuned heard three", "polly（基座）")
    answered(page, "tuned heard wait once more", "在此停止")
    page.wait_for_function(f"!({CONTRASTS})().some(text => text.ratio < 4.5)")
    for width in (400, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
        picture(page, f"zh-chat-{width}")


def exports_and_removes(page: Page, work: Path, store: Path) -> None:
    """A file to download; what another program has open is left alone; removed only when that is confirmed."""
    press(page, "导出 .jsonl")
    shows(page, "#chat-kept-message .to-do", "有 2 个问题")
    with page.expect_download() as download:
        page.get_by_role("link", name="exports/chats").click()
    (line,) = download.value.path().read_text().splitlines()
    roles = [message["role"] for message in json.loads(line)["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant"]

    file = ChatFile.open(chat_file(Workspace(work).store, "latest"))
    ask(page, "four")
    shows(page, "#chat-message .bad", "is open in another docutune")
    file.close()
    press(page, "删除")
    shows(page, "#chat-kept-message .to-do", "wait for both")
    picture(page, "zh-chat-delete")
    assert len(chats(store)) == 3
    page.locator("#chat-delete-sure").click()
    shows(page, "#chat-past .to-do", "还没有对话")
    assert len(chats(store)) == 2


def test_a_base_alone_has_nothing_to_compare_with(environment: Installed) -> None:
    store = workspace(environment)
    talker = Talker(None, "b", "base", base_only=True)  # type: ignore[arg-type]
    talks = Workspace(environment.work).desk.talks
    with pytest.raises(UsageError, match="b is a base model"):
        talks.ask(talker, "", "one", "", both=True)
    with pytest.raises(UsageError, match="the question is empty"):
        talks.ask(talker, "", " ", "")
    assert chats(store) == []
