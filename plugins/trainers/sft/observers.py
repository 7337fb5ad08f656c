"""All that looks at a training while it goes on, made together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from transformers import TrainerCallback

from docutune.contracts import Context
from docutune.plugins.trainers.sft import ranks
from docutune.plugins.trainers.sft.best import Best
from docutune.plugins.trainers.sft.board import Board
from docutune.plugins.trainers.sft.finite import Watch, lines_of
from docutune.plugins.trainers.sft.follow import Follower
from docutune.plugins.trainers.sft.texts import Texts, questions
from docutune.template import Template
from docutune.training import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Observers:
    """`callbacks` hear what the trainer tells, `watch` looks at every step before the weights are touched."""

    follower: Follower
    best: Best
    watch: Watch
    callbacks: list[TrainerCallback]


def observers(
    config: TrainingConfig,
    tokenizer: PreTrainedTokenizerBase,
    template: Template,
    train: Path,
    validation: Path | None,
    context: Context,
    figures: Mapping[str, float],
) -> Observers:
    """`figures` are known beforehand. Of several processes the first alone writes for TensorBoard and answers."""
    board = Board(context.kept / "tensorboard")
    follower, best = Follower(context, board, figures), Best(config, context)
    watch = Watch(context.kept, train, tokenizer, partial(lines_of, tokenizer, template, train))
    callbacks: list[TrainerCallback] = [follower, best]
    if not ranks.number():
        asked = questions(validation or train)
        callbacks.append(Texts(board, asked, tokenizer, template, config.max_length, context))
    return Observers(follower, best, watch, callbacks)
