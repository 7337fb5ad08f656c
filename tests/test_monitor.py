"""`docutune monitor`: TensorBoard over real HTTP, on loopback alone, that leaves nothing behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
OLD, NEW = "20260101-120000", "20260102-120000"
LOSSES = [4.0, 2.0, 1.0]


@pytest.fixture(scope="module")
def workspace(shared_environment: Installed) -> Installed:
    """Two runs; the newer one reused a model of the older one, and is training another."""
    home = shared_environment.work / ".docutune"
    board(home / "models/aa/tensorboard", LOSSES)
    board(home / "training/bb/tensorboard", [9.0])
    for run, models in ((OLD, {"first": "models/aa"}), (NEW, {"again": "models/aa", "second": "training/bb"})):
        (home / "runs" / run / "tensorboard").mkdir(parents=True)
        for name, folder in models.items():
            (home / "runs" / run / "tensorboard" / name).symlink_to(f"../../../{folder}/tensorboard")
    (home / "runs/latest").symlink_to(NEW)
    return shared_environment


def board(folder: Path, losses: Sequence[float]) -> None:
    """An event file with a curve called loss and a text, as TensorBoard's own library writes it."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(log_dir=str(folder)) as writer:
        for step, loss in enumerate(losses, 1):
            writer.add_scalar("loss", loss, step)
        writer.add_text("sample 1", "It reads one page.", 1)


@contextmanager
def monitored(work: Path, *arguments: str) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """A monitor at work: what it prints, and its address. Ends with Ctrl-C, and must then end by itself."""
    command = [sys.executable, "-c", COMMAND, "monitor", *arguments]
    with subprocess.Popen(
        command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            yield line, line.split()[-1], process
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0
        finally:
            process.kill()


def ask(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}{path}", timeout=120) as reply:
        return json.loads(reply.read())


def tags(address: str, runs: int, seconds: float = 120) -> dict[str, dict[str, Any]]:
    """Run -> scalars, once all are read."""
    until = time.monotonic() + seconds
    while True:
        found: dict[str, dict[str, Any]] = ask(address, "data/plugin/scalars/tags")
        if len(found) >= runs or time.monotonic() > until:
            return found
        time.sleep(0.2)


def children(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()


def listening(pid: int) -> set[str]:
    """The local addresses (hexadecimal) that a process listens on."""
    descriptors = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    inodes = {name[8:-1] for name in descriptors if name.startswith("socket:")}
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].partition(":")[0])
    return found


def test_the_newest_run_is_served_on_loopback_and_nothing_stays(workspace: Installed) -> None:
    with monitored(workspace.work) as (line, address, process):
        assert line.startswith(f"TensorBoard of run {NEW}: http://127.0.0.1:")
        assert set(tags(address, 2)) == {"again", "second"}
        curve = ask(address, "data/plugin/scalars/scalars?run=again&tag=loss")
        assert [(step, value) for _, step, value in curve] == list(enumerate(LOSSES, 1))
        (text,) = ask(address, "data/plugin/text/text?run=second&tag=sample%201%2Ftext_summary")
        assert "It reads one page." in text["text"]
        assert listening(process.pid) == {"0100007F"}
        assert children(process.pid) == []
    port = int(address.strip("/").rpartition(":")[2])
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_all_runs_have_each_training_once(workspace: Installed) -> None:
    before = set(Path(tempfile.gettempdir()).glob("docutune-monitor-*"))
    with monitored(workspace.work, "--all") as (line, address, _):
        assert line.startswith("TensorBoard of 2 runs: ")
        assert set(tags(address, 2)) == {f"{OLD}/first", f"{NEW}/second"}
    assert set(Path(tempfile.gettempdir()).glob("docutune-monitor-*")) <= before


def test_a_run_and_a_port_can_be_chosen_and_a_taken_port_is_said(workspace: Installed) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with monitored(workspace.work, OLD, "--port", port) as (line, address, _):
        assert f"run {OLD}: http://127.0.0.1:{port}/" in line
        assert set(tags(address, 1)) == {"first"}
        done = workspace.docutune("monitor", "--port", port)
        assert done.returncode == 1
        assert done.stderr.startswith("error: TensorBoard cannot be served on 127.0.0.1: ")
        assert port in done.stderr and "leave --port out" in done.stderr and "Traceback" not in done.stderr


def test_nothing_to_show_is_said_with_a_way_out(environment: Installed) -> None:
    (environment.work / "pipeline.yaml").write_text("version: 1\n")
    done = environment.docutune("monitor")
    assert (done.returncode, "there is no run yet" in done.stderr) == (2, True)
    home = environment.work / ".docutune"
    (home / "runs" / NEW).mkdir(parents=True)
    for arguments, what in ((["monitor"], f"run {NEW}"), (["monitor", "--all"], "no run of this workspace")):
        done = environment.docutune(*arguments)
        assert done.returncode == 2
        assert f"{what} has nothing to show in TensorBoard yet" in done.stderr
    board(home / "runs" / OLD / "tensorboard/first", LOSSES)
    assert f"docutune monitor {OLD}" in environment.docutune("monitor").stderr
    done = environment.docutune("monitor", OLD, "--all")
    assert (done.returncode, "leave one of them out" in done.stderr) == (2, True)


def test_without_tensorboard_one_line_says_what_to_install(environment: Installed) -> None:
    board(environment.work / ".docutune/runs" / NEW / "tensorboard/first", LOSSES)
    missing = "raise ModuleNotFoundError(\"No module named 'tensorboard'\", name='tensorboard')\n"
    environment.install("no-tensorboard", {"tensorboard/__init__.py": missing})
    done = environment.docutune("monitor")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: TensorBoard cannot be used: No module named 'tensorboard'",
        "  install it: pip install 'docutune[trl]'",
    ]
