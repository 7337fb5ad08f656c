"""The control: the same training by transformers' own Trainer, which saves and resumes in its own way."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model
from tiny import SETTINGS, Bench
from transformers import (
    DataCollatorForSeq2Seq,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from docutune.hf import device, encode_file, load_base, load_tokenizer, read_template


class Stock:
    """Trainings of one base on the rows of a bench."""

    def __init__(self, folder: Path, bench: Bench) -> None:
        self.folder = folder
        self._bench = bench

    def path(self, name: str) -> Path:
        """The folder of a training."""
        return self.folder / name

    def checkpoints(self, name: str) -> list[Path]:
        """The checkpoints of a training, oldest first."""
        return sorted(self.path(name).glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))

    def go(self, name: str, save_steps: int = SETTINGS["save_steps"], stop: int | None = None) -> None:
        """Train, or go on from what transformers takes for the last checkpoint."""
        set_seed(0)
        tokenizer = load_tokenizer(self._bench.base.folder)
        lora = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, lora_dropout=0.1, target_modules="all-linear")
        model = get_peft_model(load_base(self._bench.base.folder, "none", device()), lora)
        rows = encode_file(tokenizer, read_template(tokenizer, "base"), self._bench.train, SETTINGS["max_length"]).rows
        arguments = TrainingArguments(
            output_dir=str(self.path(name)),
            max_steps=SETTINGS["max_steps"],
            per_device_train_batch_size=2,
            gradient_accumulation_steps=3,
            learning_rate=SETTINGS["learning_rate"],
            save_steps=save_steps,
            save_total_limit=2,
            report_to="none",
            use_cpu=True,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=[{"input_ids": [*row.input_ids], "labels": [*row.labels]} for row in rows],
            data_collator=DataCollatorForSeq2Seq(tokenizer),
            processing_class=tokenizer,
            callbacks=[_Stop(stop)] if stop else [],
        )
        last = get_last_checkpoint(str(self.path(name))) if self.path(name).is_dir() else None
        trainer.train(resume_from_checkpoint=last)
        model.save_pretrained(str(self.path(name) / "end"))

    def half(self, name: str) -> None:
        """Train until two checkpoints are there."""
        self.go(name, stop=2 * SETTINGS["save_steps"])

    def again(self, source: str, name: str) -> Path:
        """A copy of what is left of a training; the newest of its checkpoints."""
        shutil.copytree(self.path(source), self.path(name))
        return self.checkpoints(name)[-1]

    def made(self, name: str) -> tuple[str, ...]:
        """SHA-256 of the adapter."""
        return (hashlib.sha256((self.path(name) / "end/adapter_model.safetensors").read_bytes()).hexdigest(),)

    def takes(self, newest: Path) -> bool:
        """Whether it would go on from a checkpoint: it looks at nothing but the names."""
        return get_last_checkpoint(str(newest.parent)) == str(newest)

    def unfinished(self, name: str) -> bool:
        """Whether a checkpoint is half written: what is saved last is not there."""
        return any(not (path / "trainer_state.json").exists() for path in self.checkpoints(name))


class _Stop(TrainerCallback):
    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """The end comes early."""
        control.should_training_stop = state.global_step >= self._step
