"""What looks at a training: TensorBoard, sample texts, the best weights, batches that are no numbers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tiny import FACTS, Bench, Desk, moved, rows

from docutune.checkpoints import Checkpoints
from docutune.errors import Cancelled, DocutuneError
from docutune.plugins.trainers.sft import texts as texts_module

pytestmark = pytest.mark.training

COMMAND = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
CURVES = {"loss", "eval_loss", "learning_rate", "grad_norm", "tokens_per_second", "process_memory_gib"}
CONTRADICTED: dict[str, Any] = {
    # what is validated is the opposite of what is trained, so that the validation loss soon rises
    "learning_rate": 2e-2,
    "schedule": "constant",
    "warmup_ratio": 0.0,
    "max_steps": 40,
    "eval_steps": 1,
    "save_steps": 3,
    "batch_size": 6,
    "micro_batch_size": 6,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def whole(bench: Bench) -> Desk:
    texts_module.NEW_TOKENS, few = 48, texts_module.NEW_TOKENS
    found = bench.go("whole", eval_steps=3, max_steps=9)
    texts_module.NEW_TOKENS = few
    return found


def board(bench: Bench, name: str) -> Any:
    """What TensorBoard reads of a training."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(bench.path(name) / "kept/tensorboard"), size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    return found


def steps(found: Any, curve: str) -> list[int]:
    return [point.step for point in found.Scalars(curve)]


def texts(found: Any) -> dict[str, dict[int, str]]:
    return {
        tag: {event.step: event.tensor_proto.string_val[0].decode() for event in found.Tensors(tag)}
        for tag in found.Tags()["tensors"]
    }


def contradicted(bench: Bench) -> Path:
    """Questions of the training with each other's answers."""
    names, facts = list(FACTS), list(FACTS.values())
    lines = (
        {"messages": [{"role": "user", "content": f"Explain {name}."}, {"role": "assistant", "content": fact}]}
        for name, fact in zip(names, [*facts[3:], *facts[:3]], strict=True)
    )
    path = bench.folder / "contradicted.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


# ---- TensorBoard and sample texts


def test_the_curves_are_on_the_board_and_in_the_progress(bench: Bench, whole: Desk) -> None:
    found = board(bench, "whole")
    assert set(found.Tags()["scalars"]) == CURVES
    assert steps(found, "loss") == list(range(1, 10))
    assert steps(found, "eval_loss") == [3, 6, 9]
    assert all(0.05 < point.value < 64 for point in found.Scalars("process_memory_gib"))
    told = {name: value for _, figures in whole.curve for name, value in figures.items()}
    assert {"loss", "eval_loss", "learning_rate", "grad_norm", "parameters", "trainable_parameters"} <= set(told)
    assert told["parameters"] > 20 * told["trainable_parameters"] > 0
    logged = [point.value for point in found.Scalars("loss")]
    assert logged == pytest.approx([figures["loss"] for _, figures in whole.curve if "loss" in figures], rel=1e-6)


def test_the_memory_is_told(bench: Bench, whole: Desk) -> None:
    curve = json.loads((bench.checkpoints("whole")[-1] / "curve.json").read_text())  # the desk leaves it out
    told = [point["process_memory_gib"] for point in curve if "loss" in point]
    assert len(told) == 9
    assert told == sorted(told)


def test_answers_to_held_out_questions_are_on_the_board_at_each_validation(bench: Bench, whole: Desk) -> None:
    found = texts(board(bench, "whole"))
    assert len(found) == 3
    for texts_of in found.values():
        assert set(texts_of) >= {3, 9}  # others where they took little time
        assert all("Tell me of " in text and "**answer**" in text for text in texts_of.values())
    assert any(fact in text for fact in FACTS.values() for by_step in found.values() for text in by_step.values())


def test_without_validation_samples_questions_of_the_training_are_asked(bench: Bench) -> None:
    desk = bench.go("unvalidated", validation=None, max_steps=4, eval_steps=1)
    assert not [note for note in desk.notes if "sample" in note]
    found = texts(board(bench, "unvalidated"))
    assert all(
        "What does " in text or "Explain " in text or " for?" in text for by in found.values() for text in by.values()
    )
    assert {step for by in found.values() for step in by} >= {1, 4}


