"""The page's tab Chat in a real browser: answers seen as they are written, stopped, compared, kept and learned from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import started
from installed import Installed
from jobs import eventually
from parrot import chats, workspace
from playwright.sync_api import Browser, Locator, Page
from test_ui import opened, picture, press, served, shows

from docutune.api import Workspace
from docutune.chats.conversation import Talker
from docutune.chats.files import ChatFile, chat_file
from docutune.errors import UsageError

pytestmark = pytest.mark.browser

END = "That is all."
HOSTILE = "<img src=x onerror=\"document.title='hit'\"><script>document.title='hit'</script> ${document.title='hit'} {{this}}"


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


def test_answers_are_seen_arriving_stopped_and_kept(browser: Browser, environment: Installed) -> None:
    store = workspace(environment)
    with served(environment) as (process, address), opened(browser, f"{address}en/?tab=chat") as page:
        shows(page, "#chat-model .to-do", "No model is loaded: choose one")
        shows(page, "#chat-notes .to-do", "No chat is kept yet")
        picture(page, "en-chat-empty")
        ask(page, "too early")
        shows(page, "#chat-message .bad", "no model is loaded")
        press(page, "Load")
        shows(page, "#chat-model .good", "polly answers")

        ask(page, f"wait {HOSTILE}")
        going = shows(page, "#chat-live .going", "tuned heard wait")
        before = going.inner_text()
        (environment.work / "say 0").touch()
        shows(page, "#chat-live .going", "hit'} {{this}} 0")
        assert len(going.inner_text()) > len(before)
        assert [lines[-1]["kind"] for lines in chats(store)] == ["question"], "the reply is not over"
        page.wait_for_url("**chat=2*")
        picture(page, "en-chat-writing")
        with opened(browser, page.url) as same, opened(browser, f"{address}zh/?tab=chat") as other:
            ask(other, "hello")
            answered(other, "tuned heard hello", END)
            ask(other, "wait to be closed")
            shows(other, "#chat-live .going", "wait to be closed")
            other.close()
            assert eventually(lambda: ends(store)[-1] == ("answer", "broken off"))
            shows(same, "#chat-live .going", "{{this}} 0")
            ask(same, "me, too")
            shows(same, "#chat-message .bad", "is being answered")
            (environment.work / "left").unlink()
            press(same, "Stop")
            for each in (same, page):
                answered(each, "tuned heard wait", "0\nstopped here", "<script>document.title='hit'</script>")
                assert "hit" not in each.title()
                assert each.locator("#talk img, #talk script").count() == 0
        assert eventually((environment.work / "left").exists), "the generation ended"
        assert ends(store) == [("answer", "broken off")] * 2
        press(page, "Good answer")
        shows(page, "#chat-judged .bad", "that answer was broken off")

        # loaded again with a reply under way
        press(page, "New chat")
        shows(page, "#chat-past .to-do", "Nothing said yet")
        ask(page, "wait once more")
        page.wait_for_url("**chat=2*")
        shows(page, "#chat-live .going", "once more 0")
        page.reload()
        answered(page, "tuned heard wait once more 0", "stopped here")
        # the server ends with a reply under way
        ask(page, "wait for the end")
        shows(page, "#chat-live .going", "wait for the end")
        process.terminate()
        process.wait(60)
    assert ends(store) == [("answer", "broken off")] * 3
    assert "wait for the end" in chats(store)[-1][-1]["text"]


def test_answers_are_compared_exported_and_learned_from(browser: Browser, environment: Installed) -> None:
    store = workspace(environment)
    with served(environment) as (_, address), opened(browser, f"{address}en/?tab=chat") as page:
        press(page, "Load")
        shows(page, "#chat-model .good", "polly answers")
        ask(page, "wait for both", "Compare with base")
        shows(page, "#chat-live .answer:has-text('polly (base)')", "base heard wait for both", END)
        shows(page, "#chat-live .going", "tuned heard wait for both")
        picture(page, "en-chat-compare")
        (environment.work / "go on").touch()
        turn = answered(page, "base heard wait for both", "tuned heard wait for both")
        boxes = [answer.bounding_box() for answer in turn.locator(".answer").all()]
        assert boxes[0] and boxes[1] and boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"], "side by side"

        page.locator("#chat-settings button").first.click()
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
        press(page, "Compare with base")
        answered(page, "tuned heard three", "base heard three")
        shows(page, "#chat-list label", "wait for both")

        press(page, "Good answer")
        shows(page, "#chat-judged .good", "samples/added.jsonl, line 1", "this question and its answer alone")
        shows(page, "#chat-judged .to-do", "- samples: samples/added.jsonl")
        press(page, "Good answer")
        shows(page, "#chat-judged .to-do", "already. Add it all the same?")
        press(page, "Leave it")
        press(page, "Bad answer")
        shows(page, "#chat-judged .bad", "Say what is wrong")
        page.locator("#chat-reason input, #chat-reason textarea").fill("it is wrong")
        press(page, "Bad answer")
        shows(page, "#chat-judged .good", "Rated bad")
        (row,) = map(json.loads, (environment.work / "samples/added.jsonl").read_text().splitlines())
        assert (row["question"], row["system"]) == ("three", "Be short.")
        (rating,) = Workspace(environment.work).datasets.ratings.all()
        assert (rating.verdict, rating.note, rating.question, rating.model) == ("bad", "it is wrong", "three", "polly")

        page.get_by_role("link", name="中文").click()
        answered(page, "tuned heard three", "polly（基座）")
        picture(page, "zh-chat")
        page.set_viewport_size({"width": 400, "height": 900})
        picture(page, "zh-chat-400")
        page.set_viewport_size({"width": 1280, "height": 900})
        press(page, "导出 .jsonl")
        with page.expect_download() as download:
            page.get_by_role("link", name="exports/chats").click()
        assert messages(download.value.path()) == ["system", "user", "assistant", "user", "assistant"]

        # another program has it open
        file = ChatFile.open(chat_file(Workspace(environment.work).store, "latest"))
        ask(page, "four")
        shows(page, "#chat-message .bad", "is open in another docutune")
        file.close()
        press(page, "删除")
        shows(page, "#chat-kept-message .to-do", "wait for both")
        picture(page, "zh-chat-delete")
        page.locator("#chat-delete-sure").click()
        shows(page, "#chat-past .to-do", "还没有对话")
        shows(page, "#chat-notes .to-do", "还没有保存的对话")
        assert chats(store) == []


def messages(file: Path) -> list[str]:
    (line,) = file.read_text().splitlines()
    found: list[dict[str, Any]] = json.loads(line)["messages"]
    return [message["role"] for message in found]


def test_a_base_alone_has_nothing_to_compare_with(environment: Installed) -> None:
    store = workspace(environment)
    talker = Talker(None, "b", "base", base_only=True)  # type: ignore[arg-type]
    talks = Workspace(environment.work).desk.talks
    with pytest.raises(UsageError, match="b is a base model"):
        talks.ask(talker, "", "one", "", both=True)
    with pytest.raises(UsageError, match="the question is empty"):
        talks.ask(talker, "", " ", "")
    assert chats(store) == []
