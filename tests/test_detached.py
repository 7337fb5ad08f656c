"""Runs without a terminal: started, followed, stopped, killed; whatever happens, no process is left behind."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pytest
from jobs import (
    COMMAND,
    PIPELINE,
    Installed,
    ask,
    end,
    eventually,
    owner,
    prepare,
    processes,
    start,
    training,
    variables,
)


@pytest.fixture
def project(environment: Installed) -> Iterator[Installed]:
    """A pipeline whose training waits for the file "enough"; afterwards no process works in it."""
    prepare(environment)
    yield environment
    environment.docutune("stop", "--now")
    gone = eventually(lambda: not processes(environment))  # one that has told of its end may still be ending
    end(environment)
    assert gone


def detach(project: Installed) -> str:
    """Start a run; its id, once it trains."""
    run = str(project.answer("run", "--detach")["run"])
    assert eventually(lambda: training(project, run))
    return run


class Terminal:
    """A command with a terminal of its own; what it shows is collected."""

    def __init__(self, project: Installed, *command: str) -> None:
        self.shown = ""
        self._here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, b"\x32\0\xc8\0\0\0\0\0")  # 50 lines of 200 columns
        own = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        own += "os.execvp(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen(
            [sys.executable, "-c", own, *command],
            cwd=project.work,
            env={**variables(project), "TERM": "xterm"},
            stdin=there,
            stdout=there,
            stderr=there,
        )
        os.close(there)
        self._closing = False
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def type(self, text: str) -> None:
        os.write(self._here, text.encode())

    def close(self) -> None:
        """Hang up, as a closed window does: nobody may be reading then."""
        self._closing = True
        self._reader.join()
        os.close(self._here)

    def _collect(self) -> None:
        while not self._closing:
            if select.select([self._here], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(self._here, 10_000).decode("utf-8", "replace")
                except OSError:
                    return


def test_a_detached_run_outlives_its_terminal_and_says_how_to_follow_and_stop_it(project: Installed) -> None:
    shell = Terminal(project, "sh", "-c", f"{shlex.join([*COMMAND, 'run', '--detach'])}; cat")
    assert eventually(lambda: "Stop it:   docutune stop" in shell.shown), shell.shown
    assert "Follow it: docutune status --follow" in shell.shown
    assert eventually(lambda: training(project))
    shell.close()
    shell.process.wait(timeout=120)
    (row,) = project.answer("status")
    assert row["outcome"] == "running"
    assert f"Run {row['id']} has begun" in shell.shown
    (project.work / "enough").touch()
    done = project.docutune("status", "--follow")
    assert (done.returncode, f"Run {row['id']}: finished" in done.stdout) == (0, True), done.stderr
    printed = project.work / ".docutune/runs" / row["id"] / "terminal.txt"  # it prints its end once that is recorded
    assert eventually(lambda: f"Run {row['id']}: finished" in printed.read_text()), printed.read_text()
    assert "done  train:smoke" in printed.read_text()
    assert [path.name for path in (project.work / ".docutune/runs").glob(".*")] == []


def test_what_is_wrong_with_the_file_is_said_at_once(project: Installed) -> None:
    file = project.work / "pipeline.yaml"
    file.write_text(PIPELINE.replace("patient", "impatient"))
    for arguments, said in (
        ((), "pipeline.yaml:7: train[0].uses: no trainer is called 'impatient'"),
        (("--until", "sleep"), "error: --until sleep: 'sleep' is not a step"),
    ):
        done = project.docutune("run", "--detach", *arguments)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        file.write_text(PIPELINE)
    assert not (project.work / ".docutune/runs").exists()


def test_a_run_that_fails_to_begin_gives_its_error_line_and_exit_code(project: Installed) -> None:
    (project.work / ".docutune").mkdir()
    (project.work / ".docutune/catalog.lock").mkdir()
    done = project.docutune("run", "--detach")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {project.work}/.docutune/catalog.lock: cannot write"), done.stderr
    assert "Traceback" not in done.stderr
    assert list((project.work / ".docutune/runs").iterdir()) == []


def test_a_second_run_is_told_which_is_at_work_and_how_to_follow_or_stop_it(project: Installed) -> None:
    run = detach(project)
    for arguments in (("run",), ("run", "--detach"), ("clean", "--yes")):
        done = project.docutune(*arguments)
        assert done.returncode == 1
        assert f"another docutune run is at work here: run {run}, process {owner(project)}\n" in done.stderr
        assert done.stderr.endswith("  follow it: docutune status --follow; stop it: docutune stop\n")


def test_any_other_terminal_shows_a_run_as_its_own_does_and_ctrl_c_leaves_it_alone(project: Installed) -> None:
    detach(project)
    looking = Terminal(project, *COMMAND, "status", "--follow")
    wanted = ("train:smoke", "loss 0.", "123 tokens/s", "30 s left")
    assert eventually(lambda: all(word in looking.shown for word in wanted)), looking.shown
    assert "done  generate:grounded" in looking.shown
    looking.type("\x03")
    assert looking.process.wait(timeout=120) == 130
    assert "no longer followed; docutune stop would stop it" in looking.shown and "stopping" not in looking.shown
    assert project.answer("status")[0]["outcome"] == "running"
    plain = start(project, "status", "--follow", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    (project.work / "enough").touch()
    shown, lines = plain.communicate(timeout=120)
    assert (plain.returncode, "finished" in shown) == (0, True), lines
    assert lines.splitlines()[-1].split()[:2] == ["done", "train:smoke"]
    assert "loss 0." in lines and "\x1b" not in lines


def test_a_run_that_ended_is_shown_with_its_end_at_once(project: Installed) -> None:
    (project.work / "enough").touch()
    run = project.answer("run")["run"]
    done = project.docutune("status", "--follow", run)
    assert (done.returncode, f"Run {run}: finished" in done.stdout) == (0, True)
    assert "done  train:smoke" in done.stderr
    assert project.answer("status", "--follow")["outcome"] == "finished"


def test_a_foreground_run_is_followed_and_stopped_from_elsewhere(project: Installed) -> None:
    run = start(project, "run", stderr=subprocess.PIPE)
    assert eventually(lambda: training(project))
    looking = start(project, "status", "--follow", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    stopped = project.answer("stop")
    assert (stopped["stopped"], stopped["killed"], stopped["outcome"]) == (True, False, "interrupted")
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 143, errors
    assert "stopping: saving what is trained..." in errors
    saved = stopped["continues"]
    assert saved["step"] == "train:smoke" and saved["checkpoint"] > 0
    shown, _ = looking.communicate(timeout=120)
    assert looking.returncode == 1
    assert f"Run {stopped['run']}: interrupted" in shown
    assert shown.endswith(f"docutune run goes on: train:smoke from step {saved['checkpoint']}\n")
    assert processes(project) == []
    assert "train:smoke from step" in project.docutune("status", "latest").stdout


def test_a_stop_waits_until_all_is_saved_and_no_process_is_left(project: Installed) -> None:
    run = detach(project)
    session = os.getsid(owner(project))
    assert session == owner(project) != os.getsid(0)
    assert any("sleep 600" in line for line in processes(project))
    done = project.docutune("stop")
    assert done.returncode == 0
    assert f"waiting for run {run} (process {session}) to save and end" in done.stderr
    assert done.stdout.startswith(f"Run {run}: stopped after ")
    assert "docutune run goes on: train:smoke from step " in done.stdout
    assert list((project.work / ".docutune/training").glob("*/checkpoints/step-*"))
    assert processes(project) == []
    assert project.docutune("stop").stdout == "no run is at work here\n"
    (project.work / "enough").touch()
    assert project.answer("run")["models"][0]["name"] == "smoke"


@pytest.mark.parametrize(("stuck", "arguments"), [("loading", ["--now"]), ("step", ["--grace", "0.5"])])
def test_what_hears_nothing_is_killed_with_all_its_processes(
    project: Installed, stuck: str, arguments: list[str]
) -> None:
    prepare(project, stuck=stuck)
    project.answer("run", "--detach")
    assert eventually(lambda: (project.work / "stuck").exists())
    stopped = project.answer("stop", *arguments)
    assert (stopped["killed"], stopped["outcome"]) == (True, "interrupted")
    assert processes(project) == []


def test_what_has_shown_no_progress_yet_is_broken_off_at_once(project: Installed) -> None:
    prepare(project, stuck="importing")
    project.answer("run", "--detach")
    assert eventually(lambda: (project.work / "stuck").exists())
    stopped = project.answer("stop")
    assert (stopped["killed"], stopped["outcome"], stopped["continues"]) == (False, "interrupted", None)
    events = (project.work / ".docutune/runs/latest/jobs/smoke/events.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in events] == ["hello", "plugin", "stopping", "cancelled"]
    assert processes(project) == []


def test_a_model_that_is_being_loaded_ends_with_a_run_that_was_killed(project: Installed) -> None:
    ask(project)
    (project.work / "stuck").touch()
    (project.work / "enough").touch()
    project.answer("run", "--detach")
    served = project.work / ".docutune/runs/latest/jobs/evaluate-smoke/events.jsonl"
    assert eventually(lambda: served.exists() and '"plugin"' in served.read_text())
    os.kill(owner(project), signal.SIGKILL)
    assert eventually(lambda: processes(project) == [], 10), processes(project)


@pytest.mark.parametrize("stuck", ["loading", "step"])
def test_a_worker_ends_with_a_run_that_was_killed(project: Installed, stuck: str) -> None:
    """Also in the midst of a call that hears no signal; what the trainer's own children do is its own affair."""
    prepare(project, stuck=stuck)
    run = project.answer("run", "--detach")["run"]
    assert eventually(lambda: (project.work / "stuck").exists())
    os.kill(owner(project), signal.SIGKILL)
    assert eventually(lambda: processes(project) == ["sleep 600 "], 10), processes(project)
    (row,) = project.answer("status")
    assert (row["id"], row["outcome"]) == (run, "interrupted")
    end(project)


