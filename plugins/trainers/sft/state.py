"""What a checkpoint of a training holds, and how it is put back: no file of it can run code."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from docutune.errors import DocutuneError
from docutune.plugins.trainers.sft import tensors
from docutune.records import JsonValue

TRAINER_STATE = "trainer_state.json"
"""transformers reads its own state from there when it resumes."""

_WEIGHTS, _BEST = "weights.safetensors", "best.safetensors"
_SCHEDULER, _PROGRESS, _CURVE = "scheduler.json", "progress.json", "curve.json"
_LIBRARIES = ("torch", "transformers", "trl", "peft", "bitsandbytes")


@dataclass(frozen=True, slots=True)
class Moment:
    """What moves inside of an optimizer step, as it was at the end of the last whole one.

    `random` of this process; `loss`: the sum since the loss was last logged, after `logged` steps, on the device;
    `total_loss`: the sum before; `tokens` trained on. `evaluating`: the validation loss of this step is still to come.
    `ended`: no step follows. `remembered`: what callbacks must not forget, by their class.
    """

    random: Mapping[str, Any]
    loss: torch.Tensor
    total_loss: float
    logged: int
    tokens: int
    evaluating: bool = False
    ended: bool = False
    remembered: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a training works with: optimizer, scheduler and scaler with a state_dict; `best` weights, if it has them."""

    model: torch.nn.Module
    optimizer: Any
    scheduler: Any
    scaler: Any
    best: Mapping[str, torch.Tensor] | None

    @property
    def size(self) -> int:
        """Bytes of a checkpoint, about: each weight in float32, with two moments of it."""
        copies = 3 if self.best is None else 4
        return 4 * copies * sum(weight.numel() for weight in self.model.parameters() if weight.requires_grad)


# ---- into a checkpoint


def write(
    folder: Path,
    parts: Parts,
    moment: Moment,
    randoms: Sequence[Mapping[str, Any]],
    curve: Sequence[Mapping[str, float]],
) -> None:
    """Write everything but trainer_state.json; `randoms` of all processes, in their order."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()  # paged optimizer state is memory that the GPU may still be writing
    save_file(weights(parts.model), folder / _WEIGHTS)
    if parts.best is not None:
        save_file(dict(parts.best), folder / _BEST)
    tensors.write(folder, "optimizer", parts.optimizer.state_dict())
    tensors.write(folder, "random", list(randoms))
    scaler = parts.scaler.state_dict() if parts.scaler is not None else None
    _write_json(folder / _SCHEDULER, {"scheduler": parts.scheduler.state_dict(), "scaler": scaler})
    _write_json(folder / _PROGRESS, _progress(moment))
    _write_json(folder / _CURVE, list(curve))


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Copies of all trainable parameters by their names, float32, on the CPU."""
    return {
        name: parameter.detach().to("cpu", torch.float32, copy=True).contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def _progress(moment: Moment) -> dict[str, Any]:
    return {
        "loss": float(moment.loss),
        "total_loss": moment.total_loss,
        "logged": moment.logged,
        "tokens": moment.tokens,
        "evaluating": moment.evaluating,
        "ended": moment.ended,
        "remembered": dict(moment.remembered),
        "libraries": _libraries(),
    }


def _libraries() -> dict[str, str]:
    return {name: version(name) for name in _LIBRARIES}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), "utf-8")


# ---- out of a checkpoint


@torch.no_grad()
def put_weights(model: torch.nn.Module, kept: Mapping[str, torch.Tensor]) -> None:
    """Put what `weights` gave back into a model of the same form; DocutuneError when it has another."""
    there = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    forms = {name: tuple(parameter.shape) for name, parameter in there.items()}
    if forms != {name: tuple(tensor.shape) for name, tensor in kept.items()}:
        raise DocutuneError(
            "the weights of the checkpoint do not fit the model",
            "the libraries may have changed: go back to their former versions, or remove the checkpoints",
        )
    for name, parameter in there.items():
        parameter.copy_(kept[name])


def load_weights(folder: Path, model: torch.nn.Module) -> None:
    """Put the weights of a checkpoint into the model."""
    put_weights(model, load_file(folder / _WEIGHTS))


def load_best(folder: Path) -> dict[str, torch.Tensor] | None:
    """The best weights so far, where the training keeps them."""
    return load_file(folder / _BEST) if (folder / _BEST).is_file() else None


def load_optimizer(folder: Path, optimizer: Any) -> None:
    """Put the optimizer's state back, paged where it was paged."""
    optimizer.load_state_dict(tensors.read(folder, "optimizer"))
    inner = getattr(optimizer, "optimizer", optimizer)  # accelerate wraps it
    if getattr(inner, "is_paged", False):
        _page(inner)


def _page(optimizer: Any) -> None:
    for parameter, values in optimizer.state.items():
        for name in ("state1", "state2"):
            if name in values:
                buffer = optimizer.get_state_buffer(parameter, dtype=values[name].dtype)
                values[name] = buffer.copy_(values[name])


def load_scheduler(folder: Path, scheduler: Any, scaler: Any) -> None:
    """Put the states of the learning rate and, with float16, of the loss scale back."""
    states = _read_json(folder / _SCHEDULER)
    scheduler.load_state_dict(states["scheduler"])
    if scaler is not None:
        scaler.load_state_dict(states["scaler"])


def load_moment(folder: Path, process: int, device: torch.device) -> Moment:
    """The moment that was saved, with the random generators of that process."""
    progress = _read_json(folder / _PROGRESS)
    return Moment(
        random=tensors.read(folder, "random")[process],
        loss=torch.tensor(progress["loss"], dtype=torch.float32, device=device),
        total_loss=progress["total_loss"],
        logged=progress["logged"],
        tokens=progress["tokens"],
        evaluating=progress["evaluating"],
        ended=progress["ended"],
        remembered=progress["remembered"],
    )


def load_curve(folder: Path) -> list[Mapping[str, float]]:
    """What was reported until then: of each report with figures the step and the figures."""
    curve: list[Mapping[str, float]] = _read_json(folder / _CURVE)
    return curve


def changed_libraries(folder: Path) -> list[str]:
    """The libraries whose version is another now, such as "torch 2.12.0 (now 2.13.0)"."""
    before, now = _read_json(folder / _PROGRESS)["libraries"], _libraries()
    return [f"{name} {before.get(name)} (now {now[name]})" for name in now if before.get(name) != now[name]]


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
