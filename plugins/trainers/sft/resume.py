"""SFTTrainer with docutune's checkpoints: it can stop inside of an optimizer step, and go on as if it had not.

The hooks are transformers' own (Trainer of 5.17). A step that is cut off is done anew: the weights and the optimizer
are those of the last whole step, and so is the `Moment` that is saved with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl.trainer.sft_trainer import SFTTrainer  # in a process that imported unsloth, unsloth's

from docutune.checkpoints import Checkpoints
from docutune.plugins.trainers.sft import random_state, ranks, state
from docutune.plugins.trainers.sft.stop import Patient
from docutune.records import JsonValue


@runtime_checkable
class Remembers(Protocol):
    """A callback with something to remember: it stands in every checkpoint, and is told again when training goes on."""

    def remembered(self) -> dict[str, JsonValue]:
        """What to remember."""

    def remember(self, values: Any) -> None:
        """What was remembered."""


@dataclass(frozen=True, slots=True)
class Saving:
    """Where the checkpoints of a training go, and what it is; `context` says when to stop."""

    checkpoints: Checkpoints
    identity: Mapping[str, JsonValue]
    context: Patient


class ResumingTrainer(SFTTrainer):
    """SFTTrainer that saves and goes on to the bit.

    `best` are the weights of the best validation loss so far, as state.weights gives them: they go into every
    checkpoint and come back from it.
    """

    model: Any
    state: Any
    train_dataset: Any
    eval_dataset: Any

    def __init__(self, *, saving: Saving, **named: Any) -> None:
        super().__init__(**named)
        self.best: Mapping[str, torch.Tensor] | None = None
        self._saving = saving
        self._from: Path | None = None  # the checkpoint that the training goes on from
        self._moment: state.Moment | None = None  # of the last whole step
        self._saved = 0  # the step of the newest checkpoint
        self._over = False
        self.add_callback(_Places(self))

    def save_stopped(self) -> None:
        """Save the last whole step, unless that is done: call it when Cancelled was raised."""
        if self._moment is not None and self.state.global_step > self._saved:
            self._write(self._moment)

    def stop_here(self) -> None:
        """Raise Cancelled when the user stopped the work: what belongs to the last whole step can be saved now."""
        self._saving.context.check()

    # ---- going on

    def begin(self) -> None:
        """Before the first step: put back what transformers does not."""
        if self._from is not None:
            self._put_back(state.load_moment(self._from, ranks.number(), self.args.device), self._from)
        self._moment = self._now()

    def _put_back(self, moment: state.Moment, folder: Path) -> None:
        self._saved, self._over = self.state.global_step, moment.ended
        self._tr_loss, self._total_loss_scalar = moment.loss, moment.total_loss
        self._globalstep_last_logged = moment.logged
        self.best = state.load_best(folder)
        self.state.compute_steps(self.args, self.state.max_steps)  # how often to save may have changed
        random_state.restore(moment.random)
        for callback in self._remembering():
            callback.remember(moment.remembered[type(callback).__name__])
        if moment.evaluating:
            self._determine_best_metric(self._evaluate(None, None), None)
            self._over = self._over or bool(self.control.should_training_stop)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        self._from = Path(resume_from_checkpoint)
        state.load_weights(self._from, self.model)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            state.load_optimizer(Path(checkpoint), self.optimizer)
            state.load_scheduler(Path(checkpoint), self.lr_scheduler, self.accelerator.scaler)

    def _load_scaler(self, checkpoint: str | None) -> None:
        """Came with the scheduler."""

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Asked for when the rows that were trained on are skipped, which may have drawn from the generators."""
        assert self._moment is not None
        random_state.restore(self._moment.random)

    def _run_epoch(self, *arguments: Any, **named: Any) -> None:
        if self._over:
            self.control.should_training_stop = True
        else:
            run: Any = super()._run_epoch
            run(*arguments, **named)

    # ---- saving

    def _maybe_log_save_evaluate(self, *arguments: Any, **named: Any) -> None:
        super()._maybe_log_save_evaluate(*arguments, **named)
        self._moment = self._now()

    def _evaluate(self, *arguments: Any, **named: Any) -> dict[str, float]:
        """A validation leaves the random generators as they were; one that is cut off is done anew."""
        self._moment = self._now(evaluating=True)
        try:
            return dict(super()._evaluate(*arguments, **named))
        finally:
            random_state.restore(self._moment.random)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self._write(self._now())

    def _now(self, evaluating: bool = False) -> state.Moment:
        over = self._over or bool(self.control.should_training_stop)
        return state.Moment(
            random=random_state.capture(),
            loss=self._tr_loss.detach().clone(),
            total_loss=self._total_loss_scalar,
            logged=self._globalstep_last_logged,
            tokens=int(self.state.num_input_tokens_seen),
            evaluating=evaluating,
            ended=over or self.state.global_step >= self.state.max_steps,
            remembered={type(callback).__name__: callback.remembered() for callback in self._remembering()},
        )

    def _write(self, moment: state.Moment) -> None:
        randoms = ranks.gathered(moment.random)
        step, to = self.state.global_step, self._saving
        self._saved = step
        if ranks.number():
            return
        parts = state.Parts(self.model, self.optimizer, self.lr_scheduler, self.accelerator.scaler, self.best)
        with to.checkpoints.saving(step, to.identity, parts.size) as folder:
            state.write(folder, parts, moment, randoms, to.context.curve)
            replace(self.state, num_input_tokens_seen=moment.tokens).save_to_json(str(folder / state.TRAINER_STATE))

    def _remembering(self) -> list[Remembers]:
        return [callback for callback in self.callback_handler.callbacks if isinstance(callback, Remembers)]


class _Places(TrainerCallback):
    """Where a training begins, and where it may stop: the last of the callbacks."""

    def __init__(self, trainer: ResumingTrainer) -> None:
        self._trainer = trainer

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """All is loaded."""
        self._trainer.begin()

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """A step ended, with all that belongs to it."""
        self._trainer.stop_here()

    def on_substep_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Between the passes of a step."""
        self._trainer.stop_here()

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Inside of a validation."""
        self._trainer.stop_here()
