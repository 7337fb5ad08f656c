"""The estimate of a training's memory, held against what was measured on a GPU and what is counted here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docutune.memory import GIB, Shape, estimate
from docutune.plugins.trainers.trl.plugin import Config as Trl
from docutune.plugins.trainers.unsloth.plugin import Config as Unsloth
from docutune.training import TrainingConfig

QWEN3 = {"model_type": "qwen3", "vocab_size": 151936, "num_key_value_heads": 8, "head_dim": 128}
SHAPES: dict[str, dict[str, Any]] = {
    "Qwen3-0.6B": {
        **QWEN3,
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "tie_word_embeddings": True,
    },
    "Qwen3-1.7B": {
        **QWEN3,
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "tie_word_embeddings": True,
    },
    "Qwen3-4B": {
        **QWEN3,
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "tie_word_embeddings": True,
    },
    "Llama-3-8B": {
        "model_type": "llama",
        "vocab_size": 128256,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
    },
    "gemma-3-1b": {
        "model_type": "gemma3_text",
        "vocab_size": 262144,
        "hidden_size": 1152,
        "intermediate_size": 6912,
        "num_hidden_layers": 26,
        "num_attention_heads": 4,
        "num_key_value_heads": 1,
        "head_dim": 256,
    },
}
PARAMETERS = {
    "Qwen3-0.6B": 596_049_920,
    "Qwen3-1.7B": 1_720_574_976,
    "Qwen3-4B": 4_022_468_096,
    "Llama-3-8B": 8_030_261_248,
    "gemma-3-1b": 999_885_952,
}
# GiB that torch had allocated at most, on an H200 (benchmarks/training_memory.py): rank 16, 8-bit AdamW, rows of 1,024
# tokens one at a time, gradient checkpointing
MEASURED = [
    (Trl, "Qwen3-0.6B", "nf4", 1.321),
    (Trl, "Qwen3-1.7B", "nf4", 2.221),
    (Trl, "Qwen3-4B", "nf4", 3.706),
    (Unsloth, "Qwen3-0.6B", "nf4", 1.030),
    (Unsloth, "Qwen3-1.7B", "nf4", 1.825),
    (Unsloth, "Qwen3-4B", "nf4", 3.194),
    (Trl, "Qwen3-0.6B", "int8", 1.932),
    (Unsloth, "Qwen3-0.6B", "none", 1.658),
]


def shape(folder: Path, name: str, **more: Any) -> Shape:
    read = read_shape(folder, {**SHAPES[name], **more})
    assert read is not None
    return read


def read_shape(folder: Path, config: dict[str, Any]) -> Shape | None:
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return Shape.read(folder)


def options(**more: Any) -> TrainingConfig:
    return Trl.model_validate({"model": "m", **more})


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_published_shapes_have_their_published_number_of_parameters(name: str, parameters: int, tmp_path: Path) -> None:
    read = shape(tmp_path, name)
    assert read.in_layers + read.outside == pytest.approx(parameters, rel=1e-3)


@pytest.mark.parametrize(("trainer", "name", "quantization", "measured"), MEASURED)
def test_the_estimate_is_within_15_percent_of_the_measured_peak(
    trainer: type[TrainingConfig], name: str, quantization: str, measured: float, tmp_path: Path
) -> None:
    config = trainer.model_validate({"model": "m", "optimizer": "adamw_8bit", "quantization": quantization})
    told = estimate(shape(tmp_path, name), config, micro=1, length=1024, checkpointing=True).total / GIB
    assert told == pytest.approx(measured, rel=0.15)


def test_weights_are_held_as_the_quantization_says(tmp_path: Path) -> None:
    read = shape(tmp_path, "Llama-3-8B")
    held = {
        name: (estimate(read, options(quantization=name), 1, 64, True).weights - 2 * read.outside) * 8 / read.in_layers
        for name in ("nf4", "int8", "none")
    }
    assert held == {"nf4": pytest.approx(4.127, abs=1e-3), "int8": pytest.approx(8, abs=0.02), "none": 16}


def test_what_is_trained_has_gradients_and_a_state(tmp_path: Path) -> None:
    read = shape(tmp_path, "Qwen3-0.6B")
    lora = estimate(read, options(), 1, 64, True)
    assert lora.trained == lora.gradients == 4 * 10_092_544  # PEFT's own number for rank 16 on all linear modules
    assert lora.optimizer == 8 * 10_092_544
    assert estimate(read, options(optimizer="adamw_8bit"), 1, 64, True).optimizer < 0.26 * lora.optimizer
    assert estimate(read, options(optimizer="paged_adamw_8bit"), 1, 64, True).optimizer == 0
    full = estimate(read, options(tuning="full", quantization="none"), 1, 64, True)
    assert full.weights == 0
    assert full.trained == full.gradients == pytest.approx(4 * 596_049_920, rel=1e-4)


def test_activations_grow_with_the_tokens_of_a_pass_and_shrink_with_checkpointing(tmp_path: Path) -> None:
    read = shape(tmp_path, "Qwen3-0.6B")
    one, four = (estimate(read, options(), micro, 1024, False).passing for micro in (1, 4))
    assert four == estimate(read, options(), 1, 4096, False).passing
    assert 2.5 * one < four < 4 * one
    assert estimate(read, options(), 4, 1024, True).passing < four / 5


@pytest.mark.parametrize(
    "config",
    [{}, {**SHAPES["Qwen3-0.6B"], "num_experts": 128}, {"model_type": "gpt2", "n_embd": 768}, [], {"text_config": 1}],
)
def test_a_model_of_another_kind_has_no_estimate(config: Any, tmp_path: Path) -> None:
    assert read_shape(tmp_path, config) is None


def test_the_text_part_of_a_model_with_images_is_estimated(tmp_path: Path) -> None:
    whole = {"model_type": "gemma3", "text_config": SHAPES["gemma-3-1b"], "vision_config": {"hidden_size": 1}}
    assert read_shape(tmp_path, whole) == shape(tmp_path, "gemma-3-1b")


def test_a_plan_says_what_a_training_will_take(environment: Any) -> None:
    base = environment.work / "base"
    base.mkdir()
    (base / "model.safetensors").write_text("")
    (base / "config.json").write_text(json.dumps(SHAPES["Qwen3-1.7B"]))
    (environment.work / "acme.py").write_text('def send():\n    """Send one parcel."""\n')
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources: [{path: acme.py}]\n"
        "train:\n  - {name: here, uses: trl, with: {model: ./base, micro_batch_size: 1}}\n"
        "  - {name: away, uses: trl, with: {model: acme/away}}\n"
    )
    steps = {step["name"]: step for step in environment.answer("plan", HF_HUB_OFFLINE="1")["steps"]}
    here = steps["train:here"]["memory"] / GIB
    assert 2 < here < 30
    assert "memory" not in steps["train:away"]
    lines = environment.docutune("plan", HF_HUB_OFFLINE="1").stdout.splitlines()
    (line,) = (line for line in lines if "train:here" in line)
    assert line.endswith(f"at most about {here:.1f} GiB of memory (rows of max_length)")