def test_after_a_crash_or_a_reboot_the_status_tells_the_truth(project: Installed) -> None:
    detach(project)
    assert project.answer("stop")["continues"]
    again = detach(project)
    kept = (project.work / ".docutune/owner.json").read_text()
    assert project.answer("stop", "--now")["killed"]
    bystander = subprocess.Popen(["sleep", "60"])
    said = json.loads(kept)
    said["process"]["pid"] = bystander.pid  # what a reboot leaves behind: the id is somebody else's now
    (project.work / ".docutune/owner.json").write_text(json.dumps(said))
    shown = project.docutune("status", "latest").stdout
    assert shown.startswith(f"run {again} of acme: interrupted")
    assert "interrupted train:smoke" in shown and "docutune run goes on: train:smoke from step " in shown
    assert project.docutune("stop", "--now").stdout == "no run is at work here\n"
    done = project.docutune("status", "--follow")
    assert (done.returncode, f"Run {again}: interrupted in train:smoke" in done.stdout) == (1, True)
    holder = "import sys, fcntl; file = open('.docutune/run.lock'); fcntl.flock(file, fcntl.LOCK_EX)\n"
    holder += "print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=project.work, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline()
        done = project.docutune("stop", "--now")
        assert (done.returncode, "has not said who it is" in done.stderr) == (1, True)
        assert [row["outcome"] for row in project.answer("status")] == ["interrupted", "interrupted"]
        process.kill()
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_more_ctrl_c_break_nothing_off_and_say_the_way_out(project: Installed) -> None:
    window = Terminal(project, *COMMAND, "run")
    assert eventually(lambda: training(project) and "tokens/s" in window.shown)
    worker = next(line for line in processes(project) if "docutune.worker" in line)
    window.type("\x03")
    said = "\r\x1b[2Kstopping: saving what is trained..."  # in the place of the live line and of "^C"
    assert eventually(lambda: said in window.shown), window.shown
    for _ in range(5):
        window.type("\x03")
        time.sleep(0.1)
    assert window.process.wait(timeout=120) == 130
    assert "still saving what is trained; docutune stop --now ends it at once" in window.shown
    assert "Traceback" not in window.shown and "error" not in window.shown
    assert re.search(
        r"stopped: the training is saved\r\n  docutune run goes on: train:smoke from step [\d,]+\r\n$", window.shown
    )
    assert worker not in processes(project)
    (row,) = project.answer("status")
    assert row["outcome"] == "interrupted"
    assert project.answer("status", "latest")["continues"]["step"] == "train:smoke"


API = """
from pathlib import Path
from docutune.api import RunRequest, Workspace

print(Workspace.of(Path("pipeline.yaml")).start_detached(RunRequest(Path("pipeline.yaml"))).name)
"""


def test_a_job_belongs_to_the_workspace_and_not_to_the_program_that_started_it(project: Installed) -> None:
    started = project.python(API)
    run = started.stdout.strip()
    assert started.returncode == 0, started.stderr
    assert eventually(lambda: training(project))
    seen = project.python(
        "import sys\nfrom docutune.api import Workspace\nheard = []\n"
        "class Page:\n    def __getattr__(self, name): return lambda *given: heard.append(name)\n"
        "workspace = Workspace.find()\n"
        "print(workspace.stop(None, lambda owner, seconds: None).run)\n"
        "print(workspace.follow(None, Page())['outcome'], 'joined' in heard, heard[-1])\n"
    )
    assert seen.stdout.splitlines() == [run, "interrupted False step_finished"], seen.stderr
