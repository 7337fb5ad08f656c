"""The heaviest pass of a training, made before its first step: what it needs, and how long it takes."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from docutune.hf.load import free_memory
from docutune.plugins.trainers.sft import random_state

_PATIENCE = 2.0  # seconds: a first pass that took longer is time enough to judge by


@dataclass(frozen=True, slots=True)
class Probed:
    """The most bytes of tensors at a time, and the seconds of one pass with the given rows and with the last of them
    alone.
    """

    peak: int
    seconds: float
    least: float


def probe(trainer: Any, rows: Sequence[Mapping[str, Any]], state: int, step: int) -> Probed | None:
    """Forward and backward with all rows but the last, as the trainer will do it; then with the last alone, which tells
    what a pass costs however short it is. None when there is too little memory.

    The last heavy pass has gradients in place and as much memory taken as the optimizer's state needs, `state` bytes;
    after it `step` bytes more are taken, as the optimizer's step will. Afterwards weights, modes and random generators
    are as before, and the memory is free.
    """
    with _untouched(trainer.model):
        try:
            return _probed(trainer, rows, state, step)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch asked for memory in vain, on a GPU or in main memory."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _probed(trainer: Any, rows: Sequence[Mapping[str, Any]], state: int, step: int) -> Probed:
    device = trainer.args.device
    batch, shortest = trainer.data_collator(list(rows[:-1])), trainer.data_collator([rows[-1]])
    if trainer.args.gradient_checkpointing:
        kwargs = trainer.args.gradient_checkpointing_kwargs
        trainer.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=kwargs)
    first = _pass(trainer, batch)
    if device.type == "cpu":
        with Meter(trainer.model) as meter:
            second = _pass(trainer, batch)
        seconds = _pass(trainer, batch) if first < _PATIENCE else min(first, second)
        return Probed(meter.peak + state, seconds, _pass(trainer, shortest))
    torch.cuda.reset_peak_memory_stats(device)
    taken = [torch.empty(state, dtype=torch.uint8, device=device)]
    seconds = _pass(trainer, batch)
    taken.append(torch.empty(step, dtype=torch.uint8, device=device))
    peak = torch.cuda.max_memory_allocated(device)
    taken.clear()
    return Probed(peak, seconds, _pass(trainer, shortest))


def _pass(trainer: Any, batch: Mapping[str, Any]) -> float:
    """One pass; returns its seconds. The scale of the loss does not matter: no weight is changed by it."""
    started = time.monotonic()
    inputs = trainer._prepare_inputs(dict(batch))
    with trainer.accelerator.autocast():
        loss = trainer.model(**inputs, use_cache=False)["loss"]
    loss.backward()
    if trainer.args.device.type == "cuda":
        torch.cuda.synchronize(trainer.args.device)
    return time.monotonic() - started


@contextmanager
def _untouched(model: Any) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    generators = random_state.capture()
    model.train()
    try:
        yield
    finally:
        model.zero_grad(set_to_none=True)
        for module, training in modes.items():
            module.training = training
        random_state.restore(generators)
        free_memory()


class Meter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside, the bytes of all tensors that live at a time; `peak` is the most. What a model holds counts from the
    start. Memory that a kernel takes for itself while it works does not count.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._live: dict[int, tuple[int, weakref.ref[Any]]] = {}
        self._now = 0
        held = [*model.parameters(), *model.buffers()]
        for tensor in [*held, *(weights.grad for weights in held if weights.grad is not None)]:
            self._see(tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for value in tree_iter(made):
            if isinstance(value, torch.Tensor):
                self._see(value)
        return made

    def _see(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        place = storage._cdata
        if place in self._live:
            return
        self._live[place] = storage.nbytes(), weakref.ref(storage, lambda _: self._forget(place))
        self._now += storage.nbytes()
        self.peak = max(self.peak, self._now)

    def _forget(self, place: int) -> None:
        size, _ = self._live.pop(place)
        self._now -= size
