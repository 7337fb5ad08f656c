"""What can be trained, and whether it fits: every way of tuning learns; memory and disk are looked at beforehand."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tiny import FACTS, Bench, asked_as_the_card_says, moved

from docutune.errors import DiskError, DocutuneError
from docutune.jobs import open_session, run_job
from docutune.memory import GIB
from docutune.records import Message, ModelRef, Probe, from_json, to_json
from docutune.template import Template

pytestmark = pytest.mark.training

MIB = GIB / 1024


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("tuning")
    yield Bench(folder)
    shutil.rmtree(folder)


# ---- what is trained


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ({"quantization": "int8"}, {"use_rslora": False, "use_dora": False}),
        ({"lora_variant": "rslora", "gradient_checkpointing": True}, {"use_rslora": True, "use_dora": False}),
        ({"lora_variant": "dora", "quantization": "nf4"}, {"use_rslora": False, "use_dora": True}),
    ],
)
def test_every_kind_of_adapter_learns(bench: Bench, options: dict[str, Any], written: dict[str, bool]) -> None:
    name = "-".join(map(str, options.values()))
    desk = bench.go(name, validation=None, micro_batch_size=6, save_steps=100, **options)
    losses = [figures["loss"] for _, figures in desk.curve if "loss" in figures]
    assert losses[-1] < 0.8 * losses[0]
    config = json.loads((desk.folder / "adapter/adapter_config.json").read_text("utf-8"))
    assert {name: config[name] for name in written} == written
    near(desk)


def test_dora_on_int8_is_refused_on_the_cpu_before_it_fails(bench: Bench) -> None:
    with pytest.raises(DocutuneError, match="DoRA on a base in int8 does not train on the CPU"):
        bench.go("dora", lora_variant="dora", quantization="int8")


@pytest.fixture(scope="module")
def whole(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """All weights trained, as a run does it: in a worker."""
    folder = tmp_path_factory.mktemp("whole")
    options = {
        "tuning": "full",
        "quantization": "none",
        "learning_rate": 2e-3,
        "max_steps": 70,
        "batch_size": 9,
        "save_steps": 100,
    }
    spec: dict[str, Any] = {
        "trainer": "trl",
        "config": {"model": "builtin/tiny", "max_length": 96, **options},
        "train": str(bench.train),
        "base": to_json(bench.base),
        "folder": str(folder / "model"),
        "kept": str(folder / "kept"),
    }
    return from_json(ModelRef, run_job("train", spec, folder / "job", lambda _: None)["model"])


def test_full_tuning_leaves_a_whole_model(whole: ModelRef, bench: Bench) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert whole.adapter is not None
    names = {path.name for path in whole.adapter.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "template.json", "README.md"} <= names
    assert not [name for name in names if name.startswith("adapter_")]
    alone = AutoModelForCausalLM.from_pretrained(whole.adapter, local_files_only=True)  # it needs no base
    assert alone.config.use_cache
    assert AutoTokenizer.from_pretrained(whole.adapter, local_files_only=True).chat_template
    assert Template.load(whole.adapter).end_token == "<|im_end|>"
    told = "".join(path.read_text("utf-8") for path in whole.adapter.iterdir() if path.suffix in (".json", ".md"))
    assert str(bench.folder) not in told  # no path of this machine
    assert "# Model tuned from builtin/tiny" in (whole.adapter / "README.md").read_text("utf-8")


def test_a_whole_model_answers_beside_its_base(whole: ModelRef, tmp_path: Path) -> None:
    probes = [Probe(name, (Message("user", f"What does {name} do?"),)) for name in FACTS]
    options = {"quantization": "none", "max_new_tokens": 60}
    with open_session("local", options, whole, tmp_path) as session:
        tuned = {answer.probe: answer.text for answer in session.answer(probes, "tuned")}
        base = {answer.probe: answer.text for answer in session.answer(probes, "base")}
        streamed = "".join(session.stream(probes[0].messages, "tuned"))
    assert tuned == FACTS
    assert not [name for name in FACTS if base[name] == FACTS[name]]
    assert streamed == tuned["fetch"]


def test_the_card_says_how_to_ask_a_whole_model(whole: ModelRef) -> None:
    assert whole.adapter is not None
    assert asked_as_the_card_says(whole.adapter, whole.folder, "What does fetch do?") == FACTS["fetch"]


def test_a_whole_model_is_loaded_when_asked_and_dropped_when_closed(whole: ModelRef) -> None:
    from docutune.plugins.runtimes.local.plugin import Config
    from docutune.plugins.runtimes.local.serve import Local

    broken = ModelRef(whole.folder / "nowhere", whole.digest, whole.adapter)
    session = Local(Config(quantization="none", max_new_tokens=2)).open(broken)
    probe = Probe("fetch", (Message("user", "What does fetch do?"),))
    assert len(list(session.answer([probe], "tuned"))) == 1  # the base was not asked, so nobody looked for it
    session.close()
    with pytest.raises(DocutuneError, match="closed"):
        list(session.answer([probe], "tuned"))


def test_full_tuning_goes_on_to_the_bit(bench: Bench) -> None:
    options: dict[str, Any] = {"tuning": "full", "learning_rate": 1e-3, "max_steps": 4, "save_steps": 2}
    bench.go("at once", **options)
    bench.stopped("in two parts", at=7, **options)
    bench.go("in two parts", **options)
    made = [bench.path(name) / "model/model/model.safetensors" for name in ("at once", "in two parts")]
    assert made[0].read_bytes() == made[1].read_bytes()


# ---- whether it fits


def notes(desk: Any, start: str) -> list[str]:
    return [note for note in desk.notes if note.startswith(start)]


def mib(text: str) -> list[float]:
    """Every number of bytes in a text."""
    return [float(number) * (1024 if unit == "GiB" else 1) for number, unit in re.findall(r"([\d.]+) ([GM]iB)", text)]


def refused(bench: Bench, **options: Any) -> DocutuneError:
    with pytest.raises(DocutuneError, match="does not fit into memory") as caught:
        bench.go("refused", **options)
    return caught.value


@pytest.fixture(scope="module")
def needs(bench: Bench) -> Mapping[str, float]:
    """MiB that the bench's training takes as it is asked for, all six rows in a pass, and at the least."""
    error = refused(bench, micro_batch_size=None, max_memory_gib=0.001)
    (asked, _), (least, _) = mib(error.message), mib(error.hint or "")
    assert least < asked
    return {"asked": asked, "least": least}


