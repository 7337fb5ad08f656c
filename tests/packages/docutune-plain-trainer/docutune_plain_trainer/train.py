"""Low-rank adapters on a frozen base, trained in a loop that can be read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import get_scheduler

from docutune.checkpoints import Checkpoints, Found
from docutune.contracts import Context
from docutune.hf import IGNORED, Device, Encoded, device, encode_file, load_base, load_tokenizer, saving, template_for
from docutune.records import ModelRef
from docutune_plain_trainer.plugin import Config


class Plain:
    """Implements contracts.Trainer."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def train(self, train: Path, validation: Path | None, base: ModelRef, context: Context) -> ModelRef:
        """Train; the adapter and its template.json go to `context.folder`/adapter."""
        config, where = self._config, device()
        tokenizer = load_tokenizer(base.folder)
        template = template_for(tokenizer, config, context)
        encoded = encode_file(tokenizer, template, train, config.max_length)
        torch.manual_seed(config.seed)
        model = self._adapted(base, where)
        padding = int(tokenizer.pad_token_id or 0)
        self._loop(model, encoded.rows, padding, where, context)
        if validation is not None:
            held_out = encode_file(tokenizer, template, validation, config.max_length).rows
            steps = config.steps(len(encoded.rows))
            context.progress(steps, steps, eval_loss=self._validation_loss(model, held_out, padding, where))
        adapter = context.folder / "adapter"
        with saving(adapter, (weights for weights in model.parameters() if weights.requires_grad)):
            model.save_pretrained(str(adapter), save_embedding_layers=False)
            template.save(adapter)
        return ModelRef(base.folder, base.digest, adapter)

    def _adapted(self, base: ModelRef, where: Device) -> PeftModel:
        config = self._config
        alpha: Any = config.alpha
        lora = LoraConfig(
            task_type="CAUSAL_LM",
            r=config.lora_rank,
            lora_alpha=alpha,
            lora_dropout=config.lora_dropout,
            target_modules="all-linear",
        )
        loaded: Any = load_base(base.folder, config.quantization, where)
        if config.gradient_checkpointing:
            loaded.gradient_checkpointing_enable()
            loaded.enable_input_require_grads()
        model = get_peft_model(loaded, lora)
        model.peft_config["default"].base_model_name_or_path = config.model
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        return model

    def _loop(self, model: PeftModel, rows: Sequence[Encoded], padding: int, where: Device, context: Context) -> None:
        config, steps = self._config, self._config.steps(len(rows))
        weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
        kind = torch.optim.AdamW if config.plain.optimizer == "adamw" else torch.optim.SGD
        optimizer = kind(weights, lr=config.learning_rate, weight_decay=config.weight_decay)
        warmup = round(config.warmup_ratio * steps)
        schedule = get_scheduler(config.schedule, optimizer, num_warmup_steps=warmup, num_training_steps=steps)
        batches = _batches(len(rows), config.batch_size, config.seed)
        checkpoints = Checkpoints(context.kept / "checkpoints", config.keep_checkpoints)
        agreed = {**config.model_dump(mode="json", exclude=set(config.decides_nothing)), "rows": len(rows)}
        found = checkpoints.newest(agreed)
        for line in found.skipped:
            context.note(line)
        done = _go_on(found, weights, optimizer, schedule)
        model.train()
        for step in range(1, steps + 1):
            chosen = [rows[index] for index in next(batches)]
            if step <= done:
                continue
            loss = self._backward(model, chosen, padding, where)
            torch.nn.utils.clip_grad_norm_(weights, config.max_grad_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            if step % (config.save_steps or max(1, steps // 10)) == 0:
                with checkpoints.saving(step, agreed) as folder:
                    torch.save(_state(weights, optimizer, schedule), folder / "state.pt")
            context.progress(step, steps, loss=round(loss, 4), learning_rate=float(schedule.get_last_lr()[0]))

    def _backward(self, model: PeftModel, rows: Sequence[Encoded], padding: int, where: Device) -> float:
        """The mean loss per answer token of one batch, in passes of `micro_batch_size`; its gradients are added up."""
        size = self._config.micro_batch_size or len(rows)
        tokens = sum(label != IGNORED for row in rows for label in row.labels)
        total = 0.0
        for at in range(0, len(rows), size):
            loss = _summed_loss(model, rows[at : at + size], padding, where) / max(tokens, 1)
            torch.autograd.backward(loss)
            total += loss.item()
        return total

    @torch.no_grad()
    def _validation_loss(self, model: PeftModel, rows: Sequence[Encoded], padding: int, where: Device) -> float:
        model.eval()
        tokens = sum(label != IGNORED for row in rows for label in row.labels)
        return sum(_summed_loss(model, [row], padding, where).item() for row in rows) / max(tokens, 1)


def _state(weights: Sequence[torch.Tensor], optimizer: Any, schedule: Any) -> dict[str, Any]:
    """What decides all that comes after a step, but for the data."""
    random = torch.get_rng_state()
    return {"weights": weights, "optimizer": optimizer.state_dict(), "rate": schedule.state_dict(), "random": random}


@torch.no_grad()
def _go_on(found: Found, weights: Sequence[torch.Tensor], optimizer: Any, schedule: Any) -> int:
    """Put back what was saved; returns the number of steps that are done."""
    if found.checkpoint is None:
        return 0
    state = torch.load(found.checkpoint.folder / "state.pt", weights_only=True)
    for weight, kept in zip(weights, state["weights"], strict=True):
        weight.copy_(kept)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["rate"])
    torch.set_rng_state(state["random"])
    return found.checkpoint.step


def _summed_loss(model: PeftModel, rows: Sequence[Encoded], padding: int, where: Device) -> torch.Tensor:
    """Cross entropy summed over the tokens that bear loss: the assistant's, and the mark that ends its turn."""
    length = max(len(row.input_ids) for row in rows)

    def padded(lists: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
        return torch.tensor([[*ids, *([filler] * (length - len(ids)))] for ids in lists], device=where.name)

    ids = padded([row.input_ids for row in rows], padding)
    labels = padded([row.labels for row in rows], IGNORED)
    mask = padded([[1] * len(row.input_ids) for row in rows], 0)
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
    loss: torch.Tensor = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return loss


def _batches(count: int, size: int, seed: int) -> Iterator[list[int]]:
    """Indexes of rows in a random order, each once per pass, without end."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(count, generator=generator).tolist()
        yield from (order[at : at + size] for at in range(0, count, size))
