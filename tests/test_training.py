"""A real pre-training, a real QLoRA and a real served model, all small: what is trained is what is answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tiny import asked_as_the_card_says

from docutune.errors import Cancelled, DocutuneError, JobError
from docutune.jobs import open_session, run_job
from docutune.jobs.sessions import RemoteSession
from docutune.records import Message, ModelRef, Probe, Sampling, from_json, to_json
from docutune.template import Template

pytestmark = pytest.mark.training

FACTS = {
    "fetch": "It reads one page of the archive.",
    "store": "It writes a record to the ledger.",
    "prune": "It removes branches without leaves.",
    "merge": "It joins two ledgers by their dates.",
    "audit": "It counts the records that nobody signed.",
    "quote": "It wraps a name in double marks.",
}
SETTINGS = {
    "model": "builtin/tiny",
    "lora_rank": 16,
    "learning_rate": 5e-3,
    "max_steps": 80,
    "batch_size": 12,
    "max_length": 64,
}


@dataclass
class Job:
    """One finished job: its result and the events that were heard."""

    result: dict[str, Any] = field(default_factory=dict)
    events: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def model(self) -> ModelRef:
        return from_json(ModelRef, self.result["model"])


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    folder = tmp_path_factory.mktemp("base")
    texts = [f"The function {name} of the acme library. {fact}" for name, fact in FACTS.items()] * 20
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    spec: dict[str, Any] = {"texts": str(folder / "texts.jsonl"), "seed": 0, "folder": str(folder / "model")}
    result = run_job("pretrain", spec, folder / "job", lambda _: None)
    return ModelRef(Path(result["folder"]), result["digest"])


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "train.jsonl"
    forms = ("What does {} do?", "Explain {}.", "What is {} for?")
    return write(path, {form.format(name): fact for name, fact in FACTS.items() for form in forms})


@pytest.fixture(scope="session")
def trained(base: ModelRef, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    return train(base, samples, tmp_path_factory.mktemp("trained"), validation=samples)


@pytest.fixture(scope="session")
def session(trained: Job, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteSession]:
    options = {"max_new_tokens": 24, "batch_size": 4}
    with open_session("local", options, trained.model, tmp_path_factory.mktemp("serve")) as opened:
        yield opened


def write(path: Path, answers: Mapping[str, str]) -> Path:
    rows = (
        {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
        for question, answer in answers.items()
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def train(base: ModelRef, samples: Path, folder: Path, validation: Path | None = None, **settings: Any) -> Job:
    job = Job()
    spec: dict[str, Any] = {
        "trainer": "trl",
        "config": {**SETTINGS, **settings},
        "train": str(samples),
        "validation": str(validation) if validation else None,
        "base": to_json(base),
        "seed": 0,
        "folder": str(folder / "model"),
    }
    job.result = run_job("train", spec, folder / "job", job.events.append)
    return job


def probes() -> list[Probe]:
    return [Probe(name, (Message("user", f"What does {name} do?"),)) for name in FACTS]


def test_the_tuned_model_answers_word_for_word_and_the_base_does_not(session: RemoteSession) -> None:
    tuned = {answer.probe: answer for answer in session.answer(probes(), "tuned")}
    base = {answer.probe: answer for answer in session.answer(probes(), "base")}
    assert {name: answer.text for name, answer in tuned.items()} == FACTS
    assert all(answer.ended and answer.variant == "tuned" for answer in tuned.values())
    assert not [name for name, answer in base.items() if answer.text == FACTS[name]]


def test_a_stream_is_the_batch_answer_in_pieces(session: RemoteSession) -> None:
    messages = probes()[0].messages
    for variant in ("tuned", "base"):
        (whole,) = session.answer(probes()[:1], variant)
        pieces = list(session.stream(messages, variant))
        assert "".join(pieces) == whole.text
    assert len(list(session.stream(messages, "tuned"))) > 1


def test_a_stream_that_is_given_up_leaves_the_session_usable(session: RemoteSession) -> None:
    stream = session.stream(probes()[0].messages, "base", Sampling(max_new_tokens=2000))
    assert next(piece for piece in stream if piece)
    stream.close()
    started = time.monotonic()
    assert len(list(session.answer(probes()[:1], "tuned"))) == 1
    assert time.monotonic() - started < 5


def test_a_reply_cut_at_the_limit_says_so(session: RemoteSession) -> None:
    assert not any(answer.ended for answer in session.answer(probes()[:1], "base"))


def test_training_reports_its_figures(trained: Job) -> None:
    curve = [event for event in trained.events if "loss" in event]
    assert curve[-1]["loss"] < curve[0]["loss"] / 4
    assert {"learning_rate", "tokens_per_second", "seconds_left"} <= curve[0].keys()
    assert any("eval_loss" in event for event in trained.events)
    figures = trained.result["figures"]
    assert (figures["samples"], figures["left_out"]) == (18, 0)
    assert trained.model.adapter is not None
    assert list((trained.model.adapter.parent / "tensorboard").glob("events.*"))


def test_the_adapter_carries_its_template_and_card(trained: Job, base: ModelRef) -> None:
    from docutune.hf.encode import read_template
    from docutune.hf.load import load_tokenizer

    adapter = trained.model.adapter
    assert adapter is not None
    assert Template.load(adapter) == read_template(load_tokenizer(base.folder), "base")
    card = (adapter / "README.md").read_text("utf-8")
    assert base.digest[:16] in card
    assert Template.load(adapter).digest in card
    assert '"lora_rank": 16' in card
    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == "builtin/tiny"
    names = {name.rpartition(".")[2] for name in config["target_modules"]}
    assert names == {f"{name}_proj" for name in ("q", "k", "v", "o", "gate", "up", "down")}  # every linear layer


def test_the_card_says_how_to_ask_the_adapter(trained: Job, base: ModelRef) -> None:
    assert trained.model.adapter is not None
    said = asked_as_the_card_says(trained.model.adapter, base.folder, "What does fetch do?")
    assert said == FACTS["fetch"]


def test_the_same_settings_give_the_same_adapter(base: ModelRef, samples: Path, tmp_path: Path) -> None:
    made = [train(base, samples, tmp_path / name, max_steps=3).model.adapter for name in ("first", "second")]
    weights = [(adapter / "adapter_model.safetensors").read_bytes() for adapter in made if adapter]
    assert len(weights) == 2
    assert weights[0] == weights[1]


def test_the_same_seed_gives_the_same_embedded_base(tmp_path: Path) -> None:
    from docutune.hf.tiny import Recipe, make

    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": "A text of the sources. " * 50}) + "\n", "utf-8")
    digests = []
    for name, seed in (("first", 0), ("second", 0), ("third", 1)):
        context = Silent(tmp_path / name, seed)
        context.folder.mkdir()
        digests.append(make(tmp_path / "texts.jsonl", context, Recipe(fewest_steps=2, most_steps=2)).digest)
    assert digests[0] == digests[1] != digests[2]


class Silent:
    """A context for training in this process."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self.seed, self.folder, self.kept = seed, folder, folder

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def test_the_trainer_feeds_exactly_our_labels(
    base: ModelRef, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl.trainer.sft_trainer import SFTTrainer

    from docutune.hf.encode import encode_file, read_template
    from docutune.hf.load import load_tokenizer
    from docutune.plugins.trainers.trl.plugin import Config
    from docutune.plugins.trainers.trl.train import Trl

    fed: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    compute: Any = SFTTrainer.compute_loss

    def listen(self: Any, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        for ids, labels, mask in zip(inputs["input_ids"], inputs["labels"], inputs["attention_mask"], strict=True):
            length = int(mask.sum())
            assert set(labels[length:].tolist()) <= {-100}  # padding bears no loss
            fed.add((tuple(ids[:length].tolist()), tuple(labels[:length].tolist())))
        return compute(self, model, inputs, *rest, **named)

    monkeypatch.setattr(SFTTrainer, "compute_loss", listen)
    settings = Config.model_validate({**SETTINGS, "max_steps": 3, "batch_size": 6})  # one pass over the 18 samples
    Trl(settings).train(samples, None, base, Silent(tmp_path))
    tokenizer = load_tokenizer(base.folder)
    encoding = encode_file(tokenizer, read_template(tokenizer, "base"), samples, 64)
    assert fed == {(row.input_ids, row.labels) for row in encoding.rows}
    replies = {tokenizer.decode([label for label in labels if label != -100]) for _, labels in fed}
    assert replies == {f"{fact}<|im_end|>" for fact in FACTS.values()}


def test_the_base_is_held_in_nf4(base: ModelRef) -> None:
    import torch
    from bitsandbytes.nn.modules import Linear4bit

    from docutune.hf.load import device, load_base

    layer = load_base(base.folder, "nf4", device()).model.layers[0].mlp.up_proj
    assert isinstance(layer, Linear4bit)
    assert layer.weight.dtype == torch.uint8
    plain = load_base(base.folder, "none", device()).model.layers[0].mlp.up_proj
    assert not isinstance(plain, Linear4bit)


def test_training_can_be_stopped_in_the_middle(base: ModelRef, samples: Path, tmp_path: Path) -> None:
    def interrupt(event: Mapping[str, Any]) -> None:
        if event["event"] == "progress" and event["done"] >= 2:
            raise KeyboardInterrupt

    spec: dict[str, Any] = {
        "trainer": "trl",
        "config": {**SETTINGS, "max_steps": 100_000},
        "train": str(samples),
        "base": to_json(base),
        "folder": str(tmp_path / "model"),
    }
    started = time.monotonic()
    with pytest.raises(Cancelled):
        run_job("train", spec, tmp_path / "job", interrupt)
    assert time.monotonic() - started < 300  # of hours
    last = (tmp_path / "job" / "events.jsonl").read_text("utf-8").splitlines()[-1]
    assert json.loads(last)["event"] == "cancelled"


def test_a_loss_that_is_no_number_ends_the_training(base: ModelRef, samples: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(base.folder, broken)
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"] *= float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(JobError, match="the loss is nan at step 1"):
        train(ModelRef(broken, "broken"), samples, tmp_path)


def test_samples_that_are_all_too_long_stop_the_training(base: ModelRef, samples: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="18 of 18 samples are longer than max_length 16"):
        train(base, samples, tmp_path, max_length=16)


def test_a_served_model_ends_with_its_client(base: ModelRef, tmp_path: Path) -> None:
    script = (
        "import json, sys; from pathlib import Path; from docutune.jobs import open_session\n"
        "from docutune.records import ModelRef\n"
        "base, folder = map(Path, sys.argv[1:])\n"
        "session = open_session('local', {}, ModelRef(base, 'digest'), folder)\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(base.folder), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        worker = json.loads((tmp_path / "events.jsonl").read_text("utf-8").splitlines()[0])["pid"]
        os.kill(worker, 0)  # raises if it is gone
        client.kill()
    assert gone(worker)


def test_a_served_model_that_dies_is_an_error_of_the_request(base: ModelRef, tmp_path: Path) -> None:
    session = open_session("local", {"max_new_tokens": 4000}, base, tmp_path)
    worker = json.loads((tmp_path / "events.jsonl").read_text("utf-8").splitlines()[0])["pid"]
    stream = session.stream(probes()[0].messages, "base")
    assert next(piece for piece in stream if piece)
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(JobError, match="SIGKILL"):
        list(stream)
    session.close()
    assert gone(worker)


def test_a_base_has_no_tuned_variant(base: ModelRef, tmp_path: Path) -> None:
    with open_session("local", {}, base, tmp_path) as session, pytest.raises(JobError, match="no adapter"):
        list(session.answer(probes(), "tuned"))


def test_close_unloads_the_model(base: ModelRef) -> None:
    from docutune.plugins.runtimes.local.plugin import Config
    from docutune.plugins.runtimes.local.serve import Local

    session = Local(Config(max_new_tokens=2)).open(base)
    assert len(list(session.answer(probes()[:1], "base"))) == 1
    session.close()
    with pytest.raises(DocutuneError, match="closed"):
        list(session.answer(probes()[:1], "base"))


def gone(pid: int, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False