def near(desk: Any) -> None:
    """The estimate that was told is near to what was counted."""
    (note,) = notes(desk, "memory: ")
    counted, _, estimated = mib(note)
    assert estimated == pytest.approx(counted, rel=0.15, abs=1)
    assert re.search(r"; time: about \d+ s$", note)


@pytest.mark.parametrize(
    "options",
    [{"lora_dropout": 0.0}, {"lora_dropout": 0.0, "gradient_checkpointing": True}, {"tuning": "full"}],
)
def test_the_estimate_is_near_to_what_is_counted(bench: Bench, options: dict[str, Any]) -> None:
    name = "-".join(map(str, options.values()))
    near(bench.go(name, validation=None, max_steps=1, micro_batch_size=6, **options))


def test_what_does_not_fit_is_refused_with_what_would(bench: Bench, needs: Mapping[str, float]) -> None:
    limit = (needs["asked"] + needs["least"]) / 2 / 1024
    error = refused(bench, micro_batch_size=None, max_memory_gib=limit)
    assert f"with micro_batch_size: 6 it needs about {needs['asked']:.0f} MiB" in error.message
    assert error.hint is not None
    found = re.match(r"micro_batch_size: (\d) with gradient_checkpointing: true needs about (\d+) MiB of ", error.hint)
    assert found is not None
    assert float(found[2]) <= limit * 1024 + 1
    assert error.hint.endswith("; fit: auto chooses by itself")
    passes = {"micro_batch_size": int(found[1]), "gradient_checkpointing": True}
    assert bench.go("advised", max_memory_gib=limit, max_steps=1, **passes).notes  # it is not refused


def test_no_way_to_fit_is_said_so_before_anything_is_loaded(bench: Bench) -> None:
    base = moved(bench.base, bench.folder / "weightless", lambda folder: (folder / "model.safetensors").unlink())
    error = refused(bench, base=base, max_memory_gib=0.001, fit="auto")
    assert error.hint is not None
    assert error.hint.startswith("even ")
    assert error.hint.endswith("take a smaller base model")


