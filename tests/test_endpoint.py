"""Servers that fail: what is asked of them meanwhile, when a run stops, and that nothing which came is lost.

The long forms of the two loops stand in tests/soak; `make soak` runs them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from asker import Project, number, right
from chat_server import Asked, ChatServer, Sent, failed, said
from installed import Installed

SOAK = Path(__file__).parent / "soak"
PATIENCE = 60.0
LONG = "The piece turns to the left, stops at the wall and comes back with the letters of the day. " * 12
JUDGE = """
from pydantic import BaseModel
from docutune import ChatConfig, Registration, hookimpl
from docutune.errors import DocutuneError
from docutune.records import Message

class Config(ChatConfig):
    pass

class Verdict(BaseModel):
    answer: str

class Judge:
    def __init__(self, config): pass
    async def reject(self, samples, context):
        found = []
        for place, made in enumerate(samples):
            try:
                question = f"Is this right? {made.sample.messages[-1].content} {made.sample.fact}"
                await context.chat.ask([Message("user", question)], Verdict)
            except DocutuneError as error:  # it should let errors pass
                found.append((place, f"unjudged: {error}"))
        return found

@hookimpl
def docutune_curators():
    return [Registration("assessor", 1, "Judges", Config, "assessor:Judge")]
"""


@pytest.mark.parametrize("part", ["endpoint", "replies", "malformed"])
def test_loops_over_a_server_that_fails_and_runs_that_are_killed(
    part: str, record_property: Callable[[str, object], None]
) -> None:
    done = subprocess.run([sys.executable, SOAK, part, "--short"], capture_output=True, text=True, timeout=500)
    record_property("counts", done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{part}: ")


class First:
    """A script whose first requests, as many as there are slots, come together: the first of them is failed.

    The others are answered when the client has written down what the failed one cost, and so has taken note of it.
    """

    def __init__(self, slots: int, failure: Sent) -> None:
        self.slots = slots
        self.failure = failure
        self.server: ChatServer | None = None
        self.ledger = Path()

    def __call__(self, asked: Asked) -> Sent:
        assert self.server is not None
        place = self.server.asked.index(asked)
        if place < self.slots:
            self._wait(lambda: len(self.server.asked) >= self.slots if self.server else False)
        if place == 0:
            return self.failure
        if place < self.slots:
            self._wait(lambda: _settled(self.ledger) > 0)
        return right(asked)

    def _wait(self, state: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not state() and time.monotonic() < deadline:
            time.sleep(0.01)


def _settled(ledger: Path) -> int:
    return sum(b'"request"' not in line for line in ledger.read_bytes().splitlines())


def met(environment: Installed, slots: int, failure: Sent, act: Callable[[Project], object]) -> ChatServer:
    """The server after a run whose first requests came together, and the first of which failed."""
    script = First(slots, failure)
    with ChatServer(script) as server:
        project = Project(environment, server, 12)
        script.server, script.ledger = server, project.work / ".docutune/spending.jsonl"
        project.write(concurrency=slots)
        act(project)
    return server


def test_after_a_refused_key_nothing_more_is_sent(environment: Installed) -> None:
    kept: list[int] = []

    def act(project: Project) -> None:
        assert "refuses every request: the key is not accepted (HTTP 401)" in project.fail()
        kept.append(project.replies)

    server = met(environment, 4, failed(401), act)
    assert len(server.asked) == 4, "those that were under way, and none after the refusal had come"
    assert kept == [3]


def test_a_pause_that_the_server_asks_for_holds_for_all_requests(environment: Installed) -> None:
    server = met(environment, 4, failed(429, retry_after="2"), lambda project: project.run())
    assert len(server.asked) == 13
    refused = server.asked[0]
    assert refused.answering is not None
    assert min(asked.began for asked in server.asked[4:]) >= refused.answering + 2


def test_why_nothing_goes_on_is_said_while_the_server_is_asked_again(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 2)
    project.write(retries=2)
    done = environment.docutune("run", TEST_KEY="none")
    told, final = done.stderr.split("error: ")
    assert done.returncode == 1 and "see that it is up" in final
    assert told.count("; it is asked again") == 1, done.stderr
    assert re.search(rf"note +.*{re.escape(server.url)}: .*; it is asked again", told)


def test_a_pause_worth_knowing_of_is_told_once(environment: Installed) -> None:
    with ChatServer(lambda asked: right(asked) if len(server.asked) > 2 else failed(429, retry_after="5")) as server:
        project = Project(environment, server, 3)
        project.write(concurrency=2)
        told = environment.docutune("run", TEST_KEY="none").stderr
    assert told.count("wants no request for 5 s (HTTP 429: no)") == 1, told


def test_a_pause_too_long_to_wait_for_ends_the_run(environment: Installed) -> None:
    def act(project: Project) -> None:
        said_last = project.fail()
        assert "wants no request for 4,000 s (HTTP 429: no)" in said_last
        assert "every reply is kept; give the same command again then" in said_last

    assert len(met(environment, 4, failed(429, retry_after="4000"), act).asked) == 4


def test_a_server_that_fails_most_of_the_time_stops_the_run_which_then_goes_on(environment: Installed) -> None:
    is_ill = True

    def script(asked: Asked) -> Sent:
        return failed(500, "out of memory") if is_ill and number(asked) % 3 else right(asked)

    with ChatServer(script) as server:
        project = Project(environment, server, 90)
        project.write(concurrency=8, retries=1)
        said_last = project.fail()
        found = re.search(r"fails too often: (\d+) of the last (\d+) requests brought no reply", said_last)
        assert found and 25 <= int(found[1]) > int(found[2]) / 2
        assert f"({found[1]} times HTTP 500: out of memory)" in said_last
        assert "once the server is well the same command goes on from here" in said_last
        assert len(said_last.strip().splitlines()) == 2
        kept, before, is_ill = project.replies, len(server.asked), False
        assert before < 90 and kept == sum(
            asked.sent is not None and asked.sent.status == 200 for asked in server.asked
        )
        project.run()
        assert len(server.asked) - before == 90 - kept
        assert len(project.samples()) == 90


def test_a_server_that_cuts_every_prompt_stops_the_run_with_what_to_do(environment: Installed) -> None:
    with ChatServer(lambda asked: said({"answer": "It is so."}, tokens=(50, 10))) as server:
        project = Project(environment, server, 20, dict.fromkeys(range(20), LONG))
        project.write(concurrency=2)
        said_last = project.fail()
        assert re.search(r"cuts every prompt: of the last one it read 50 tokens of at least 2\d\d", said_last)
        assert "Ollama: num_ctx" in said_last and "lower max_context_chars" in said_last
        assert 3 <= len(server.asked) <= 3 + 1
        assert project.replies == 0, "a reply to a part of a prompt is worth nothing"


def test_a_prompt_that_the_server_cut_is_left_out_and_asked_again_and_nobody_is_wronged(environment: Installed) -> None:
    cuts = True

    def script(asked: Asked) -> Sent:
        if number(asked) == 5 and cuts:
            return said({"answer": "A part of it."}, tokens=(40, 10))
        silent = {2: None, 3: (0, 0)}  # servers that do not count, or say so with nothing
        place = number(asked)
        return said({"answer": "It."}, tokens=silent[place]) if place in silent else right(asked)

    with ChatServer(script) as server:
        project = Project(environment, server, 8, dict.fromkeys(range(2, 8), LONG))
        project.write(concurrency=1)
        project.run()
        assert len(project.samples()) == 7 and len(server.asked) == 8
        (row,) = project.rejected()
        assert re.match(r"the prompt was cut by the server: it read 40 tokens of at least 2\d\d", row["reason"])
        cuts = False
        project.run()
        assert len(project.samples()) == 8 and len(server.asked) == 9


def test_errors_that_a_curator_swallows_stop_the_run_all_the_same(environment: Installed) -> None:
    with ChatServer(lambda asked: failed(401) if "Is this" in asked.content else right(asked)) as server:
        project = Project(environment, server, 6)
        with_judge(project)
        assert "refuses every request: the key is not accepted" in project.fail()
        assert len(server.asked) == 7


def test_a_curator_asks_within_the_budget_of_all(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 6)
        project.budget = {"max_requests": 9}
        with_judge(project)
        assert "the budget is used up: max_requests 9, 9 spent" in project.fail()
        assert len(server.asked) == 9 == project.replies
        project.budget = {"max_requests": 12}
        with_judge(project)
        assert project.run()["spending"]["counted"]["requests"] == 12 == len(server.asked)


def with_judge(project: Project) -> None:
    """Put a curator into the pipeline that asks the same server."""
    project.installed.install("assessor", {"assessor.py": JUDGE}, "assessor = assessor")
    project.write_with(curate=[{"uses": "assessor", "with": project.options}])
