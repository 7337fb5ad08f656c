"""The curator `judge`, through the command line against a real HTTP server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chat_server import Asked, ChatServer, Sent, failed, said
from installed import Installed

SCORES = {0: 1, 1: 2, 2: 3, 3: 4, 4: 5}
BROKEN_ONCE, BROKEN, DOWN, WORDY = 5, 6, 7, 8


class Project:
    """Question-answer rows number 000, 001, ... of which each is judged."""

    def __init__(self, installed: Installed, server: ChatServer, rows: int, chinese: int = 0) -> None:
        self.installed, self.work = installed, installed.work
        written = [{"question": f"What is part {n:03}?", "answer": f"It is part {n:03} of all."} for n in range(rows)]
        written += [{"question": f"part {rows + n:03} 是什么？", "answer": "它是其中之一。"} for n in range(chinese)]
        (self.work / "qa.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in written))
        self.options = {"model": "openai:tested", "base_url": server.url, "concurrency": 8, "retries": 0}
        self.budget: dict[str, float] = {}
        self.write()

    def write(self, **options: Any) -> None:
        self.options |= options
        pipeline = {
            "version": 1,
            "project": "acme",
            "sources": [{"samples": "qa.jsonl", "split": "train"}],
            "curate": [{"uses": "judge", "with": self.options}],
            **({"budget": self.budget} if self.budget else {}),
        }
        (self.work / "pipeline.yaml").write_text(json.dumps(pipeline))

    def run(self, *arguments: str) -> Any:
        return self.installed.answer("run", *arguments)

    @property
    def last(self) -> Path:
        return (self.work / ".docutune/runs/latest").resolve()

    def rejected(self) -> dict[int, str]:
        """Number of a row -> why it was left out."""
        lines = map(json.loads, (self.last / "rejected.jsonl").read_text().splitlines())
        return {number(row["sample"]["messages"][0]["content"]): row["reason"] for row in lines}

    def log(self) -> str:
        return (self.last / "log.txt").read_text()


def number(text: str) -> int:
    found = re.search(r"part (\d+)", text)
    assert found
    return int(found[1])


def scored(asked: Asked) -> Sent:
    about = number(asked.content)
    return said({"reason": f"Part {about} is as it is.", "score": SCORES.get(about, 4)})


def mixed(asked: Asked) -> Sent:
    about = number(asked.content)
    again = "could not be used" in asked.content or "不能用" in asked.content
    if about == BROKEN or (about == BROKEN_ONCE and not again):
        return said({"reason": "Good.", "score": 9})
    if about == BROKEN_ONCE:
        return said({"reason": "Wrong.", "score": 1})
    if about == DOWN and asked.times == 0:
        return failed(503)
    if about == WORDY:
        return said({"reason": "Bad.\n" + "It repeats itself. " * 40, "score": 2})
    return scored(asked)


def test_low_scores_are_left_out_and_whatever_has_no_score_stays(environment: Installed) -> None:
    with ChatServer(mixed) as server:
        project = Project(environment, server, rows=9, chinese=1)
        project.run()
        left_out = project.rejected()
        wordy = left_out.pop(WORDY)
        assert left_out == {
            0: "judged 1 of 5: Part 0 is as it is.",
            1: "judged 2 of 5: Part 1 is as it is.",
            BROKEN_ONCE: "judged 1 of 5: Wrong.",
        }
        assert wordy.startswith("judged 2 of 5: Bad. It repeats itself.") and len(wordy) < 250 and "\n" not in wordy
        assert "1 samples could not be judged and stay: the reply does not fit the schema" in project.log()
        assert "1 tasks were not answered; the next run tries again" in project.log()
        about = [number(asked.content) for asked in server.asked]
        assert {n: about.count(n) for n in about} == {n: 2 if n in (BROKEN_ONCE, BROKEN) else 1 for n in range(10)}
        chinese = next(asked.content for asked in server.asked if number(asked.content) == 9)
        assert "你在评审训练数据" in chinese and "[user]\npart 009 是什么？\n\n[assistant]\n它是其中之一。" in chinese
        before = len(server.asked)
        project.run()
        assert [number(asked.content) for asked in server.asked[before:]] == [DOWN]
        project.run()
        assert len(server.asked) == before + 1


def test_another_threshold_asks_nothing_and_another_prompt_asks_again(environment: Installed) -> None:
    with ChatServer(scored) as server:
        project = Project(environment, server, rows=6)
        project.run()
        project.write(threshold=5)
        project.run()
        assert project.rejected().keys() == {0, 1, 2, 3, 5} and len(server.asked) == 6
        own = project.work / "prompts/judge/en/judge.md"
        own.parent.mkdir(parents=True)
        own.write_text("Is this fit for children?\n$conversation\n")
        project.run()
        assert len(server.asked) == 12
        assert all(asked.content.startswith("Is this fit for children?\n[user]") for asked in server.asked[6:])


def test_a_share_is_judged_and_the_same_one_again(environment: Installed) -> None:
    with ChatServer(lambda asked: said({"reason": "No.", "score": 1})) as server:
        project = Project(environment, server, rows=100)
        project.write(share=0.3)
        project.run()
        judged = project.rejected().keys()
        assert 15 <= len(judged) <= 45 and len(server.asked) == len(judged)
        with (project.work / "qa.jsonl").open("a") as file:
            file.write(json.dumps({"question": "What is part 900?", "answer": "One more."}) + "\n")
        project.run()
        assert project.rejected().keys() - {900} == judged
        assert len(server.asked) <= len(judged) + 1


def test_a_killed_judgement_goes_on_and_asks_no_reply_again(environment: Installed) -> None:
    killed_already = threading.Event()

    def script(asked: Asked) -> Sent:
        while server.asked.index(asked) >= 40 and not killed_already.is_set():
            server.wait(0.02)
        return scored(asked)

    with ChatServer(script) as server:
        project = Project(environment, server, rows=60)
        killed(project, lambda: len(replies(project)) == 40)
        before = [number(asked.content) for asked in server.asked[:40]]
        killed_already.set()
        project.run()
        times = Counter(number(asked.content) for asked in server.asked)
        assert len(before) == 40 and {times[about] for about in before} == {1}
        assert times.keys() == set(range(60)) and times.total() <= 60 + 8, "at most those under way at the kill"
        assert project.rejected().keys() == {0, 1}


def replies(project: Project) -> list[Path]:
    folder = project.work / ".docutune/replies"
    return [path for path in folder.rglob("*") if re.fullmatch(r"[0-9a-f]{62}", path.name)]


def killed(project: Project, when: Callable[[], bool]) -> None:
    code = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
    path = os.pathsep.join(filter(None, [str(project.installed.site), os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-c", code, "run"]
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, cwd=project.work, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 100
        while process.poll() is None and not when() and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        _, said_last = process.communicate()
    assert process.returncode == -signal.SIGKILL, said_last.decode()


def test_the_budget_is_not_passed_and_a_higher_one_goes_on(environment: Installed) -> None:
    with ChatServer(scored) as server:
        project = Project(environment, server, rows=20)
        project.budget = {"max_requests": 12}
        project.write()
        done = environment.docutune("run")
        assert done.returncode == 1 and "the budget is used up: max_requests 12" in done.stderr
        assert len(server.asked) == 12
        project.budget = {"max_requests": 20}
        project.write()
        project.run()
        assert len(server.asked) == 20 and max(server.counts.values()) == 1


def test_a_refused_key_ends_the_run_in_one_line(environment: Installed) -> None:
    with ChatServer(lambda asked: failed(401, "no such key")) as server:
        done = Project(environment, server, rows=20).installed.docutune("run")
        assert done.returncode == 1 and "the key is not accepted (HTTP 401)" in done.stderr
        assert "Traceback" not in done.stderr and len(server.asked) <= 8


def test_wrong_options_are_mistakes_of_the_file(environment: Installed) -> None:
    with ChatServer(scored) as server:
        wrong = {"threshold": 6, "share": 0, "treshold": 3}
        Project(environment, server, rows=1).write(**wrong)
        done = environment.docutune("validate")
        assert done.returncode == 2 and all(f"curate[0].with.{name}" in done.stderr for name in wrong)
