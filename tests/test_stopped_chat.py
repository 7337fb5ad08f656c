"""A run that the user stops: the replies that are under way, which may be paid for, are awaited and kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from asker import KEY, Project, right
from chat_server import Asked, ChatServer, Sent
from installed import Installed

FUNCTIONS = 12
SLOTS = 4
PATIENCE = 120.0
CODE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from docutune.cli import main
sys.exit(main(sys.argv[1:]))
"""


class Held:
    """A script that holds every reply back until it may go."""

    def __init__(self) -> None:
        self.may_go = threading.Event()

    def __call__(self, asked: Asked) -> Sent:
        self.may_go.wait(PATIENCE)
        return right(asked)


def wait_for(state: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not state() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state()


def begun(project: Project, server: ChatServer) -> subprocess.Popen[str]:
    """A run whose first requests, as many as there are slots, are under way."""
    path = os.pathsep.join(filter(None, [str(project.installed.site), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "TEST_KEY": KEY}
    command = [sys.executable, "-c", CODE, "run"]
    process = subprocess.Popen(command, cwd=project.work, env=environment, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: len(server.asked) >= SLOTS or process.poll() is not None)
    return process


def told(process: subprocess.Popen[str]) -> str:
    """What it says of the signal."""
    assert process.stderr is not None
    return next(line for line in process.stderr if line.startswith("stopping"))


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_replies_under_way_are_awaited_and_never_asked_for_again(environment: Installed, signum: int) -> None:
    script = Held()
    with ChatServer(script) as server:
        project = Project(environment, server, FUNCTIONS)
        project.write(concurrency=SLOTS)
        with begun(project, server) as process:
            process.send_signal(signum)
            assert "at most 30 s for the 4 replies under way" in told(process)
            script.may_go.set()
            _, said_last = process.communicate(timeout=PATIENCE)
        assert process.returncode == 128 + signum
        assert "stopped" in said_last and "Traceback" not in said_last
        assert project.replies == SLOTS == len(server.asked), "nothing more was sent"
        assert project.manifest()["outcome"] == "interrupted"
        spending = project.run()["spending"]
        assert (spending["requests"], spending["replies_reused"]) == (FUNCTIONS - SLOTS, SLOTS)
        assert len(server.asked) == FUNCTIONS


def test_a_second_ctrl_c_does_not_wait(environment: Installed) -> None:
    script = Held()
    with ChatServer(script) as server:
        project = Project(environment, server, FUNCTIONS)
        project.write(concurrency=SLOTS)
        with begun(project, server) as process:
            process.send_signal(signal.SIGINT)
            told(process)
            process.send_signal(signal.SIGINT)
            _, said_last = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130 and "Traceback" not in said_last
        assert project.replies == 0
        script.may_go.set()
        project.run()
        assert len(project.samples()) == FUNCTIONS


def test_what_a_server_never_answers_is_awaited_no_longer_than_a_request_may_take(environment: Installed) -> None:
    with ChatServer(lambda _: Sent(hang=True)) as server:
        project = Project(environment, server, FUNCTIONS)
        project.write(concurrency=SLOTS, timeout=3, retries=0)
        with begun(project, server) as process:
            process.send_signal(signal.SIGTERM)
            assert "at most 3 s" in told(process)
            _, said_last = process.communicate(timeout=PATIENCE)
        assert process.returncode == 143 and "Traceback" not in said_last
        assert len(server.asked) == SLOTS
