"""`docutune plan` says what chat models will cost before anything is asked, and whether the budget suffices."""

from __future__ import annotations

import re
from typing import Any

from asker import Project, right
from chat_server import ChatServer
from installed import Installed
from test_endpoint import with_judge

FUNCTIONS = 12
ONE_MORE = 'def part_999() -> int:\n    """One more."""\n'


def step(project: Project, name: str, *arguments: str) -> Any:
    """What the plan says of one step."""
    steps = project.installed.answer("plan", *arguments)["steps"]
    return next(step for step in steps if step["name"] == name)


def limits(project: Project) -> Any:
    """What the plan says of the budget, by the names of its limits."""
    return {limit["name"]: limit for limit in project.installed.answer("plan").get("budget", [])}


def test_the_estimate_bounds_what_a_run_then_needs(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, FUNCTIONS)
        project.write(input_price=5, output_price=10, retries=2, max_tokens=400)
        estimate = step(project, "generate:asker")["estimate"]
        assert server.asked == [] and project.replies == 0
        assert (estimate["expected"]["requests"], estimate["most"]["requests"]) == (FUNCTIONS, FUNCTIONS * 2 * 3)
        spending = project.run()["spending"]
        for name in ("input_tokens", "output_tokens", "cost_usd"):
            assert spending[name] <= estimate["most"][name]
        assert spending["input_tokens"] / 2 < estimate["expected"]["input_tokens"] < spending["input_tokens"] * 2
        cost = (estimate["expected"]["input_tokens"] * 5 + estimate["expected"]["output_tokens"] * 10) / 1e6
        assert abs(estimate["expected"]["cost_usd"] - cost) < 1e-5
        assert "estimate" not in step(project, "generate:asker"), "nothing is asked any more"


def test_only_what_has_no_reply_counts_and_replies_so_far_tell_how_long_they_are(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, FUNCTIONS)
        project.run()
        asked = len(server.asked)
        (project.work / "src/more.py").write_text(ONE_MORE)
        estimate = step(project, "generate:asker")["estimate"]
        assert estimate["expected"]["requests"] == 1 and "replies" not in estimate
        assert 1 < estimate["expected"]["output_tokens"] < 60, "not half of max_tokens"
        again = step(project, "generate:asker", "--from", "generate")["estimate"]
        assert (again["replies"], again["expected"]["requests"]) == (FUNCTIONS, 1)
        assert len(server.asked) == asked


def test_what_holds_a_secret_is_named_and_no_part_of_the_estimate(environment: Installed) -> None:
    secret = "Log in with AKIA" + "QZ7XKJ3MPLRT5WYV."
    with ChatServer(right) as server:
        project = Project(environment, server, FUNCTIONS, dict.fromkeys(range(7), secret))
        assert step(project, "generate:asker")["estimate"]["expected"]["requests"] == FUNCTIONS - 7
        project.run()
        log = (project.last / "log.txt").read_text()
        places = ", ".join(f"src/m00{number}.py:1-3" for number in range(5))
        assert f"7 tasks hold a secret and were not sent: {places} and 2 more places" in log
        assert "not answered" not in log
        assert step(project, "generate:asker")["estimate"]["expected"]["requests"] == 0
        assert project.run()["spending"]["requests"] == 0 and len(server.asked) == FUNCTIONS - 7


def test_the_rest_of_the_budget_stands_beside_the_estimate(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, FUNCTIONS)
        project.budget = {"max_requests": 4}
        project.write(retries=0)
        assert limits(project)["max_requests"]["suffices"] == "no"
        project.fail()
        project.budget = {"max_requests": 20}
        project.write()
        limit = limits(project)["max_requests"]
        assert limit == {
            "name": "max_requests",
            "limit": 20,
            "spent": 4,
            "expected": FUNCTIONS - 4,
            "most": 2 * (FUNCTIONS - 4),
            "suffices": "yes",
        }
        project.budget = {"max_requests": 19, "max_tokens": 10_000_000}
        project.write()
        assert {name: each["suffices"] for name, each in limits(project).items()} == {
            "max_requests": "perhaps",
            "max_tokens": "yes",
        }
        assert len(server.asked) == 4


def test_the_plan_says_so_in_words_and_names_a_price_that_is_missing(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, FUNCTIONS)
        project.budget = {"max_requests": 30}
        project.write(retries=1)
        shown = environment.docutune("plan").stdout
        unpriced = (
            r"about 12 requests, [\d,]+ tokens sent, 6,144 received, no price is known \(input_price, output_price\)"
        )
        assert re.search(unpriced, shown), shown
        assert "at most 48 requests" in shown
        assert "budget: max_requests 30, 0 spent, 30 left: enough as expected, not for the most" in shown
        project.write(input_price=100, output_price=100)
        assert re.search(r"about 12 requests, [\d,]+ tokens sent, 6,144 received, \$[01]\.\d\d\n", shown) is None
        assert re.search(r"6,144 received, \$[01]\.\d\d\n", environment.docutune("plan").stdout)
        assert server.asked == []


def test_a_curator_is_foreseen_once_there_are_samples(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, FUNCTIONS)
        project.budget = {"max_requests": 1000}
        with_judge(project)
        assert step(project, "curate:assessor")["estimate"] == {}
        assert limits(project)["max_requests"]["suffices"] == "perhaps"
        assert "what it costs depends on what has yet to be made" in environment.docutune("plan").stdout
        project.run("--until", "generate")
        asked = len(server.asked)
        assert step(project, "curate:assessor")["estimate"]["expected"]["requests"] == FUNCTIONS
        assert limits(project)["max_requests"]["spent"] == asked == FUNCTIONS == len(server.asked)
