"""Packed samples on this machine: the same logits and gradients as alone, and what each way of attending costs.

    python benchmarks/packed_attention.py [--rows 8] [--length 1024] [--layers 4]

Random weights in the shape of Qwen3-0.6B, with fewer layers, and in that of Gemma 3, whose every other layer looks back
over a window. Each packed row is compared with its samples one by one, through the model's own attention. Prints one
JSON line per model and layout: the largest difference of the logits as a share of the largest logit, the cosine of the
gradients of the embeddings, milliseconds and the peak of memory of a forward and backward pass. Exits with 1 when a
difference is larger than the rounding of the numbers used: 2 % in bfloat16, 0.01 % in float32.

On an NVIDIA GPU from compute capability 8.0 on, `chosen` is torch's attention for sequences of different lengths; on
other machines it is the padded one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import cosine_similarity
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, Qwen3Config, Qwen3ForCausalLM

from docutune.hf.encode import Encoded
from docutune.hf.load import device
from docutune.plugins.trainers.sft import attention
from docutune.plugins.trainers.sft.apart import check_apart
from docutune.plugins.trainers.sft.collate import flat, padded
from docutune.plugins.trainers.sft.packing import Packed, pack

VOCABULARY = 8192
WHERE = device()


def models(layers: int) -> dict[str, Callable[[], Any]]:
    """What is compared."""
    qwen: Any = Qwen3Config
    gemma: Any = Gemma3TextConfig
    shape = {"vocab_size": VOCABULARY, "num_hidden_layers": layers, "max_position_embeddings": 8192}
    return {
        "Qwen3": lambda: Qwen3ForCausalLM(
            qwen(**shape, hidden_size=1024, intermediate_size=3072, num_attention_heads=16, num_key_value_heads=8)
        ),
        "Gemma 3": lambda: Gemma3ForCausalLM(
            gemma(
                **shape,
                hidden_size=640,
                intermediate_size=2048,
                num_attention_heads=4,
                num_key_value_heads=1,
                head_dim=256,
                sliding_window=64,
                layer_types=(["sliding_attention", "full_attention"] * layers)[:layers],
            )
        ),
    }


def samples(tokens: int, longest: int) -> list[Encoded]:
    """Samples of natural lengths: many short ones, a few long ones."""
    chosen, made = random.Random(0), []
    while tokens > 0:
        length = min(longest, max(8, round(chosen.lognormvariate(5, 0.8))))
        ids = tuple(chosen.randrange(3, VOCABULARY) for _ in range(length))
        made.append(Encoded(ids, ids))
        tokens -= length
    return made


def columns(row: Packed) -> dict[str, Any]:
    """As a dataset gives it."""
    return {"input_ids": row.input_ids, "labels": row.labels, "seq_lengths": row.lengths}


def moved(batch: dict[str, Any]) -> dict[str, Any]:
    """On the device of the model."""
    return {key: value.to(WHERE.name) if isinstance(value, torch.Tensor) else value for key, value in batch.items()}


def alone(model: Any, rows: Sequence[Packed]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (tokens, vocabulary) of all samples one by one, and the gradient of the embeddings under their sum."""
    model.zero_grad()
    said = []
    for row in rows:
        start = 0
        for length in row.lengths:
            ids = torch.tensor([row.input_ids[start : start + length]], device=WHERE.name)
            logits = model(ids, use_cache=False).logits[0]
            weighed(logits).backward()
            said.append(logits.detach().float().cpu())
            start += length
    return torch.cat(said), model.get_input_embeddings().weight.grad.float().cpu().clone()


def together(model: Any, collate: Callable[..., dict[str, Any]], rows: Sequence[Packed]) -> tuple[Any, ...]:
    """The same of packed rows, with the seconds and the bytes of the second of two passes."""
    for _ in range(2):
        model.zero_grad()
        batch = moved(collate([columns(row) for row in rows]))
        batch.pop("labels")
        if WHERE.name != "cpu":
            torch.cuda.reset_peak_memory_stats()
            torch.cuda.synchronize()
        started = time.perf_counter()
        logits = model(**batch, use_cache=False).logits
        lengths = [len(row.input_ids) for row in rows]
        flattened = logits[0] if len(logits) < len(rows) else torch.cat([*map(_head, logits, lengths)])
        weighed(flattened).backward()
        if WHERE.name != "cpu":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - started
    peak = torch.cuda.max_memory_allocated() if WHERE.name != "cpu" else 0
    return flattened.detach().float().cpu(), model.get_input_embeddings().weight.grad.float().cpu(), seconds, peak


def _head(logits: torch.Tensor, length: int) -> torch.Tensor:
    return logits[:length]


def weighed(logits: torch.Tensor) -> torch.Tensor:
    """A sum whose gradient differs from token to token of the vocabulary."""
    return (logits.float() * torch.linspace(-1, 1, logits.shape[-1], device=logits.device)).sum() / 1000


def main() -> int:
    """Compare all; 1 when something differs."""
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=8)
    options.add_argument("--length", type=int, default=1024)
    options.add_argument("--layers", type=int, default=4)
    given = options.parse_args()
    rows = pack(samples(given.rows * given.length, given.length), given.length)[: given.rows]
    allowed = 0.02 if WHERE.dtype != torch.float32 else 1e-4
    failed = False
    for name, make in models(given.layers).items():
        torch.manual_seed(0)
        model: Any = make().to(WHERE.name, WHERE.dtype).eval()
        expected, gradient = alone(model, rows)
        layouts = {"padded": padded(0), "flat, with a mask": flat, "chosen": None}
        for layout, known in layouts.items():
            collate = known or attention.collate(model, WHERE, 0)
            check_apart(model, collate, name)
            logits, its_gradient, seconds, peak = together(model, collate, rows)
            difference = float((logits - expected).abs().max() / expected.abs().max())
            cosine = float(cosine_similarity(its_gradient.flatten().double(), gradient.flatten().double(), dim=0))
            failed |= difference > allowed or cosine < 1 - allowed
            figures = {
                "model": name,
                "layout": layout,
                "attention": model.config._attn_implementation,
                "samples": sum(len(row.lengths) for row in rows),
                "difference": round(difference, 7),
                "cosine": round(cosine, 7),
                "milliseconds": round(1000 * seconds, 1),
                "peak_gib": round(peak / 2**30, 2),
            }
            print(json.dumps(figures), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
