"""Training on several devices, here processes on the CPU: the steps of one device, and no process is left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Environment
from tiny import SETTINGS, Bench

from docutune.errors import Cancelled, DocutuneError, JobError
from docutune.jobs import run_job
from docutune.records import to_json

pytestmark = pytest.mark.training

ROWS = 17
OPTIONS: dict[str, Any] = {
    **SETTINGS,
    "lora_dropout": 0.0,
    "max_steps": 10,  # two passes over the rows: four whole batches each, and one of a single row
    "batch_size": 4,
    "micro_batch_size": 1,
    "eval_steps": 5,
    "save_steps": 1,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    import torch

    made = Bench(tmp_path_factory.mktemp("bench"))
    lines = made.train.read_text("utf-8").splitlines(keepends=True)
    made.train.write_text("".join(lines[:ROWS]), "utf-8")
    rounded = torch.get_float32_matmul_precision()  # making the base lowers it, in this process alone
    torch.set_float32_matmul_precision("highest")
    yield made
    torch.set_float32_matmul_precision(rounded)


@dataclass
class Training:
    """One training in processes of its own; it may be run again after it was interrupted."""

    bench: Bench
    name: str
    options: dict[str, Any]
    events: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.bench.path(self.name)

    def run(self, listen: Callable[[Mapping[str, Any]], None] = lambda _: None) -> None:
        def hear(event: Mapping[str, Any]) -> None:
            self.events.append(event)
            listen(event)

        spec: dict[str, Any] = {
            "trainer": "trl",
            "config": {**OPTIONS, **self.options},
            "train": str(self.bench.train),
            "validation": str(self.bench.validation),
            "base": to_json(self.bench.base),
            "folder": str(self.folder / "model"),
            "kept": str(self.folder / "kept"),
        }
        run_job("train", spec, self.job, hear)

    def curve(self, figure: str) -> list[float]:
        return [event[figure] for event in self.events if figure in event]

    @property
    def job(self) -> Path:
        return self.folder / "job"


def processes(job: Path) -> list[int]:
    """Ids of the first process and of the others, of a job's last run."""
    files = [job / "events.jsonl", *sorted(job.glob("device-*/events.jsonl"))]
    events = (json.loads(line) for file in files for line in file.read_text("utf-8").splitlines())
    return [event["pid"] for event in events if event["event"] == "hello"]


def at_step(step: int, do: Callable[[], None]) -> Callable[[Mapping[str, Any]], None]:
    done: list[int] = []

    def listen(event: Mapping[str, Any]) -> None:
        if event["event"] == "progress" and event["done"] >= step and not done:
            done.append(step)
            do()

    return listen


def interrupt() -> None:
    raise KeyboardInterrupt


