"""What SFTTrainer tells while it trains, passed on as progress and to TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from docutune.contracts import Context
from docutune.plugins.trainers.sft import ranks
from docutune.plugins.trainers.sft.board import Board
from docutune.plugins.trainers.sft.usage import peak_memory

_FIGURES = ("loss", "learning_rate", "grad_norm", "eval_loss")
_BEAT = 0.5  # seconds between looks for a cancellation


class Follower(TrainerCallback):
    """Reports each logged step to the context, whose `progress` also raises Cancelled, and to TensorBoard."""

    def __init__(self, context: Context, board: Board, figures: Mapping[str, float]) -> None:
        """`figures` are known beforehand and go with the first report."""
        self._known = dict(figures)
        self._context = context
        self._board = board
        self._started = self._last = time.monotonic()
        self._tokens = 0.0
        self._before = (0, 0)  # steps and tokens that an interrupted training had done

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """The clock starts once the model is loaded."""
        self._started = time.monotonic()
        self._before = (state.global_step, int(state.num_input_tokens_seen))
        if not ranks.number():
            self._board.begin(state.global_step)
        self._report(state, {})

    def on_substep_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Between the forward passes of one step."""
        self._beat(state)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """After each optimizer step."""
        self._beat(state)

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """While the validation loss is computed."""
        self._beat(state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        """The figures of a logging step or of a validation."""
        figures = {name: float(logs[name]) for name in _FIGURES if logs and name in logs}
        if not figures:
            return
        self._tokens = float(state.num_input_tokens_seen - self._before[1])
        figures |= self._pace(state) | peak_memory()
        self._board.scalars({name: figures[name] for name in figures if name != "seconds_left"}, state.global_step)
        self._report(state, self._known | figures)
        self._known = {}

    def go_on(self) -> None:
        """What is known beforehand was told before the interruption."""
        self._known = {}

    def close(self) -> None:
        """Finish the TensorBoard files."""
        self._board.close()

    def _pace(self, state: TrainerState) -> dict[str, float]:
        """Non-padding tokens per second since the start, and the seconds that the remaining steps will take."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        done = max(state.global_step - self._before[0], 1)
        return {
            "tokens_per_second": round(self._tokens / seconds, 1),
            "seconds_left": round(seconds / done * (state.max_steps - state.global_step), 1),
        }

    def _beat(self, state: TrainerState) -> None:
        if time.monotonic() - self._last >= _BEAT:
            self._report(state, {})

    def _report(self, state: TrainerState, figures: dict[str, float]) -> None:
        self._last = time.monotonic()
        self._context.progress(state.global_step, state.max_steps, **figures)