@pytest.mark.parametrize("way", [{"quantization": "nf4"}, {"gradient_checkpointing": True}])
def test_no_bit_of_the_training_is_changed_by_looking_at_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any]
) -> None:
    name = next(iter(way))
    options = {**way, "eval_steps": 2, "validation": None, "max_steps": 4, "batch_size": 2, "micro_batch_size": 1}
    monkeypatch.setattr(texts_module, "_SHARE", 1e9)  # at every validation, whatever it costs
    bench.go(f"{name}-seen", **options)
    assert len(texts(board(bench, f"{name}-seen"))["sample 1/text_summary"]) == 2
    monkeypatch.setattr(texts_module, "QUESTIONS", 0)
    bench.go(f"{name}-unseen", **options)
    assert texts(board(bench, f"{name}-unseen")) == {}
    assert bench.made(f"{name}-seen") == bench.made(f"{name}-unseen")


def test_a_validation_changes_no_bit_of_the_training(bench: Bench) -> None:
    """On a CPU with AVX512-BF16 bitsandbytes rounds the scales of 4-bit weights when they are first asked."""
    options = {"quantization": "nf4", "max_steps": 3, "batch_size": 2, "micro_batch_size": 2}
    bench.go("validated", eval_steps=1, **options)
    bench.go("not-validated", validation=None, **options)
    made = [(bench.path(name) / "model/adapter/adapter_model.safetensors") for name in ("validated", "not-validated")]
    assert made[0].read_bytes() == made[1].read_bytes()


def test_after_an_interruption_each_step_is_on_the_board_once(bench: Bench, whole: Desk) -> None:
    bench.stopped(
        "killed", 30, eval_steps=3, max_steps=9
    )  # a kill would leave steps on the board that no checkpoint has
    newest = bench.checkpoints("killed")[-1]
    told = [point.step for point in board(bench, "killed").Scalars("loss")]
    shutil.rmtree(newest)
    bench.go("killed", eval_steps=3, max_steps=9)
    found = board(bench, "killed")
    assert max(told) > 4
    for curve in ("loss", "eval_loss"):
        assert steps(found, curve) == steps(board(bench, "whole"), curve)
        assert max(Counter(steps(found, curve)).values()) == 1
    assert [point.value for point in found.Scalars("loss")] == [
        point.value for point in board(bench, "whole").Scalars("loss")
    ]


# ---- early stopping and best weights


@pytest.fixture(scope="module")
def stopped_early(bench: Bench) -> Desk:
    return bench.go("early", validation=contradicted(bench), early_stopping=3, **CONTRADICTED)


def last(desk: Desk, figure: str) -> float:
    return [figures[figure] for _, figures in desk.curve if figure in figures][-1]


def test_a_validation_loss_that_no_longer_falls_ends_the_training(bench: Bench, stopped_early: Desk) -> None:
    losses = [(step, figures["eval_loss"]) for step, figures in stopped_early.curve if "eval_loss" in figures]
    best = min(losses, key=lambda point: point[1])
    end = losses[-1][0]
    assert 1 < best[0] == end - 3 < 37
    assert last(stopped_early, "best_step") == best[0]
    assert last(stopped_early, "best_eval_loss") == best[1]
    assert f"stopped at step {end}: the last 3 validations brought no improvement" in stopped_early.notes
    assert any(f"kept the weights of step {best[0]} of {end}" in note for note in stopped_early.notes)


def test_the_card_gives_the_figures_of_the_kept_weights(bench: Bench, stopped_early: Desk) -> None:
    card = (stopped_early.folder / "adapter/README.md").read_text("utf-8")
    best, loss = int(last(stopped_early, "best_step")), last(stopped_early, "best_eval_loss")
    assert f"| step of the kept weights, the best | {best} |" in card
    assert f"| their validation loss | {loss:.3f} |" in card
    assert "| samples | 18 |" in card
    assert re.search(r"\| parameters of the base \| \d,\d{3},\d{3} \|", card)
    for other in ("| loss |", "| validation loss |", "learning rate", "grad norm", "memory", "second"):
        assert other not in card


