"""Generators that ask a chat model, through the command line against a real HTTP server: nothing paid for is lost."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from asker import KEY, Project, number, right
from chat_server import Asked, ChatServer, Sent, failed, no_choices, said
from installed import Installed

DOCUMENT_SECRET = "AKIAQZ7XKJ3MPLRT5WYV"


def spends_all(asked: Asked) -> Sent:
    """A reply that costs nearly as much as it can; every third request fails at first."""
    if number(asked) % 3 == 0 and asked.times == 0:
        return failed(500)
    content = len(json.dumps(asked.body["messages"]))
    return said({"answer": "Something."}, tokens=(content, int(asked.body["max_tokens"])), delay=0.05)


def in_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


MIXED: dict[int, Callable[[Asked], Sent]] = {
    0: lambda asked: failed(429, retry_after="2") if asked.times == 0 else right(asked),
    1: lambda asked: failed(429, retry_after=in_date(3)) if asked.times == 0 else right(asked),
    2: lambda asked: failed(500) if asked.times == 0 else right(asked),
    3: lambda asked: failed(503, retry_after="1") if asked.times == 0 else right(asked),
    4: lambda asked: failed(503),
    5: lambda asked: Sent(hang=True),
    6: lambda asked: Sent(hang=True) if asked.times == 0 else right(asked),
    7: lambda asked: Sent(close=True) if asked.times == 0 else right(asked),
    8: lambda asked: Sent(b'{"id": "1", "choices": [{"ind') if asked.times == 0 else right(asked),
    9: lambda asked: no_choices() if asked.times == 0 else right(asked),
    10: lambda asked: said('{"answer": "It is num', finish="length"),
    11: lambda asked: said("", finish="content_filter"),
    12: lambda asked: said({"reply": 3}),
    13: lambda asked: said({"reply": 3}) if "Last time" not in asked.content else right(asked),
    14: lambda asked: said("Sorry, I cannot."),
    15: lambda asked: said({"answer": "It is number 15."}, tokens=None),
    16: lambda asked: said('<think>{"no"}</think>```json\n{"answer": "It is number 16."}\n```'),
    17: lambda asked: failed(400, "too long"),
    18: lambda asked: failed(429),
    19: lambda asked: said({"answer": f"It is number 19, {KEY}."}),
    20: lambda asked: Sent(b"<html>busy</html>", headers={"Content-Type": "text/html"}),
    21: lambda asked: said('{"answer": "\\ud800"}'),
    22: right,
    23: lambda asked: replace(right(asked), drip=0.2),
}
LEFT_OUT = {
    4: "no reply: HTTP 503",
    5: "no reply: no answer within the timeout",
    10: "the reply was cut off at max_tokens",
    11: "the model refused to answer",
    12: "the reply does not fit the schema: answer: Field required",
    14: "the reply holds no JSON object",
    17: "no reply: HTTP 400: too long",
    18: "no reply: HTTP 429",
    20: "no reply: the server's answer could not be read",
    21: "the reply is no JSON",
    22: "a secret must not be sent: AWS Access Key in src/m022.py:1-3",
    23: "no reply: no answer within the timeout",
}
PASSING = {4, 5, 17, 18, 20, 22, 23}
"""Those that the next run tries again."""


def test_every_task_is_accepted_or_rejected_with_a_reason(environment: Installed) -> None:
    with ChatServer(lambda asked: MIXED[number(asked)](asked)) as server:
        project = Project(environment, server, len(MIXED), {22: f"Log in with {DOCUMENT_SECRET}."})
        project.write(timeout=2.5, retries=1)
        summary = project.run(LANGSMITH_TRACING="true", LANGSMITH_ENDPOINT=server.url, LANGSMITH_API_KEY="a-key-of-it")
        assert_obeyed(server)
        names = {f"m{n:03}.part_{n:03}" for n in MIXED if n not in LEFT_OUT}
        assert project.samples().keys() == names
        reasons = rejected(project)
        assert {n: reasons[n].startswith(reason) for n, reason in LEFT_OUT.items()} == dict.fromkeys(LEFT_OUT, True), (
            reasons
        )
        assert_nothing_leaked(project, server, json.dumps(summary))
        spending = summary["spending"]
        assert spending["requests"] == len(server.asked)
        assert project.manifest()["spending"] == spending
        assert project.replies == spending["requests"] - sum(unanswered(asked) for asked in server.asked)
        log = (project.last / "log.txt").read_text()
        assert f"{len(PASSING - {22})} tasks were not answered; the next run tries again" in log
        assert "1 task holds a secret and was not sent: src/m022.py:1-3 (rejected.jsonl" in log
        before = len(server.asked)
        project.run()
        again = {number(asked) for asked in server.asked[before:]}
        assert again == PASSING - {22}  # and no reply is asked for twice


def unanswered(asked: Asked) -> bool:
    return (
        asked.sent is None
        or asked.sent.status != 200
        or b'"finish_reason"' not in asked.sent.body
        or asked.sent.drip > 0
    )


def assert_obeyed(server: ChatServer) -> None:
    """Every wait that the server asked for, by its own clock; a date has whole seconds."""
    times = {n: [asked.began for asked in server.asked if number(asked) == n] for n in (0, 1, 3)}
    waited = {n: began[1] - began[0] for n, began in times.items() if len(began) == 2}
    assert waited.keys() == {0, 1, 3}
    assert waited[0] >= 1.95 and waited[1] >= 1.95 and waited[3] >= 0.95
    assert max(waited.values()) < 20


def assert_nothing_leaked(project: Project, server: ChatServer, output: str) -> None:
    assert {asked.path for asked in server.asked} == {"/v1/chat/completions"}
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {KEY}"}
    assert DOCUMENT_SECRET.encode() not in server.received
    assert KEY not in output
    files = [path for path in (project.work / ".docutune").rglob("*") if path.is_file()]
    assert len(files) > 30
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert [path for path in (project.work / ".docutune/replies").rglob("*") if DOCUMENT_SECRET in path.name] == []


def rejected(project: Project) -> dict[int, str]:
    """Number -> the reason why that task was left out, as the run lists them."""
    lines = (project.last / "rejected.jsonl").read_text().splitlines()
    found = {}
    for row in map(json.loads, lines):
        found[int(re.findall(r"m(\d+)\.py", row["spans"][0]["source"])[0])] = row["reason"]
    return found


def test_what_was_received_before_a_kill_is_never_asked_for_again(environment: Installed) -> None:
    chance = random.Random()
    stop: float = 0

    def script(asked: Asked) -> Sent:
        """After that many requests the rest hangs, so that no run ends before it is killed."""
        if len(server.asked) > stop:
            return Sent(hang=True)
        return replace(right(asked), delay=chance.uniform(0, 0.15))

    with ChatServer(script) as server:
        project = Project(environment, server, 60)
        kept = 0
        for _ in range(3):
            before = len(server.asked)
            stop = before + chance.randint(2, 20)
            project.killed(lambda stop=stop: len(server.asked) >= stop)
            asked = [request.raw for request in server.asked[before:]]
            assert len(asked) == len(set(asked)) <= 60 - kept
            kept = project.replies
        before, stop = len(server.asked), math.inf
        summary = project.run()
        assert len(server.asked) - before == 60 - kept
        assert len(server.asked) <= 60 + 3 * 16  # what was under way at a kill
        assert max(server.counts.values()) <= 4
        assert summary["spending"]["requests"] == 60 - kept
        assert summary["spending"]["replies_reused"] == kept
        assert len(project.samples()) == 60
        named = set((project.last / "objects.txt").read_text().split())
        assert sum(name.startswith("replies/") for name in named) == 60


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        ({"max_requests": 30}, lambda server: len(server.asked)),
        ({"max_tokens": 40_000}, lambda server: server.tokens),
        ({"max_cost_usd": 0.2}, lambda server: cost(server)),
    ],
    ids=["requests", "tokens", "cost"],
)
def test_the_budget_is_never_passed(
    environment: Installed, budget: dict[str, float], spent: Callable[[ChatServer], float]
) -> None:
    (limit,) = budget.values()
    stop: float = 12  # then the rest hangs until the run is killed
    with ChatServer(lambda asked: spends_all(asked) if len(server.asked) <= stop else Sent(hang=True)) as server:
        project = Project(environment, server, 120)  # more than any of these budgets pays for
        project.budget = budget
        project.write(max_tokens=200, input_price=5, output_price=10, retries=2)
        project.killed(lambda: len(server.asked) >= 12)
        stop = math.inf
        said_last = project.fail()
        assert limit * 0.3 < spent(server) <= limit
        name = next(iter(budget))
        assert re.match(rf"the budget is used up: {name} [\d.,]+, [\d.,]+ spent, and the next request could", said_last)
        assert len(said_last.strip().splitlines()) == 2
        assert project.manifest()["spending"]["budget"][name] == limit
        before = len(server.asked)
        project.fail()
        assert len(server.asked) == before, "whatever fitted was sent before"


def cost(server: ChatServer) -> float:
    answered = [asked.sent for asked in server.asked if asked.sent and asked.ended]
    return sum(sent.input_tokens * 5 + sent.output_tokens * 10 for sent in answered) / 1e6


def test_a_raised_budget_goes_on_and_counts_what_was_spent(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 20)
        project.budget = {"max_requests": 8}
        project.write()
        project.fail()
        assert len(server.asked) == 8 == project.replies
        project.budget = {"max_requests": 20}
        project.write()
        summary = project.run()
        assert len(server.asked) == 20 == len(project.samples())
        assert (summary["spending"]["requests"], summary["spending"]["counted"]["requests"]) == (12, 20)
        (project.work / "src/more.py").write_text('def part_999() -> int:\n    """One more."""\n')
        spent = "the budget is used up: max_requests 20, 20 spent"
        assert spent in project.fail(), "what a finished run spent counts when its results are used again"
        project.run("--set", "budget.max_requests=21")
        (project.work / "src/zlast.py").write_text('def part_998() -> int:\n    """The last."""\n')
        (project.work / ".docutune/spending.jsonl").unlink()
        project.install(revision=2)
        assert "max_requests 20, 21 spent" in project.fail(), "and so when its replies are"
        assert len(server.asked) == 21


def test_options_that_decide_nothing_make_nothing_again_and_the_others_do(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 5)
        project.run()

        def to_make(*options: str) -> int:
            arguments = [item for option in options for item in ("--set", f"generate[0].with.{option}")]
            steps = project.installed.answer("plan", *arguments)["steps"]
            (count,) = (step["count"] for step in steps if step["name"] == "generate:asker")
            return int(count["total"] - count["reused"])

        prices = ("input_price=1", "output_price=2")
        assert to_make("timeout=9", "retries=1", "concurrency=2", "api_key_env=OTHER", *prices) == 0
        for option in ("model=openai:other", "temperature=0.1", "max_tokens=77", "base_url=http://127.0.0.1:9/v1"):
            assert to_make(option) == 5
        assert len(server.asked) == 5


def test_kept_replies_serve_another_revision_and_a_run_anew(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 5)
        first = project.run()
        project.install(revision=2)
        assert project.run()["dataset"] == first["dataset"]
        assert (project.last / "samples.jsonl").read_text().count('"asker@2"') == 5
        summary = project.run("--from", "generate")
        assert (summary["spending"]["requests"], summary["spending"]["replies_reused"]) == (0, 5)
        (project.work / "src/m004.py").unlink()
        project.run()
        cleaned = project.installed.answer("clean", "--keep", "1", "--yes")
        assert cleaned["notes"] == [] and cleaned["bytes"] > 0
        assert project.replies == 5
        assert len(server.asked) == 5


SECRETS = {  # put together here, so that whoever scans this file finds none
    "GitHub Token": "Token ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8 of the bot",
    "Private Key": "-----BEGIN RSA " + "PRIVATE KEY----- MIIEpAIBAAKCAQEAwhvqCC7A9UXgcvDl7nbVjDI3QErd",
    "Basic Auth Credentials": "Connect to postgresql://admin:" + "s3cr3tpw@db/acme",
    "Assigned Secret": "Set password = " + "'hunter2hunter' first",
    "API Key": "Call it with sk-ant-" + "api03-Ab12Cd34Ef56Gh78Ij90",
    "value of ACME_TOKEN": "Say abcd-1234-efgh at the door",
}
HARMLESS = [
    "Set password = '<your password>' first",
    "Set password = ask_for('password') first",
    "Read sk-learn-is-a-library-with-many-words",
    "Set password = 'hunter2hunter'  # pragma: allowlist secret",
]


def test_secrets_of_many_kinds_are_never_sent_and_what_only_looks_like_one_is(environment: Installed) -> None:
    about = dict(enumerate([*SECRETS.values(), *HARMLESS]))
    with ChatServer(right) as server:
        project = Project(environment, server, len(about), about)
        project.run(ACME_TOKEN="abcd-1234-efgh")
        expected = {n: f"a secret must not be sent: {kind} in src/m{n:03}.py:1-3" for n, kind in enumerate(SECRETS)}
        assert rejected(project) == expected
        assert {number(asked) for asked in server.asked} == set(range(len(SECRETS), len(about)))


def test_a_torn_line_of_the_list_of_requests_counts_for_nothing_and_a_damaged_one_is_named(
    environment: Installed,
) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 3)
        project.run()
        ledger = project.work / ".docutune/spending.jsonl"
        whole = ledger.read_bytes()
        assert whole.count(b"\n") == 6
        ledger.write_bytes(whole + b'{"id": "torn by a ki')
        (project.work / "src/more.py").write_text('def part_999() -> int:\n    """One more."""\n')
        project.run()
        lines = [json.loads(line) for line in ledger.read_bytes().splitlines()]
        assert len(lines) == 8 and lines[:6] == [json.loads(line) for line in whole.splitlines()]
        ledger.write_bytes(whole.replace(b'"amount"', b'"amou', 1))
        assert ".docutune/spending.jsonl:1: this line of the list of requests cannot be read" in project.fail(
            "--from", "generate"
        )


def test_a_refused_key_stops_the_run_at_once_and_loses_nothing(environment: Installed) -> None:
    refuses = True

    def script(asked: Asked) -> Sent:
        if refuses and number(asked) >= 6:
            return failed(401, f"Incorrect API key provided: {KEY}")
        return replace(right(asked), delay=1.0 if number(asked) == 5 else 0.0)

    with ChatServer(script) as server:
        project = Project(environment, server, 40)
        project.write(concurrency=3)
        said_last = project.fail()
        assert "refuses every request: the key is not accepted (HTTP 401): Incorrect API key provided" in said_last
        assert "the key came from TEST_KEY, which is set (`api_key_env`): see that it is this server's" in said_last
        assert KEY not in said_last and len(said_last.strip().splitlines()) == 2
        assert project.replies == 6, "also the slow one, which came after the refusal"
        assert len(server.asked) <= 6 + 3
        asked = len(server.asked)
        refuses = False
        project.run()
        assert len(server.asked) == asked + 34


def test_a_refused_key_is_named_by_its_variable_and_whether_that_was_set(environment: Installed) -> None:
    with ChatServer(lambda asked: failed(401)) as server:
        project = Project(environment, server, 1)
        del project.options["api_key_env"]
        project.write()
        unset = environment.docutune("run", OPENAI_API_KEY="").stderr
        assert "OPENAI_API_KEY is not set: set it, or name another variable in `api_key_env`; every reply" in unset
        was_set = environment.docutune("run", OPENAI_API_KEY=KEY).stderr
        assert "the key came from OPENAI_API_KEY, which is set: see that it is this server's; every reply" in was_set
        assert KEY not in was_set


def test_a_slow_reply_holds_up_nobody_else(environment: Installed) -> None:
    done = 0

    def script(asked: Asked) -> Sent:
        nonlocal done
        if number(asked) == 1:  # it comes when all others have come
            while done < 29:
                server.wait(0.02)
        done += 1
        return right(asked)

    with ChatServer(script) as server:
        project = Project(environment, server, 30)
        project.write(concurrency=3, timeout=50, structured_output="provider")
        project.run()
        assert max(server.counts.values()) == 1
        assert len(project.samples()) == 30
        wanted = [asked.body["response_format"]["json_schema"]["schema"] for asked in server.asked]
        assert [schema["required"] for schema in wanted] == [["answer"]] * 30
        assert not any("JSON Schema" in asked.content for asked in server.asked)


def test_mistakes_are_found_before_anything_is_sent(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 2)
        project.budget = {"max_cost_usd": 1}
        project.write(model="gpt-4o-mini", base_url="http://me:word@127.0.0.1/v1")
        validated = environment.docutune("validate").stderr
        assert "write provider:name, such as openai:gpt-4o-mini" in validated
        assert "a base_url must hold no user name or password" in validated
        assert "word" not in validated.replace("password", "")
        project.write(model="openai:tested", base_url=server.url)
        validated = environment.docutune("validate").stderr
        assert "budget.max_cost_usd: needs the prices of openai:tested: set input_price and output_price" in validated
        project.budget = {}
        project.write(api_key_env="NOT_SET_ANYWHERE")
        assert "the environment variable NOT_SET_ANYWHERE is not set" in project.fail()
        assert server.asked == []


def test_only_a_plugin_with_chat_options_is_lent_a_chat_model(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 2)
        project.install(config="Plain")
        project.options = {}
        project.write()
        said_last = project.fail()
        assert said_last.startswith("a plugin asked for a chat model that it is not lent\n")
        assert server.asked == []
