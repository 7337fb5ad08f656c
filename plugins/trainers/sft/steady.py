"""Using a model while it is in training, so that the training does not notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from docutune.plugins.trainers.sft import random_state


@contextmanager
def aside(model: Any) -> Iterator[None]:
    """Inside, the model answers: no dropout, no gradients. Afterwards it and the random generators are as before.

    unsloth's own `generate` switches the recomputing of activations on and off.
    """
    modes = [(module, name, value) for module in model.modules() for name, value in _modes(module)]
    generators = random_state.capture()
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, name, value in modes:
            setattr(module, name, value)
        random_state.restore(generators)


def _modes(module: Any) -> list[tuple[str, bool]]:
    names = ("training", "gradient_checkpointing")
    return [(name, vars(module)[name]) for name in names if name in vars(module)]
