"""Stopping when the validation loss no longer falls, and keeping the weights of its lowest value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.plugins.trainers.sft.state import put_weights, weights
from docutune.records import JsonValue
from docutune.training import TrainingConfig

if TYPE_CHECKING:
    from docutune.plugins.trainers.sft.resume import ResumingTrainer


def check_validated(config: TrainingConfig, validation: Path | None) -> None:
    """DocutuneError when an option needs a validation loss and there is nothing to measure it on."""
    asked = [name for name in ("early_stopping", "keep") if getattr(config, name) not in (None, "last")]
    if asked and validation is None:
        wish = " and ".join(f"{name}: {getattr(config, name)}" for name in asked)
        raise DocutuneError(
            f"{wish}: there are no validation samples, so there is no validation loss to go by",
            "set split.validation to a share above 0, give files of samples with `split: validation`, or leave it out",
        )


class Best(TrainerCallback):
    """Watches the validation loss. What it knows goes into every checkpoint: it is the same after an interruption."""

    def __init__(self, config: TrainingConfig, context: Context) -> None:
        self._patience = config.early_stopping
        self._keeps = config.keeps_best
        self._context = context
        self._loss: float | None = None
        self._step = 0
        self._waited = 0  # validations without improvement
        self._ended = False
        self._trainer: ResumingTrainer | None = None

    def watch(self, trainer: ResumingTrainer) -> None:
        """The trainer whose weights are kept."""
        self._trainer = trainer

    def remembered(self) -> dict[str, JsonValue]:
        """For checkpoints; the weights themselves are the trainer's `best`."""
        return {"loss": self._loss, "step": self._step, "waited": self._waited, "ended": self._ended}

    def remember(self, values: Mapping[str, Any]) -> None:
        """From a checkpoint."""
        self._loss, self._step = values["loss"], values["step"]
        self._waited, self._ended = values["waited"], values["ended"]

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Compare. A loss that is no number improves nothing."""
        loss = (metrics or {}).get("eval_loss", math.nan)
        if math.isfinite(loss) and (self._loss is None or loss < self._loss):
            self._loss, self._step, self._waited = loss, state.global_step, 0
            self._take()
        else:
            self._waited += 1
        if self._keeps and self._loss is not None:
            figures = {"best_step": self._step, "best_eval_loss": self._loss}
            self._context.progress(state.global_step, state.max_steps, **figures)
        if self._patience is not None and self._waited >= self._patience and not self._ended:
            self._ended = control.should_training_stop = True
            more = "validation" if self._waited == 1 else f"{self._waited} validations"
            self._context.note(f"stopped at step {state.global_step}: the last {more} brought no improvement")

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Put the best weights in place of the last."""
        if not self._keeps or self._trainer is None or self._trainer.best is None:
            return
        put_weights(self._trainer.model, self._trainer.best)
        self._context.note(
            f"kept the weights of step {self._step} of {state.global_step}, whose validation loss is the lowest: "
            f"{self._loss:.4g}"
        )

    def _take(self) -> None:
        if self._keeps and self._trainer is not None:
            self._trainer.best = weights(self._trainer.model)