def test_the_weights_of_the_best_validation_are_kept_to_the_bit(bench: Bench, stopped_early: Desk) -> None:
    def weights(name: str) -> bytes:
        return (bench.path(name) / "model/adapter/adapter_model.safetensors").read_bytes()

    best = int(last(stopped_early, "best_step"))
    options = {**CONTRADICTED, "validation": contradicted(bench)}
    bench.go("till-best", **{**options, "max_steps": best})
    kept_last = bench.go("last", keep="last", early_stopping=3, **options)
    assert weights("early") == weights("till-best") != weights("last")
    assert [note for note in kept_last.notes if "kept" in note or "stopped" in note] == [
        f"stopped at step {best + 3}: the last 3 validations brought no improvement"
    ]


@pytest.mark.parametrize("late", [0, 2])
def test_interrupted_it_stops_and_keeps_the_same(bench: Bench, stopped_early: Desk, late: int) -> None:
    best, name = int(last(stopped_early, "best_step")), f"early-{late}"
    options = {**CONTRADICTED, "validation": contradicted(bench), "early_stopping": 3}
    desk = Desk(bench.path(name) / "model", bench.path(name) / "kept")
    with pytest.raises(Cancelled):
        bench.go(name, lambda reports: reached(bench, name, best + late), **options)
    going_on = bench.go(name, **options)
    assert desk.notes == []
    assert any(note.startswith("the training goes on at step") for note in going_on.notes)
    assert bench.made(name) == bench.made("early")
    assert going_on.curve == stopped_early.curve
    assert any(f"kept the weights of step {best} of" in note for note in going_on.notes)


def reached(bench: Bench, name: str, step: int) -> bool:
    """Whether a training has logged this step."""
    found = list((bench.path(name) / "kept/tensorboard").glob("events.*"))
    return (
        bool(found) and max(steps(board(bench, name), "loss") or [0], default=0) >= step
        if _logs(bench, name)
        else False
    )


def _logs(bench: Bench, name: str) -> bool:
    return (
        bool(list((bench.path(name) / "kept/tensorboard").glob("events.*")))
        and "loss" in board(bench, name).Tags()["scalars"]
    )


@pytest.mark.parametrize(("option", "value"), [("early_stopping", 2), ("keep", "best")])
def test_without_validation_samples_it_is_refused_before_the_training(bench: Bench, option: str, value: Any) -> None:
    with pytest.raises(DocutuneError, match=f"{option}: {value}: there are no validation samples") as refused:
        bench.go("refused", validation=None, **{option: value})
    assert "split.validation" in str(refused.value.hint)
    assert not bench.checkpoints("refused")


def test_a_pipeline_that_holds_out_nothing_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\nText.\n")
    text = (
        "version: 1\nproject: acme\nsources: [{path: a.md}]\nsplit: {validation: 0}\n"
        "train:\n  - uses: trl\n    with:\n      model: builtin/tiny\n      early_stopping: 2\n      keep: best\n"
    )
    (tmp_path / "pipeline.yaml").write_text(text)
    command = [sys.executable, "-c", COMMAND, "validate"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180)
    told = done.stdout + done.stderr
    assert done.returncode == 2, told
    assert "pipeline.yaml:9: train[0].with.early_stopping: goes by the validation loss" in told
    assert "pipeline.yaml:10: train[0].with.keep: goes by the validation loss" in told
    (tmp_path / "pipeline.yaml").write_text(text.replace("validation: 0", "validation: 0.1"))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=180).returncode == 0


# ---- no numbers


