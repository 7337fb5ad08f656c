"""A chat model's server that fails in all the ways that servers fail: every section comes out accepted or rejected."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sections import ChatServer, Faults, Project, right

CALLS_PER_SECTION = 1.6
CONCURRENCY = 16


def main(is_short: bool, seed: int) -> list[str]:
    """Run one form, print its counts, and return what is wrong."""
    sections, timeout = (60, 2.0) if is_short else (1000, 5.0)
    faults = Faults(right, seed)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, ChatServer(faults) as server:
        options = {"concurrency": CONCURRENCY, "timeout": timeout, "input_price": 1, "output_price": 2}
        project = Project(Path(folder), server, sections, **options)
        wrong = [*_stopped_by_budget(project, server, int(sections * 0.4)), *_completed(project, server, sections)]
        wrong += _asked_too_early(faults, server)
        print(_counts(project, server, faults, sections), flush=True)
    return wrong


def _stopped_by_budget(project: Project, server: ChatServer, requests: int) -> Iterator[str]:
    """A budget that is too small ends the run with one line, and is not passed."""
    project.budget = {"max_requests": requests}
    project.write()
    done = project.run()
    if done.returncode != 1 or "the budget is used up: max_requests" not in done.stderr:
        yield f"a budget of {requests} requests did not stop the run: {done.stderr[-300:]}"
    if len(server.asked) > requests:
        yield f"{len(server.asked)} requests with a budget of {requests}"


def _completed(project: Project, server: ChatServer, sections: int) -> Iterator[str]:
    """With a larger budget the same command goes on, and no section is without an end."""
    most, tokens = int(CALLS_PER_SECTION * sections), sections * 6000
    project.budget = {"max_requests": most, "max_tokens": tokens, "max_cost_usd": tokens * 2 / 1e6}
    project.write()
    done = project.run()
    if done.returncode != 0:
        yield f"the run failed: {done.stderr[-500:]}"
        return
    accepted, rejected = set(project.samples().values()), project.rejected()
    if len(accepted | rejected.keys()) != sections or accepted & rejected.keys():
        yield f"{len(accepted)} accepted and {len(rejected)} rejected of {sections} sections"
    yield from (f"rejected without a reason: {task}" for task, reason in rejected.items() if not reason)
    if len(server.asked) > most:
        yield f"{len(server.asked)} requests for {sections} sections"
    if server.tokens > tokens:
        yield f"{server.tokens} tokens with a budget of {tokens}"


def _asked_too_early(faults: Faults, server: ChatServer) -> Iterator[str]:
    yield from faults.asked_again_too_early(server)
    if (came := faults.most_within_a_pause(server)) > 2 * CONCURRENCY:  # those that were on their way as it began
        yield f"{came} requests within one pause that the server had asked for"


def _counts(project: Project, server: ChatServer, faults: Faults, sections: int) -> str:
    accepted, rejected = len(set(project.samples().values())), project.rejected()
    reasons = Counter(reason.partition(":")[0] for reason in rejected.values())
    return (
        f"endpoint: {sections} sections, {accepted} accepted, {len(rejected)} rejected {dict(reasons)};"
        f" {len(server.asked)} requests ({len(server.asked) / sections:.2f} a section), faults {dict(faults.counts)};"
        f" at most {faults.most_within_a_pause(server)} requests on their way as one of {len(faults.pauses)} pauses"
        f" began, {len(faults.asked_again_too_early(server))} asked again too early"
    )
