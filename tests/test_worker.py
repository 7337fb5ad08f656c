"""Worker processes: what a job tells, and every way in which one can end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from docutune.errors import Cancelled, JobError
from docutune.jobs import open_session, run_job
from docutune.records import ModelRef

Events = list[Mapping[str, Any]]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    text = " ".join(f"The function fetch_{number} reads page number {number} of the archive." for number in range(60))
    path.write_text(json.dumps({"text": text}) + "\n", "utf-8")
    return path


def pretrain(texts: Path, folder: Path, on_event: Callable[[Mapping[str, Any]], None]) -> dict[str, Any]:
    spec: dict[str, Any] = {"texts": str(texts), "seed": 0, "folder": str(folder / "model")}
    return run_job("pretrain", spec, folder / "job", on_event)


def events_of(folder: Path) -> Events:
    return [json.loads(line) for line in (folder / "job" / "events.jsonl").read_text("utf-8").splitlines()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], object], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def at_progress(action: Callable[[Mapping[str, Any]], None]) -> Callable[[Mapping[str, Any]], None]:
    """Do something at the first progress event, with the worker's hello."""
    heard: Events = []

    def on_event(event: Mapping[str, Any]) -> None:
        heard.append(event)
        if [item["event"] for item in heard].count("progress") == 1 and event["event"] == "progress":
            action(heard[0])

    return on_event


def test_a_job_tells_what_it_does_and_returns_its_result(texts: Path, tmp_path: Path) -> None:
    heard: Events = []
    result = pretrain(texts, tmp_path, heard.append)
    assert [event["event"] for event in heard][:2] == ["hello", "progress"]
    assert heard[-1]["event"] == "result"
    assert heard[0]["records"] == 1
    steps = [event for event in heard if event["event"] == "progress"]
    assert steps[-1]["done"] == steps[-1]["total"] == len(steps)
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert result["figures"]["loss"] == steps[-1]["loss"]
    assert (Path(result["folder"]) / "model.safetensors").exists()
    assert "smoke model" in (Path(result["folder"]) / "README.md").read_text("utf-8")
    assert heard == events_of(tmp_path)
    assert not alive(heard[0]["pid"])


def test_a_known_failure_keeps_its_message_and_hint(tmp_path: Path) -> None:
    empty = tmp_path / "texts.jsonl"
    empty.write_text("", "utf-8")
    with pytest.raises(JobError) as caught:
        pretrain(empty, tmp_path, lambda _: None)
    assert "no text" in caught.value.message
    assert "sources" in (caught.value.hint or "")


def test_an_unforeseen_failure_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        pretrain(tmp_path / "missing.jsonl", tmp_path, lambda _: None)
    assert caught.value.message.startswith("FileNotFoundError: ")
    assert str(tmp_path / "job" / "log.txt") in (caught.value.hint or "")
    assert "Traceback" in (tmp_path / "job" / "log.txt").read_text("utf-8")


def test_an_unknown_trainer_is_named_with_those_there_are(texts: Path, tmp_path: Path) -> None:
    spec: dict[str, Any] = {"trainer": "tlr", "config": {}, "train": str(texts), "base": {"folder": "x", "digest": "y"}}
    with pytest.raises(JobError, match="trl"):
        run_job("train", spec, tmp_path / "job", lambda _: None)


def test_a_killed_worker_is_reported_with_its_signal(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        pretrain(texts, tmp_path, at_progress(lambda hello: os.kill(hello["pid"], signal.SIGKILL)))
    assert "SIGKILL" in caught.value.message
    assert "log.txt" in (caught.value.hint or "")


def test_an_interrupt_stops_the_worker(texts: Path, tmp_path: Path) -> None:
    def interrupt(_: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Cancelled):
        pretrain(texts, tmp_path, at_progress(interrupt))
    events = events_of(tmp_path)
    assert events[-1]["event"] == "cancelled"
    assert not alive(events[0]["pid"])
    assert not (tmp_path / "model" / "model.safetensors").exists()


def test_a_worker_stopped_by_another_process_counts_as_cancelled(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        pretrain(texts, tmp_path, at_progress(lambda hello: os.kill(hello["pid"], signal.SIGTERM)))


def test_an_error_of_the_listener_stops_the_worker(texts: Path, tmp_path: Path) -> None:
    def fail(_: Mapping[str, Any]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pretrain(texts, tmp_path, at_progress(fail))
    assert not alive(events_of(tmp_path)[0]["pid"])


@pytest.fixture
def parent(texts: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that follows a job and says so once the job makes progress."""
    script = (
        "import sys; from pathlib import Path; from docutune.jobs import run_job\n"
        "texts, folder = sys.argv[1:]\n"
        "run_job('pretrain', {'texts': texts, 'seed': 0, 'folder': folder + '/model'}, Path(folder) / 'job',\n"
        "        lambda event: print(event['event'], flush=True))\n"
    )
    command = [sys.executable, "-c", script, str(texts), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_a_job_ends_with_the_process_that_wants_its_result(parent: subprocess.Popen[str], tmp_path: Path) -> None:
    assert parent.stdout is not None
    while parent.stdout.readline().strip() != "progress":
        assert parent.poll() is None
    parent.kill()
    parent.wait()
    assert eventually(lambda: not alive(events_of(tmp_path)[0]["pid"]))


def test_a_model_that_cannot_be_loaded_is_said_when_the_session_opens(tmp_path: Path) -> None:
    model = ModelRef(tmp_path / "nowhere", "digest")
    with pytest.raises(JobError, match="nowhere"):
        open_session("local", {}, model, tmp_path / "job")


def test_jobs_need_no_torch() -> None:
    code = "import sys, docutune.jobs; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


TRAINER = """
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from docutune import Registration, hookimpl
from docutune.records import ModelRef


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lazy:
    def __init__(self, config):
        pass

    def train(self, train, validation, base, context):
        adapter = context.folder / "adapter"
        adapter.mkdir()
        (adapter / "adapter_config.json").write_text("{}")
        return RESULT


@hookimpl
def docutune_trainers():
    return [Registration("lazy", 1, "Trains nothing", Config, "lazy:Lazy")]
"""
RUN = """
import sys
from pathlib import Path
from docutune.jobs import run_job
spec = {"trainer": "lazy", "config": {}, "train": "t", "base": {"folder": "base", "digest": "d"}, "seed": 0}
run_job("train", {**spec, "folder": str(Path("model").absolute())}, Path("job"), lambda event: None)
"""


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ("None", "gave back no ModelRef with an adapter"),
        ("base", "gave back no ModelRef with an adapter"),
        ("ModelRef(base.folder, base.digest, Path('/elsewhere'))", "put its adapter into /elsewhere, not below"),
        ("ModelRef(base.folder, base.digest, adapter)", "left no template.json beside its adapter"),
    ],
)
def test_a_trainer_s_answer_is_looked_at_before_it_is_kept(result: str, message: str, environment: Any) -> None:
    environment.install("lazy", {"lazy.py": TRAINER.replace("RESULT", result)}, "lazy = lazy")
    done = environment.python(RUN)
    assert f"the trainer 'lazy' {message}" in done.stderr