def broken(token: int | None) -> Any:
    """Changes a base so that what it says after this token, or anything, is no number."""

    def change(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        weights = load_file(folder / "model.safetensors")
        if token is None:
            weights["model.norm.weight"] *= float("nan")
        else:  # embedding and head are one matrix here: apart, the head stays sound
            weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
            weights["model.embed_tokens.weight"][token] = float("nan")
            config = json.loads((folder / "config.json").read_text())
            (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    return change


def test_a_base_that_gives_no_numbers_ends_the_training_before_its_first_step(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(DocutuneError, match=r"the loss is nan at step 1, whose batch is in .*not-finite.json") as ended:
        bench.go("nan", base=moved(bench.base, tmp_path / "base", broken(None)))
    assert "the weights of the base model may be damaged" in str(ended.value.hint)
    assert not bench.checkpoints("nan")


@pytest.mark.parametrize("packing", [False, True])
def test_a_batch_that_gives_no_number_is_saved_and_the_checkpoint_before_it_stays(
    bench: Bench, tmp_path: Path, packing: bool
) -> None:
    from docutune.hf.load import load_tokenizer

    train = rows(tmp_path / "train.jsonl")
    lines = train.read_text().splitlines()
    odd = {"messages": [{"role": "user", "content": "What is ☃?"}, {"role": "assistant", "content": "Snow."}]}
    train.write_text("\n".join([*lines[:7], json.dumps(odd), *lines[7:]]) + "\n")
    tokenizer = load_tokenizer(bench.base.folder)
    token = tokenizer.encode("☃", add_special_tokens=False)[-1]
    assert not [line for line in lines if token in tokenizer.encode(line, add_special_tokens=False)]
    name = f"odd-{packing}"
    options: dict[str, Any] = {
        "train": train,
        "base": moved(bench.base, tmp_path / "base", broken(token)),
        "batch_size": 2,
        "micro_batch_size": 1,
        "save_steps": 1,
        "packing": packing,
        "validation": None,
        "seed": 3 if packing else 2,
        "max_steps": 20,
    }
    with pytest.raises(DocutuneError, match=r"the loss is nan at step (\d+), whose batch is in ") as ended:
        bench.go(name, **options)
    kept = bench.path(name) / "kept"
    facts = json.loads((kept / "not-finite.json").read_text())
    assert str(kept / "not-finite.json") in ended.value.message
    assert facts["step"] > 1
    assert f"at step {facts['step']}, " in ended.value.message
    samples = [row for part in facts["passes"] for row in part["rows"]]
    (found,) = [row for row in samples if 8 in row["lines"]]
    assert "What is ☃?" in found["text"]
    assert found["trained_text"].startswith("Snow.")
    assert token in found["input_ids"]
    assert all(len(row["lines"]) == 1 for row in samples)
    assert [part["loss"] for part in facts["passes"]].count("nan") == 1
    latest = Checkpoints(kept / "checkpoints").latest().checkpoint
    assert latest is not None
    assert latest.step == facts["step"] - 1
    from safetensors.torch import load_file

    assert all(bool(tensor.isfinite().all()) for tensor in load_file(latest.folder / "weights.safetensors").values())


def test_a_gradient_that_is_no_number_ends_the_training_too(bench: Bench, tmp_path: Path) -> None:
    import torch

    from docutune.hf.load import load_tokenizer
    from docutune.plugins.trainers.sft.finite import Watch

    watch = Watch(tmp_path, bench.train, load_tokenizer(bench.base.folder), dict)
    inputs = {
        "input_ids": torch.tensor([[1, 2]]),
        "labels": torch.tensor([[-100, 2]]),
        "attention_mask": torch.ones(1, 2),
    }
    watch.begin()
    watch.saw(inputs, torch.tensor(1.5))
    watch.check(torch.tensor(3.0), 4, scaled=False)
    watch.check(torch.tensor(float("inf")), 4, scaled=True)
    with pytest.raises(DocutuneError, match="the gradient's norm is inf at step 4, "):
        watch.check(torch.tensor(float("inf")), 4, scaled=False)
    assert json.loads((tmp_path / "not-finite.json").read_text())["gradient_norm"] == "inf"
