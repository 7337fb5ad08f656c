"""Using a model while it is in training, so that the training does not notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from docutune.plugins.trainers.sft import random_state


def keep_exact(model: Any) -> None:
    """Keep 4-bit weights as they are, whatever the model is asked.

    On a CPU with AVX512-BF16, bitsandbytes repacks them for good the first time that they are used without gradients,
    with scales rounded to bfloat16: after its first validation a training would go on with other weights.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


@contextmanager
def aside(model: Any) -> Iterator[None]:
    """Inside, the model answers: no dropout, no gradients. Afterwards it and the random generators are as before."""
    modes = {module: module.training for module in model.modules()}
    generators = random_state.capture()
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training
        random_state.restore(generators)
