"""Attention over packed samples: torch's kernel for sequences of different lengths, where the GPU has it.

Without it a batch of packed rows needs a mask that is the square of a row, which costs a GPU 2 to 8 times the time.
"""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from docutune.hf.load import Device
from docutune.plugins.trainers.sft.apart import inner
from docutune.plugins.trainers.sft.collate import Collate, flat, padded

NAME = "docutune_varlen"
_WIDEST_HEAD = 256  # what flash attention can do
_OF_THEIR_OWN = ("attn_logit_softcapping", "sinks", "attention_sink")  # in attention itself: not in this kernel


def collate(model: Any, where: Device, pad: int) -> Collate:
    """How rows become batches for this model; the model's attention is set to what suits them."""
    if not _suits(model, where):
        return padded(pad)
    use(model, where.dtype)
    return flat


def use(model: Any, dtype: torch.dtype) -> None:
    """Let `model` attend through `varlen_attn` in `dtype`, and as before for batches without boundaries."""
    AttentionInterface.register(NAME, partial(_attention, dtype=dtype))
    AttentionMaskInterface.register(NAME, _mask)
    inner(model).set_attn_implementation(NAME)


def _suits(model: Any, where: Device) -> bool:
    """Half precision on a GPU with flash attention's kernels, and a model that asks sdpa for plain attention."""
    config = inner(model).config.get_text_config()
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return (
        where.name.startswith("cuda")
        and where.dtype in (torch.bfloat16, torch.float16)
        and torch.cuda.get_device_capability(where.name) >= (8, 0)
        and inner(model).config._attn_implementation == "sdpa"
        and head <= _WIDEST_HEAD
        and not any(getattr(config, name, None) for name in _OF_THEIR_OWN)
    )


def _mask(*, mask_function: Any, allow_is_causal_skip: bool = True, **options: Any) -> torch.Tensor | None:
    """No mask for one row of packed samples, which is what transformers calls with when it may not skip the mask."""
    if options["batch_size"] == 1 and options.get("attention_mask") is None and not allow_is_causal_skip:
        return None
    made: torch.Tensor | None = sdpa_mask(
        mask_function=mask_function, allow_is_causal_skip=allow_is_causal_skip, **options
    )
    return made


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    dtype: torch.dtype,
    scaling: float | None = None,
    sliding_window: int | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int = 0,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Queries (1, heads, tokens, width) to (1, tokens, heads, width), each sample attending to itself alone."""
    if cu_seq_lens_q is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)
    from torch.nn.attention.varlen import varlen_attn

    queries, keys, values = (states[0].transpose(0, 1).to(dtype) for states in (query, key, value))
    shared = query.shape[1] // key.shape[1]
    if shared > 1 and "enable_gqa" not in signature(varlen_attn).parameters:  # torch 2.11
        keys, values, shared = keys.repeat_interleave(shared, 1), values.repeat_interleave(shared, 1), 1
    grouping: Any = {"enable_gqa": True} if shared > 1 else {}
    attended = varlen_attn(
        queries,
        keys,
        values,
        cu_seq_lens_q,
        cu_seq_lens_q,
        max_length_q,
        max_length_q,
        scale=scaling,
        window_size=(sliding_window - 1 if sliding_window else -1, 0),
        **grouping,
    )
    assert isinstance(attended, torch.Tensor)  # a pair only when auxiliary values are asked for
    return attended[None].to(query.dtype), None
