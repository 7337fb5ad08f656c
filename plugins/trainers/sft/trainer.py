"""SFTTrainer as docutune drives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from accelerate.data_loader import prepare_data_loader
from torch.utils.data import DataLoader
from transformers.trainer_utils import EvalLoopOutput

from docutune.hf.encode import IGNORED
from docutune.plugins.trainers.sft import ranks
from docutune.plugins.trainers.sft.finite import Watch
from docutune.plugins.trainers.sft.order import Batches, Order, WithBlank, by_length, in_turn, shuffled
from docutune.plugins.trainers.sft.passes import Passes
from docutune.plugins.trainers.sft.resume import ResumingTrainer


class Trainer(ResumingTrainer):
    """SFTTrainer on rows that are encoded and labelled already."""

    def __init__(self, *, passes: Passes, watch: Watch, **named: Any) -> None:
        self._passes = passes
        self._watch = watch
        super().__init__(**named)

    def get_batch_samples(self, *arguments: Any, **named: Any) -> Any:
        """The passes of the next step."""
        self._watch.begin()
        return super().get_batch_samples(*arguments, **named)

    def training_step(self, model: Any, inputs: Any, *arguments: Any, **named: Any) -> torch.Tensor:
        """One pass, forward and backward."""
        own: Any = super()
        loss: torch.Tensor = own.training_step(model, inputs, *arguments, **named)
        self._watch.saw(inputs, loss)
        return loss

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        """Asked for between the gradient and the update of a step."""
        own: Any = super()
        norm = own._get_grad_norm(model, grad_norm)
        self._watch.check(norm, self.state.global_step + 1, scaled=self.args.fp16)
        return norm

    def get_train_dataloader(self) -> Any:
        """This device's share of the rows, the same in every process that starts from the same seed."""
        rows = len(self.train_dataset)
        if self.args.train_sampling_strategy == "group_by_length":
            lengths = [len(row["input_ids"]) for row in self.train_dataset]
            return self._loader(self.train_dataset, by_length(lengths, self._passes.batch, self.args.seed))
        return self._loader(self.train_dataset, shuffled(rows, self.args.seed))

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """This device's share of the rows for the validation loss."""
        return self._loader(self.eval_dataset, in_turn(len(self.eval_dataset)))

    def evaluation_loop(
        self,
        dataloader: Any,
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """The mean loss of all tokens that bear one, each counted once, however they are cut into batches."""
        own: Any = super()
        self.model.eval()
        summed, tokens = 0.0, 0.0
        for batch in dataloader:
            inputs = self._prepare_inputs(batch)
            mine = float(_bearing(inputs))
            (everyones,) = ranks.total(mine)
            with torch.no_grad():
                loss = own.prediction_step(self.model, inputs, True)[0]
            summed += float(loss) * everyones / ranks.count()  # it is of all tokens, scaled for the mean over devices
            tokens += mine
            self.control = self.callback_handler.on_prediction_step(self.args, self.state, self.control)
        summed, tokens = ranks.total(summed, tokens)
        nothing = np.empty(0)  # predictions and labels are asked for by metrics alone
        return EvalLoopOutput(nothing, nothing, {f"{metric_key_prefix}_loss": summed / tokens}, len(self.eval_dataset))

    def _track_num_input_tokens(self, inputs: Any) -> None:
        """A blank row is no token of the data."""
        blank = not bool(inputs["labels"].ne(IGNORED).any())
        none = {"attention_mask": torch.zeros_like(inputs["input_ids"])} if blank else {}
        own: Any = super()
        own._track_num_input_tokens({**inputs, **none})

    def _loader(self, dataset: Any, order: Order) -> Any:
        batches = Batches(len(dataset), self._passes, ranks.number(), order)
        rows: Any = WithBlank(dataset)
        loader: DataLoader[Any] = DataLoader(
            rows,
            batch_sampler=batches,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return prepare_data_loader(loader, self.accelerator.device, 1, 0, put_on_device=True)


def _bearing(inputs: Mapping[str, torch.Tensor]) -> int:
    return int(inputs["labels"][..., 1:].ne(IGNORED).sum())