def test_fit_auto_chooses_and_trains_as_if_that_had_been_asked_for(bench: Bench, needs: Mapping[str, float]) -> None:
    limit = (needs["asked"] + needs["least"]) / 2 / 1024
    chosen = bench.go("auto", micro_batch_size=None, max_memory_gib=limit, fit="auto", max_steps=5)
    (note,) = notes(chosen, "fit: auto chose ")
    found = re.search(r"micro_batch_size: (\d) with gradient_checkpointing: true, (\d) passes a step", note)
    assert found is not None
    assert int(found[1]) * int(found[2]) == 6
    counted, allowed, _ = mib(notes(chosen, "memory: ")[0])
    assert counted <= allowed
    bench.go("asked", micro_batch_size=int(found[1]), gradient_checkpointing=True, max_steps=5)
    assert weights(bench, "auto") == weights(bench, "asked")


def weights(bench: Bench, name: str) -> bytes:
    return (bench.path(name) / "model/adapter/adapter_model.safetensors").read_bytes()


def test_an_interrupted_training_keeps_what_was_chosen(bench: Bench, needs: Mapping[str, float]) -> None:
    limit = (needs["asked"] + needs["least"]) / 2 / 1024
    options: dict[str, Any] = {"micro_batch_size": None, "fit": "auto", "max_steps": 5}
    bench.stopped("kept", at=12, max_memory_gib=limit, **options)
    resumed = bench.go("kept", **options)  # with all the memory there is
    assert not notes(resumed, "fit: auto chose ")
    assert weights(bench, "kept") == weights(bench, "auto")
    bench.stopped("small", at=12, **options)
    with pytest.raises(DocutuneError, match="the interrupted training does not fit into memory") as caught:
        bench.go("small", max_memory_gib=0.001, **options)
    assert "free memory" in (caught.value.hint or "")


def test_a_model_without_an_estimate_is_fitted_by_trying(bench: Bench, needs: Mapping[str, float]) -> None:
    folder = bench.folder / "unknown"
    shutil.copytree(bench.base.folder, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "num_experts": 1}), "utf-8")  # Qwen3 has none
    base = ModelRef(folder, "unknown")
    limit = (needs["asked"] + needs["least"]) / 2 / 1024
    desk = bench.go("tried", base=base, micro_batch_size=None, max_memory_gib=limit, fit="auto", max_steps=1)
    counted, allowed = mib(notes(desk, "memory: ")[0])
    assert counted <= allowed
    assert notes(desk, "fit: auto chose ")
    with pytest.raises(DocutuneError, match="needs more, and") as caught:
        bench.go("untried", base=base, micro_batch_size=None, max_memory_gib=limit)
    assert "lower micro_batch_size" in (caught.value.hint or "")


def test_packed_rows_are_probed(bench: Bench) -> None:
    alone, packed = (
        bench.go(name, packing=name == "packed", max_steps=1, micro_batch_size=2) for name in ("s", "packed")
    )
    assert mib(notes(packed, "memory: ")[0])[0] > mib(notes(alone, "memory: ")[0])[0]


def test_the_probe_leaves_no_trace(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from docutune.plugins.trainers.sft import preflight, random_state, state

    before_and_after: list[tuple[Any, Any]] = []
    probe = preflight.probe

    def looked_at(trainer: Any, *rest: Any) -> Any:
        moments = []
        for look in (True, False):
            modes = [module.training for module in trainer.model.modules()]
            gradients = [weights.grad for weights in trainer.model.parameters() if weights.grad is not None]
            generators = random_state.capture()
            numpy = generators["numpy"][1].tolist(), generators["numpy"][2]
            drawn = generators["python"], numpy, generators["torch"].tolist()
            weights = {name: tensor.sum().item() for name, tensor in state.weights(trainer.model).items()}
            moments.append((modes, gradients, drawn, weights))
            if look:
                found = probe(trainer, *rest)
        before_and_after.append((moments[0], moments[1]))
        assert torch.is_grad_enabled()
        return found

    monkeypatch.setattr(preflight, "probe", looked_at)
    bench.go("traceless", max_steps=1, gradient_checkpointing=True)
    ((before, after),) = before_and_after
    assert before == after
    assert before[1] == []


def test_a_disk_without_room_is_told_before_the_training(bench: Bench) -> None:
    with pytest.raises(
        DiskError, match=r"checkpoints and model will take about [\d.]+ GiB, and [\d.]+ [GM]iB are free"
    ):
        bench.go("disk", keep_checkpoints=10**9)
    assert bench.checkpoints("disk") == []
