"""The course of a training: encode, load, look whether it fits, train, keep what was learned beside its template."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import set_seed

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.hf.encode import encode_file, read_template
from docutune.hf.load import Device, device, free_memory, load_tokenizer
from docutune.hf.save import saving
from docutune.plugins.trainers.sft import ranks
from docutune.plugins.trainers.sft.apart import check_apart
from docutune.plugins.trainers.sft.arguments import sft_arguments
from docutune.plugins.trainers.sft.backend import Backend
from docutune.plugins.trainers.sft.card import write_card
from docutune.plugins.trainers.sft.collate import Collate
from docutune.plugins.trainers.sft.data import Data, prepared
from docutune.plugins.trainers.sft.follow import Follower
from docutune.plugins.trainers.sft.passes import Passes
from docutune.plugins.trainers.sft.trainer import Trainer
from docutune.records import ModelRef
from docutune.training import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def train(
    backend: Backend,
    config: TrainingConfig,
    train: Path,
    validation: Path | None,
    base: ModelRef,
    context: Context,
) -> ModelRef:
    """Train; the adapter, its template.json and its model card go to `context.folder`/adapter."""
    where, passes = device(), Passes.asked(config, ranks.count())
    tokenizer = load_tokenizer(base.folder)
    template = read_template(tokenizer, config.model)
    encoded = encode_file(tokenizer, template, train, config.max_length)
    held_out = encode_file(tokenizer, template, validation, config.max_length) if validation else None
    data = prepared(config, encoded, held_out, context)
    set_seed(config.seed)
    model = backend.load(base.folder, where, passes.checkpointing)
    follower = Follower(context, {"samples": encoded.samples, "left_out": encoded.left_out})
    trainer = _trainer(backend, config, model, tokenizer, data, where, passes, follower, context.folder)
    try:
        trainer.train()
    except (torch.OutOfMemoryError, RuntimeError) as error:
        raise _explained(error, config, passes, where) from error
    finally:
        follower.close()
    adapter = context.folder / "adapter"
    if ranks.number():
        return ModelRef(base.folder, base.digest, adapter)
    with saving(adapter, (weights for weights in model.parameters() if weights.requires_grad)):
        model.save_pretrained(str(adapter), save_embedding_layers=False)  # they are never trained
        template.save(adapter)
        write_card(adapter, backend.name, config, base, template, train, follower.figures)
    free_memory()
    return ModelRef(base.folder, base.digest, adapter)


def _trainer(
    backend: Backend,
    config: TrainingConfig,
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    data: Data,
    where: Device,
    passes: Passes,
    follower: Follower,
    folder: Path,
) -> Trainer:
    arguments = sft_arguments(
        config, passes, where, len(data.train), data.validation is not None, folder, backend.arguments()
    )
    trainer = Trainer(
        passes=passes,
        model=model,
        args=arguments,
        data_collator=_collate(backend, config, model, tokenizer, where),
        train_dataset=data.train,
        eval_dataset=data.validation,
        processing_class=tokenizer,
        callbacks=[follower],
    )
    for parameter in model.parameters():
        if parameter.requires_grad:  # SFTTrainer makes them bfloat16, which loses small updates
            parameter.data = parameter.data.float()
    if ranks.number():
        set_seed(config.seed + ranks.number())  # each device drops others of its inputs
    return trainer


def _collate(
    backend: Backend, config: TrainingConfig, model: Any, tokenizer: PreTrainedTokenizerBase, where: Device
) -> Collate | None:
    """How packed rows become batches; None leaves single samples to SFTTrainer, which pads them."""
    if not config.packing:
        return None
    pad = tokenizer.pad_token_id
    assert isinstance(pad, int)
    collate = backend.collate(model, where, pad)
    check_apart(model, collate, config.model)
    return collate


def _explained(error: RuntimeError, config: TrainingConfig, passes: Passes, where: Device) -> Exception:
    """One clear line instead of an allocator's page."""
    text = str(error)
    if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in text:
        return error
    free_memory()
    return DocutuneError(
        f"out of memory on {where.name} with {passes.micro} rows per pass of up to {config.max_length} tokens",
        "lower micro_batch_size or max_length, set gradient_checkpointing: true, or let fit: auto choose",
    )
