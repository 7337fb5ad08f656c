"""The course of a training: encode, load, look whether it fits, train, keep what was learned beside its template.

What was interrupted goes on from the newest checkpoint that verifies, to the bit as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import set_seed

from docutune.atomic import writing
from docutune.checkpoints import Checkpoint, Checkpoints, refuse_another
from docutune.contracts import Context
from docutune.errors import Cancelled, DocutuneError
from docutune.hf.encode import encode_file, template_for
from docutune.hf.load import Device, device, free_memory, load_tokenizer
from docutune.plugins.trainers.sft import ranks, result, state
from docutune.plugins.trainers.sft.apart import check_apart
from docutune.plugins.trainers.sft.arguments import sft_arguments
from docutune.plugins.trainers.sft.backend import Backend
from docutune.plugins.trainers.sft.best import check_validated
from docutune.plugins.trainers.sft.card import write_card
from docutune.plugins.trainers.sft.collate import Collate
from docutune.plugins.trainers.sft.data import Data, prepared
from docutune.plugins.trainers.sft.follow import Follower
from docutune.plugins.trainers.sft.identity import identity, passes_of
from docutune.plugins.trainers.sft.observers import Observers, observers
from docutune.plugins.trainers.sft.passes import Passes
from docutune.plugins.trainers.sft.preflight import Preflight
from docutune.plugins.trainers.sft.probe import is_out_of_memory
from docutune.plugins.trainers.sft.resume import Saving
from docutune.plugins.trainers.sft.stop import Patient
from docutune.plugins.trainers.sft.trainer import Trainer
from docutune.plugins.trainers.sft.usage import sizes
from docutune.records import ModelRef
from docutune.template import Template
from docutune.training import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Given:
    """What a training is made of, but for the model; `figures` say how many samples there are and were too long."""

    backend: Backend
    config: TrainingConfig
    train: Path
    validation: Path | None
    base: ModelRef
    where: Device
    tokenizer: PreTrainedTokenizerBase
    template: Template
    data: Data
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Ready:
    """A model in memory with what will train it."""

    trainer: Trainer
    passes: Passes
    watching: Observers

    def drop(self) -> None:
        """It will not be used."""
        self.watching.follower.close()


def train(
    backend: Backend,
    config: TrainingConfig,
    train: Path,
    validation: Path | None,
    base: ModelRef,
    context: Context,
) -> ModelRef:
    """Train; the adapter, its template.json and its model card go to `context.folder`/adapter.

    Checkpoints go to `context.kept`/checkpoints, also when the training is stopped.
    """
    check_validated(config, validation)
    patient = Patient(context)
    checkpoints = Checkpoints(context.kept / "checkpoints", config.keep_checkpoints)
    given = _read(backend, config, train, validation, base, patient)
    with _alone(checkpoints, patient):
        found = _newest(checkpoints, patient)
        flight = Preflight(config, base.folder, given.data.train, given.where, patient, found.step if found else None)
        make = partial(_ready, given, found, checkpoints, patient)
        ready = flight.fitting(_passes(config, found), make)
        with _following(ready.watching.follower), _explaining(config, ready.passes, given.where):
            _run(ready.trainer, found, ready.watching.follower, patient)
        return _keep(given, ready.trainer.model, train, patient.figures, result.folder_of(config, context.folder))


# ---- before the training


def _read(
    backend: Backend,
    config: TrainingConfig,
    train: Path,
    validation: Path | None,
    base: ModelRef,
    context: Context,
) -> Given:
    tokenizer = load_tokenizer(base.folder)
    template = template_for(tokenizer, config, context)
    encoded = encode_file(tokenizer, template, train, config.max_length, config.max_left_out)
    held_out = encode_file(tokenizer, template, validation, config.max_length) if validation else None
    data = prepared(config, encoded, held_out, context)
    figures: dict[str, float] = {"samples": encoded.samples, "left_out": encoded.left_out}
    return Given(backend, config, train, validation, base, device(), tokenizer, template, data, figures)


def _alone(checkpoints: Checkpoints, context: Context) -> AbstractContextManager[None]:
    """The first process keeps others out of the folder, on behalf of all of this training."""
    return nullcontext() if ranks.number() else checkpoints.alone(context.note)


def _newest(checkpoints: Checkpoints, context: Context) -> Checkpoint | None:
    """What to go on from; the user hears of it, and of what was skipped."""
    found = ranks.of_first(checkpoints.latest)
    for skipped in found.skipped:
        context.note(skipped)
    if found.checkpoint is None:
        return None
    context.note(f"the training goes on at step {found.checkpoint.step}")
    changed = state.changed_libraries(found.checkpoint.folder)
    if changed:
        context.note(f"the training was begun with {', '.join(changed)}: it goes on, but not to the last bit")
    return found.checkpoint


def _passes(config: TrainingConfig, found: Checkpoint | None) -> Passes:
    """How to cut a step. What was chosen for a training once holds until it ends."""
    if found is not None and config.fit == "auto":
        return replace(passes_of(found.identity), devices=ranks.count())
    return Passes.asked(config, ranks.count())


def _ready(given: Given, found: Checkpoint | None, checkpoints: Checkpoints, context: Patient, passes: Passes) -> Ready:
    config = given.config
    agreed = identity(given.backend, config, given.data, given.template, given.base, given.where, passes)
    if found is not None:
        refuse_another(found, agreed)
    model = _load(given, passes)
    figures = given.figures | sizes(model)
    watching = observers(config, given.tokenizer, given.template, given.train, given.validation, context, figures)
    trainer = _trainer(given, model, passes, watching, Saving(checkpoints, agreed, context))
    return Ready(trainer, passes, watching)


def _load(given: Given, passes: Passes) -> Any:
    set_seed(given.config.seed)
    return given.backend.load(given.base.folder, given.where, passes.checkpointing)


def _trainer(given: Given, model: Any, passes: Passes, watching: Observers, saves: Saving) -> Trainer:
    config, data, where = given.config, given.data, given.where
    folder, validates = saves.context.folder, data.validation is not None
    trainer = Trainer(
        saving=saves,
        passes=passes,
        model=model,
        args=sft_arguments(config, passes, where, len(data.train), validates, folder, given.backend.arguments()),
        data_collator=_collate(given, model),
        train_dataset=data.train,
        eval_dataset=data.validation,
        processing_class=given.tokenizer,
        callbacks=watching.callbacks,
        watch=watching.watch,
    )
    watching.best.watch(trainer)
    for parameter in model.parameters():
        if parameter.requires_grad:  # SFTTrainer makes them bfloat16, which loses small updates
            parameter.data = parameter.data.float()
    if ranks.number():
        set_seed(config.seed + ranks.number())  # each device drops others of its inputs
    return trainer


def _collate(given: Given, model: Any) -> Collate | None:
    """How packed rows become batches; None leaves single samples to SFTTrainer, which pads them."""
    if not given.config.packing:
        return None
    pad = given.tokenizer.pad_token_id
    assert isinstance(pad, int)
    collate = given.backend.collate(model, given.where, pad)
    check_apart(model, collate, given.config.model)
    return collate


# ---- the training


def _run(trainer: Trainer, found: Checkpoint | None, follower: Follower, patient: Patient) -> None:
    """Train to the end, or save and raise Cancelled."""
    if found is not None:
        patient.tell_again(state.load_curve(found.folder), trainer.args.max_steps)
        follower.go_on()
    try:
        trainer.train(resume_from_checkpoint=str(found.folder) if found else None)
        patient.check()
    except Cancelled:
        _save_stopped(trainer, patient)
        raise


def _save_stopped(trainer: Trainer, context: Context) -> None:
    try:
        trainer.save_stopped()
    except DocutuneError as error:  # the user wants the end, and the checkpoint before this one is whole
        context.note(f"the last steps could not be saved: {error.message}")


@contextmanager
def _following(follower: Follower) -> Iterator[None]:
    try:
        yield
    finally:
        follower.close()


@contextmanager
def _explaining(config: TrainingConfig, passes: Passes, where: Device) -> Iterator[None]:
    """One clear line instead of an allocator's page."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        free_memory()
        raise DocutuneError(
            f"out of memory on {where.name} with {passes.micro} rows per pass of up to {config.max_length} tokens",
            "lower micro_batch_size or max_length, set gradient_checkpointing: true, or let fit: auto choose",
        ) from error


# ---- after the training


def _keep(given: Given, model: Any, train: Path, figures: dict[str, float], adapter: Path) -> ModelRef:
    if ranks.number():
        return ModelRef(given.base.folder, given.base.digest, adapter)
    result.save(given.config, model, given.tokenizer, given.where, adapter)
    with writing(adapter):
        given.template.save(adapter)
        write_card(adapter, given.backend.name, given.config, given.base, given.template, train, figures)
    free_memory()
    return ModelRef(given.base.folder, given.base.digest, adapter)
