"""What is told of costs where only some models have a price, and that no limit in dollars holds for unpriced ones."""

from __future__ import annotations

from asker import Project, right
from chat_server import ChatServer
from installed import Installed
from test_endpoint import JUDGE

PRICED = {"input_price": 100, "output_price": 200}


def with_unpriced_curator(project: Project) -> None:
    """A generator with prices, and a curator without that asks the same model of the same server."""
    project.installed.install("assessor", {"assessor.py": JUDGE}, "assessor = assessor")
    generator = {"uses": "asker", "with": {**project.options, **PRICED}}
    project.write_with(generate=[generator], curate=[{"uses": "assessor", "with": project.options}])


def test_a_limit_in_dollars_needs_the_prices_of_curators_too(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 2)
        project.budget = {"max_cost_usd": 1}
        with_unpriced_curator(project)
        wanted = (
            "budget.max_cost_usd: needs the prices of openai:tested: set input_price and output_price of 'assessor'"
        )
        validated = environment.docutune("validate")
        assert validated.returncode != 0 and wanted in validated.stderr
        assert "'asker'" not in validated.stderr
        assert environment.docutune("run", TEST_KEY="a-key-for-it").returncode != 0
        assert server.asked == []


def test_a_cost_is_told_only_where_all_of_it_is_known(environment: Installed) -> None:
    with ChatServer(right) as server:
        project = Project(environment, server, 3)
        with_unpriced_curator(project)
        spending = project.run()["spending"]
        assert spending["cost_usd"] is None and spending["counted"]["cost_usd"] is None
        steps = {step["name"]: step["figures"] for step in project.manifest()["steps"]}
        assert steps["generate:asker"]["cost_usd"] > 0
        assert steps["curate:assessor"]["requests"] == 3 and "cost_usd" not in steps["curate:assessor"]
        again = project.run("--from", "generate")["spending"]
        assert again["counted"]["requests"] == 6 and again["counted"]["cost_usd"] is None
