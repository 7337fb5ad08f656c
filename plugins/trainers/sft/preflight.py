"""Before the first step: whether the training fits into memory and onto the disk, and about how long it will take.

First by the estimate, before anything is loaded; then by a probe, so that memory does not run out at a later step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from docutune import atomic
from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.hf.load import Device, free_memory
from docutune.memory import Shape, state_bytes, step_bytes, told
from docutune.plugins.trainers.sft import ranks, room, state
from docutune.plugins.trainers.sft.fit import ERROR, Need, advice, ladder, named
from docutune.plugins.trainers.sft.passes import Passes
from docutune.plugins.trainers.sft.probe import Probed, is_out_of_memory, probe
from docutune.training import TrainingConfig


class Ready(Protocol):
    """A trainer with all that it needs; `drop` lets go of it."""

    @property
    def trainer(self) -> Any:
        """SFTTrainer with its model."""

    def drop(self) -> None:
        """It will not be used."""


R = TypeVar("R", bound=Ready)


@dataclass(frozen=True)  # no slots, for the cached property
class Preflight:
    """What is known before a model is loaded. `done`: steps of an interrupted training, which keeps its passes."""

    config: TrainingConfig
    base: Path
    rows: Any
    where: Device
    context: Context
    done: int | None = None

    def fitting(self, asked: Passes, make: Callable[[Passes], R]) -> R:
        """What `make` gives for the asked passes, or with `fit: auto` for the first ones of `fit.ladder` that fit.

        Raises DocutuneError with what would fit. `make` loads the model and draws no random number that it does not
        draw again when it is called once more.
        """
        limit = room.memory(self.where, self.config.max_memory_gib)
        need = self._need()
        for passes in self._worth_trying(asked, need, limit):
            ready = _made(make, passes)
            probed = self._probe(ready.trainer, passes) if ready is not None else None
            if not ranks.any_of(probed is None or (self._counts_all and probed.peak > limit)):
                assert ready is not None
                assert probed is not None
                self._tell(passes, asked, need, probed, limit)
                return ready
            if ready is not None:
                ready.drop()
            del ready
            free_memory()
        raise self._refusal(asked, need, limit)

    # ---- by the estimate

    def _need(self) -> Need | None:
        shape = Shape.read(self.base)
        longest = max(self._lengths)
        return Need(shape, self.config, longest, self.where.name != "cpu") if shape else None

    def _worth_trying(self, asked: Passes, need: Need | None, limit: int) -> Sequence[Passes]:
        choices = self.config.fit == "auto" and self.done is None
        steps = ladder(asked, max(self._lengths)) if choices else [asked]
        if need is None:
            return steps
        likely = [passes for passes in steps if need.of(passes) <= limit]
        return likely or [passes for passes in steps[-1:] if need.of(passes) <= limit * ERROR]

    def _refusal(self, asked: Passes, need: Need | None, limit: int) -> DocutuneError:
        if self.done is not None:
            return DocutuneError(
                f"the interrupted training does not fit into memory: {told(limit)} are free, and it was begun with "
                f"{named(asked)}",
                "free memory on this device, then give the same command again",
            )
        estimated = need.of(asked) if need else 0
        about = f"needs about {told(estimated)}" if estimated > limit else "needs more"
        hint = "lower micro_batch_size or max_length, or set gradient_checkpointing: true"
        hint = advice(need, asked, limit) if need else hint
        more = "" if self.config.fit == "auto" or hint.startswith("even") else "; fit: auto chooses by itself"
        return DocutuneError(
            f"the training does not fit into memory: with {named(asked)} it {about}, and {told(limit)} may be used",
            hint + more,
        )

    # ---- by the probe

    @property
    def _counts_all(self) -> bool:
        """On a GPU torch itself refuses what is beyond the limit; in main memory what was counted is compared."""
        return self.where.name == "cpu"

    def _probe(self, trainer: Any, passes: Passes) -> Probed | None:
        self._check_disk(trainer.model)
        lengths = self._lengths
        by_length = sorted(range(len(lengths)), key=lambda index: -lengths[index])
        trained = sum(weights.numel() for weights in trainer.model.parameters() if weights.requires_grad)
        on_gpu = self.where.name != "cpu"
        sent = 4 * trained if passes.devices > 1 else 0  # copies of the gradients, for the other devices
        kept = state_bytes(self.config, trained) + sent
        rows = [self.rows[index] for index in (*by_length[: passes.micro], by_length[-1])]
        return probe(trainer, rows, kept, step_bytes(self.config, trained, on_gpu))

    def _check_disk(self, model: Any) -> None:
        best: dict[str, Any] | None = {} if self.config.keeps_best else None
        checkpoint = state.Parts(model, None, None, None, best).size
        kept = self.context.kept
        there = atomic.size(kept) if kept.is_dir() else 0
        whole = self.config.tuning == "full"
        result = sum(4 * weights.numel() for weights in model.parameters() if whole or weights.requires_grad)
        checkpoints = max(0, (self.config.keep_checkpoints + 1) * checkpoint - there)
        room.check_disk({kept: checkpoints, self.context.folder: result})

    # ---- in words

    def _tell(self, passes: Passes, asked: Passes, need: Need | None, probed: Probed, limit: int) -> None:
        if passes != asked:
            self.context.note(
                f"fit: auto chose {named(passes)}, {passes.accumulation} passes a step, for the same batch"
            )
        estimated = f" (estimated {told(need.of(passes))})" if need else ""
        self.context.note(
            f"memory: {told(probed.peak)} of {told(limit)} with the longest rows{estimated}; "
            f"time: about {_duration(self._seconds(passes, probed))}"
        )

    def _seconds(self, passes: Passes, probed: Probed) -> float:
        """Of all steps that are left: a line through the two passes of the probe, at the tokens of an average pass."""
        lengths = self._lengths
        most, least = max(lengths) * min(passes.micro, len(lengths)), min(lengths)
        share = (_tokens(lengths, passes.micro) - least) / max(1, most - least)
        steps = self.config.steps(len(lengths)) - (self.done or 0)
        return steps * passes.accumulation * (probed.least + share * max(0.0, probed.seconds - probed.least))

    @cached_property
    def _lengths(self) -> list[int]:
        return [len(ids) for ids in self.rows["input_ids"]]


def _made(make: Callable[[Passes], R], passes: Passes) -> R | None:
    """None when not even the model can be loaded."""
    try:
        return make(passes)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    free_memory()
    return None


def _tokens(lengths: Sequence[int], micro: int) -> float:
    """Mean number of tokens of a pass, padded to its longest row, when rows are drawn by chance."""
    drawn = random.Random(0).sample(lengths, len(lengths))
    passes = [drawn[start : start + micro] for start in range(0, len(drawn), micro)]
    return sum(max(rows) * len(rows) for rows in passes) / len(passes)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