def living(processes: list[int]) -> list[int]:
    """Those that are still there after a while; a dead one that nobody has waited for is gone."""
    deadline = time.monotonic() + 120
    while (left := [pid for pid in processes if lives(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_two_devices_take_the_steps_of_one(bench: Bench) -> None:
    from safetensors.torch import load_file

    two = Training(bench, "two", {"devices": 2, "trl": {"group_by_length": True}})
    two.run()
    one = bench.go("one", **{**OPTIONS, "trl": {"group_by_length": True}})
    assert len(two.curve("loss")) == 10
    for figure, tolerance in (("learning_rate", 1e-12), ("loss", 1e-4), ("grad_norm", 1e-3), ("eval_loss", 1e-4)):
        curve = [figures[figure] for _, figures in one.curve if figure in figures]
        assert two.curve(figure) == pytest.approx(curve, rel=tolerance), figure
    weights, others = (
        load_file(bench.path(name) / "model/adapter/adapter_model.safetensors") for name in ("one", "two")
    )
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        assert float((weight - others[name]).abs().max()) < 1e-3, name
    assert tokens(bench, "one") == tokens(bench, "two")
    assert living(processes(two.job)) == []


def tokens(bench: Bench, name: str) -> int:
    """The tokens trained on, as the last checkpoint counts them."""
    state = json.loads((bench.checkpoints(name)[-1] / "trainer_state.json").read_text("utf-8"))
    return int(state["num_input_tokens_seen"])


def test_the_validation_loss_is_the_mean_over_tokens(bench: Bench) -> None:
    from docutune.hf import encode_file, load_base, load_tokenizer
    from docutune.hf.encode import read_template
    from docutune.hf.load import device

    told = bench.go("validated", **{**OPTIONS, "max_steps": 1, "learning_rate": 1e-12, "eval_steps": 1}).curve
    (found,) = (figures["eval_loss"] for _, figures in told if "eval_loss" in figures)
    tokenizer, model = load_tokenizer(bench.base.folder), load_base(bench.base.folder, "none", device())
    rows = encode_file(tokenizer, read_template(tokenizer, "base"), bench.validation, OPTIONS["max_length"]).rows
    assert found == pytest.approx(mean_loss(model, rows), rel=1e-5)


def mean_loss(model: Any, rows: Any) -> float:
    import torch

    losses: list[float] = []
    for row in rows:
        with torch.no_grad():
            logits = model(torch.tensor([row.input_ids])).logits[0, :-1].float()
        each = torch.nn.functional.cross_entropy(logits, torch.tensor(row.labels[1:]), reduction="none")
        losses += [float(loss) for loss, label in zip(each, row.labels[1:], strict=True) if label >= 0]
    return sum(losses) / len(losses)


def test_what_ends_one_process_ends_all_and_the_next_run_goes_on_to_the_bit(bench: Bench) -> None:
    options = {"devices": 2, "lora_dropout": 0.2, "max_steps": 24, "save_steps": 8}
    whole, broken = (Training(bench, name, options) for name in ("whole", "broken"))
    whole.run()
    assert dropped_by(bench, "whole", 0) != dropped_by(bench, "whole", 1)
    with pytest.raises(JobError, match=r"^on device 1: the worker process was killed by SIGKILL"):
        broken.run(at_step(9, lambda: os.kill(processes(broken.job)[1], signal.SIGKILL)))
    assert living(processes(broken.job)) == []
    with pytest.raises(Cancelled):
        broken.run(at_step(12, interrupt))
    last = (broken.job / "events.jsonl").read_text("utf-8").splitlines()[-1]
    assert json.loads(last)["event"] == "cancelled"
    assert bench.checkpoints("broken")[-1].name >= "step-00000012"
    assert living(processes(broken.job)) == []
    with pytest.raises(DocutuneError, match=r"of another training: .*processes was 2, is now 1"):
        bench.go("broken", **{**OPTIONS, **options, "devices": 1})
    broken.run()
    assert bench.made("broken") == bench.made("whole")


def dropped_by(bench: Bench, name: str, device: int) -> list[int]:
    """Where the generator that dropout draws from stood on that device."""
    import torch

    from docutune.plugins.trainers.sft.state import load_moment

    state: list[int] = load_moment(bench.checkpoints(name)[0], device, torch.device("cpu")).random["torch"].tolist()
    return state


def test_each_row_is_trained_on_once_in_the_step_of_one_device() -> None:
    from docutune.plugins.trainers.sft.order import Batches, by_length, shuffled
    from docutune.plugins.trainers.sft.passes import Passes

    chosen = random.Random(0)
    for _ in range(200):
        devices, micro, accumulation = chosen.randint(1, 4), chosen.randint(1, 3), chosen.randint(1, 3)
        passes = Passes(micro, accumulation, False, devices)
        rows = chosen.randint(1, 40)
        lengths = [chosen.randint(1, 9) for _ in range(rows)]
        order = chosen.choice([shuffled(rows, 5), by_length(lengths, passes.batch, 5)])
        shares = [Batches(rows, passes, device, order) for device in range(devices)]
        for share in shares:
            share.set_epoch(3)
        made = [list(share) for share in shares]
        assert {len(batches) for batches in made} == {len(share) for share in shares}
        steps = [(start, start + accumulation) for start in range(0, len(made[0]), accumulation)]
        taken = [
            sorted(row for batches in made for batch in batches[start:end] for row in batch if row < rows)
            for start, end in steps
        ]
        whole = list(order(3))
        starts = [*range(0, rows, passes.batch), rows]
        assert taken == [sorted(whole[start:end]) for start, end in pairwise(starts)]
        assert all(1 <= len(batch) <= micro for batches in made for batch in batches)


def test_a_batch_that_cannot_be_shared_names_numbers_that_work() -> None:
    from docutune.plugins.trainers.sft.passes import Passes
    from docutune.training import TrainingConfig

    def asked(devices: int, **options: int) -> Passes:
        return Passes.asked(TrainingConfig.model_validate({"model": "base", **options}), devices)

    assert asked(2, batch_size=12, micro_batch_size=3) == Passes(3, 2, False, 2)
    with pytest.raises(DocutuneError, match="batch_size 6 cannot be shared equally by 4 devices") as uneven:
        asked(4, batch_size=6)
    assert uneven.value.hint == "set batch_size to 4 or 8, or devices to 1, 2 or 3"
    with pytest.raises(DocutuneError, match="batch_size 12 on 2 devices is 6 rows for each, which micro") as micro:
        asked(2, batch_size=12, micro_batch_size=4)
    assert micro.value.hint == "set micro_batch_size to 1, 2, 3 or 6"


def test_more_devices_than_there_are() -> None:
    from docutune.hf.devices import number

    assert number("all") >= 1
    with pytest.raises(DocutuneError, match="devices: 4096, but there "):
        number(4096)


TRAINERS = """
import os, time
from docutune import DocutuneError, Registration, TrainingConfig, hookimpl

class Config(TrainingConfig): pass

class Several:
    def __init__(self, config): self.fails = config.model == "fails"

    def train(self, train, validation, base, context):
        context.progress(0)
        if self.fails and os.environ.get("RANK", "1") == "1":
            raise DocutuneError("out of memory on cuda:1", "lower micro_batch_size")
        time.sleep(600)  # as one that waits for a dead process

@hookimpl
def docutune_trainers():
    return [
        Registration("alone", 1, "Knows one device", Config, "acme_trainers:Several"),
        Registration("several", 1, "Knows several", Config, "acme_trainers:Several", several_devices=True),
    ]
"""


@pytest.fixture
def installed(environment: Environment) -> Environment:
    environment.install("acme-trainers", {"acme_trainers.py": TRAINERS}, "acme = acme_trainers")
    return environment


def several(model: str, job: Path, listen: Callable[[], None] = lambda: None, devices: int | str = 2) -> None:
    spec: dict[str, Any] = {
        "trainer": "several",
        "config": {"model": model, "devices": devices},
        "train": "train.jsonl",
        "base": {"folder": "base", "digest": "0", "adapter": None},
        "folder": str(job / "model"),
    }
    run_job("train", spec, job, at_step(0, listen))


def test_a_process_that_fails_is_the_reason_why_all_end(
    installed: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed.site), prepend=os.pathsep)
    with pytest.raises(JobError, match="on device 1: out of memory on cuda:1") as failed:
        several("fails", tmp_path)
    assert failed.value.hint == "lower micro_batch_size"
    assert living(processes(tmp_path)) == []


@pytest.mark.parametrize(
    ("devices", "said"), [(2, "2 processes share the CPU's cores"), ("all", "devices: all is the CPU alone")]
)
def test_several_devices_without_a_gpu_are_told_of(
    devices: int | str, said: str, installed: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed.site), prepend=os.pathsep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(JobError, match="out of memory on cuda:1"):
        several("fails", tmp_path, devices=devices)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [event["text"] for event in events if event["event"] == "note"] == [f"no GPU here: {said}"]


def test_no_process_outlives_the_first(installed: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed.site), prepend=os.pathsep)
    with pytest.raises(JobError, match="was killed by SIGKILL"):
        several("waits", tmp_path, lambda: os.kill(processes(tmp_path)[0], signal.SIGKILL))
    assert len(processes(tmp_path)) == 2
    assert living(processes(tmp_path)) == []


def test_a_trainer_of_one_device_is_not_given_several(installed: Environment) -> None:
    text = "version: 1\nproject: acme\nsources:\n  - path: .\ntrain:\n  - uses: {}\n    with:\n      model: base\n"
    for trainer, devices in (("alone", "2"), ("alone", "all"), ("unsloth", "all")):
        pipeline = installed.work / "pipeline.yaml"
        pipeline.write_text(text.format(trainer) + f"      devices: {devices}\n", "utf-8")
        done = installed.docutune("validate")
        assert done.returncode == 2
        line = f"pipeline.yaml:9: train[0].with.devices: trainer '{trainer}' trains on one device, not on {devices}: "
        assert line + "write devices: 1; on several trains 'several' or 'trl'" in done.stdout + done.stderr
    pipeline.write_text(text.format("several") + "      devices: all\n", "utf-8")
    assert "devices" not in installed.docutune("validate").stderr
