"""How much memory a training needs, from the model's config.json alone: nothing is loaded, no torch is met.

What is counted is what the allocator hands out at the highest moment of a step: the weights as they are held, what is
trained with its gradients and the optimizer's state, and what one forward and backward pass keeps. The context of the
GPU's driver, some hundred MiB, is not counted. Everything is in bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.training import TrainingConfig

GIB = 1024**3

_NF4_BITS = 4 + 8 / 64 + 32 / (64 * 256)  # weight, its block's scale in 8 bits, that scale's own (arXiv:2305.14314)
_LOSS_ROWS = 256  # tokens that SFTTrainer's chunked loss holds logits of at a time
_LOSS_BYTES = 16  # for each such logit: itself, its logarithm, the exponential and their product, all in float32
_STATE_BYTES = {"adamw_torch": 8.0, "adamw_8bit": 2 + 2 * 4 / 256, "paged_adamw_8bit": 0.0}  # paged: moved out
_WORKSPACE = 2 * 32 * 1024**2  # cuBLAS keeps one for each thread that multiplies: forward and backward
_FUSED_LOSS = 4 * GIB  # what unsloth takes 16 bytes a logit for when it chooses how many it holds at a time, at most
_FUSED_BUFFERS = 32 * 1024**2  # for checkpoints on their way to main memory and back

_UNGATED = {"phi", "starcoder2", "gpt_neox", "stablelm_epoch"}
_NORMS_QUERIES = {"qwen3", "gemma3", "gemma3_text", "olmo2"}
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")


@dataclass(frozen=True, slots=True)
class Shape:
    """A dense decoder: `query` and `key` are the widths of all heads together, `inner` that of the MLP."""

    hidden: int
    inner: int
    layers: int
    query: int
    key: int
    vocabulary: int
    tied: bool
    gated: bool
    norms_queries: bool

    @staticmethod
    def read(folder: Path) -> Shape | None:
        """The shape of a model folder's config.json; None for what is no dense decoder with the usual fields."""
        try:
            whole = json.loads((folder / "config.json").read_text("utf-8"))
            config = whole.get("text_config", whole)
            return None if any(config.get(name) for name in _EXPERTS) else _shape(config, whole)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def linear(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of one layer's linear modules."""
        attention = ((self.hidden, self.query), (self.hidden, self.key), (self.hidden, self.key))
        up = ((self.hidden, self.inner),) * (2 if self.gated else 1)
        return (*attention, (self.query, self.hidden), *up, (self.inner, self.hidden))

    @property
    def in_layers(self) -> int:
        """Weights of all linear modules in the layers: those that are quantized and that get adapters."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linear)

    @property
    def outside(self) -> int:
        """Weights of embeddings, head and norms: never quantized."""
        norms = (2 * self.layers + 1) * self.hidden
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + norms


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes by what they are for. `passing` is the most that a pass, or the optimizer's step, holds beside the rest."""

    weights: int
    trained: int
    gradients: int
    optimizer: int
    passing: int

    @property
    def total(self) -> int:
        """The peak."""
        return self.weights + self.trained + self.gradients + self.optimizer + self.passing


def told(size: float) -> str:
    """A number of bytes as a user reads it: "5.1 GiB", "40 MiB"."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / 1024**2:.0f} MiB"


def estimate(
    shape: Shape, config: TrainingConfig, micro: int, length: int, checkpointing: bool, on_gpu: bool = True
) -> Estimate:
    """The peak of a training step with passes of `micro` rows of `length` tokens.

    A GPU computes in 16 bits, a CPU in 32; what is trained, its gradients and the optimizer's state are float32.
    """
    width = 2 if on_gpu else 4
    trained = _trained(shape, config)
    passing = _passing(shape, config, micro * length, checkpointing, width, trained)
    return Estimate(
        weights=0 if config.tuning == "full" else round(_held(shape, config.quantization, width)),
        trained=4 * trained,
        gradients=4 * trained,
        optimizer=state_bytes(config, trained),
        passing=round(max(passing, step_bytes(config, trained, on_gpu))) + (_WORKSPACE if on_gpu else 0),
    )


def state_bytes(config: TrainingConfig, trained: int) -> int:
    """What the optimizer remembers of that many trained parameters, in the memory that it trains in."""
    return round(_STATE_BYTES[config.optimizer] * trained)


def step_bytes(config: TrainingConfig, trained: int, on_gpu: bool) -> int:
    """What the optimizer needs for a moment: torch's AdamW works on all parameters at once on a GPU."""
    return 4 * trained if on_gpu and config.optimizer == "adamw_torch" else 0


def _shape(config: Mapping[str, Any], whole: Mapping[str, Any]) -> Shape:
    kind = str(config.get("model_type", ""))
    heads = int(config["num_attention_heads"])
    hidden = int(config["hidden_size"])
    head = int(config.get("head_dim") or hidden // heads)
    tied = config.get("tie_word_embeddings", whole.get("tie_word_embeddings"))
    return Shape(
        hidden=hidden,
        inner=int(config["intermediate_size"]),
        layers=int(config["num_hidden_layers"]),
        query=heads * head,
        key=int(config.get("num_key_value_heads") or heads) * head,
        vocabulary=int(config["vocab_size"]),
        tied=kind.startswith("gemma") if tied is None else bool(tied),
        gated=kind not in _UNGATED,
        norms_queries=kind in _NORMS_QUERIES,
    )


def _trained(shape: Shape, config: TrainingConfig) -> int:
    """Number of trained parameters: two matrices for each linear module, DoRA's magnitudes, or all weights."""
    if config.tuning == "full":
        return shape.in_layers + shape.outside
    magnitudes = 1 if config.lora_variant == "dora" else 0
    rank = config.lora_rank
    return shape.layers * sum(rank * (inputs + outputs) + magnitudes * outputs for inputs, outputs in shape.linear)


def _held(shape: Shape, quantization: str, width: int) -> float:
    """Bytes of the frozen weights."""
    outputs = shape.layers * sum(outputs for _, outputs in shape.linear)
    layers = {
        "nf4": shape.in_layers * _NF4_BITS / 8,
        "int8": shape.in_layers + 4 * outputs,  # a scale for each output
        "none": shape.in_layers * width,
    }
    return layers[quantization] + shape.outside * width


def _passing(shape: Shape, config: TrainingConfig, tokens: int, checkpointing: bool, width: int, trained: int) -> float:
    """What a forward and backward pass hold: at the loss, or in the backward pass of the last layer."""
    stream = 4 if config.tuning == "full" else width
    layer = tokens * (_of_a_fused_layer(shape, width) if config.fuses else _of_a_layer(shape, config, width))
    kept = layer * shape.layers
    if checkpointing:
        kept = _FUSED_BUFFERS if config.fuses else tokens * stream * shape.hidden * shape.layers
        if config.quantization == "int8":  # bitsandbytes keeps the inputs where checkpointing does not see them
            kept += tokens * _inputs(shape, width) * shape.layers
    casts = width * trained if width < 4 and not config.fuses else 0  # 16-bit copies of what is trained, once a pass
    gradients = tokens * width * 3 * shape.inner
    backward = (layer if checkpointing else 0) + gradients + _one_matrix(shape, config, width)
    return kept + casts + max(_at_the_loss(shape, config, tokens, width), backward)


def _at_the_loss(shape: Shape, config: TrainingConfig, tokens: int, width: int) -> float:
    """Logits of some rows, and the last hidden states of all with their gradients."""
    if config.fuses:
        rows = min(tokens, _FUSED_LOSS / (_LOSS_BYTES * shape.vocabulary))
        return rows * width * shape.vocabulary + 7 * tokens * width * shape.hidden
    loss = _LOSS_BYTES * min(_LOSS_ROWS, tokens) * shape.vocabulary
    if config.tuning == "lora":
        return loss + 3 * tokens * width * shape.hidden
    head = (4 + width) * shape.vocabulary * shape.hidden  # its gradient before it is added
    return loss + head + 3 * tokens * 4 * shape.hidden


def _of_a_fused_layer(shape: Shape, width: int) -> float:
    """Bytes a token that unsloth's kernels save of one layer: their inputs, the heads, the two halves of the MLP."""
    return width * (6 * shape.hidden + 3 * shape.query + 2 * shape.key + 2 * shape.inner)


def _of_a_layer(shape: Shape, config: TrainingConfig, width: int) -> float:
    """Bytes a token that the backward pass of one layer needs, as autograd saves them for transformers' decoders."""
    hidden, query, key, inner = shape.hidden, shape.query, shape.key, shape.inner
    norms = 8 * hidden + (4 * (query + key) if shape.norms_queries else 0)  # computed in float32
    inputs = _inputs_of_a_layer(shape, config, width)
    attention = width * (4 * query)  # queries, keys and values repeated for each query, result
    mlp = width * (3 if shape.gated else 1) * inner
    saved = norms + inputs + attention + mlp + width * config.lora_rank * len(shape.linear)
    return saved + _of_a_variant(shape, config, width)


def _inputs_of_a_layer(shape: Shape, config: TrainingConfig, width: int) -> float:
    """Of its linear modules, one for those that share it; with dropout each adapter has its own, and a mask."""
    if config.tuning == "full" or not config.lora_dropout:
        return _inputs(shape, width)
    mask = 1 if width < 4 else width
    base = _inputs(shape, width) if config.quantization == "int8" else 0
    return base + (width + mask) * sum(inputs for inputs, _ in shape.linear)


def _inputs(shape: Shape, width: int) -> int:
    return width * (2 * shape.hidden + shape.query + shape.inner)


def _of_a_variant(shape: Shape, config: TrainingConfig, width: int) -> float:
    """What the way of tuning saves beyond that."""
    outputs = sum(outputs for _, outputs in shape.linear)
    more = 2 * width * outputs if config.tuning == "lora" and config.lora_variant == "dora" else 0
    if config.tuning == "full":  # norms are trained too, and each module keeps a 16-bit copy of its own input
        more += 8 * shape.hidden
    if width < 4 and config.quantization == "none" and not config.lora_dropout:
        more += width * (3 if shape.gated else 2) * shape.hidden
    return more


def _one_matrix(shape: Shape, config: TrainingConfig, width: int) -> float:
    """The largest linear module: its weights while they are dequantized, and the matrices that DoRA's norm takes."""
    largest = max(inputs * outputs for inputs, outputs in shape.linear)
    dequantized = 0 if config.quantization == "none" else width * largest
    if config.tuning == "full" or config.lora_variant != "dora":
        return dequantized
    return dequantized + 4 * (3 * largest + max(inputs for inputs, _ in shape.linear) ** 2)
