"""QLoRA (arXiv:2305.14314): the base frozen in NF4, low-rank adapters on every linear layer, through SFTTrainer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import set_seed
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.hf.encode import Encoding, encode_file, read_template
from docutune.hf.load import Device, device, free_memory, load_base, load_tokenizer
from docutune.hf.save import saving
from docutune.plugins.trainers.trl.card import write_card
from docutune.plugins.trainers.trl.follow import Follower
from docutune.plugins.trainers.trl.plugin import Config
from docutune.records import ModelRef

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LOGS = 100  # points of the loss curve
_EVALUATIONS = 4  # of the validation loss, the last one at the end


class Trl:
    """Implements contracts.Trainer."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def train(self, train: Path, validation: Path | None, base: ModelRef, context: Context) -> ModelRef:
        """Train; the adapter, its template.json and its model card go to `context.folder`/adapter."""
        where = device()
        tokenizer = load_tokenizer(base.folder)
        template = read_template(tokenizer, self._config.model)
        encoded = encode_file(tokenizer, template, train, self._config.max_length)
        held_out = encode_file(tokenizer, template, validation, self._config.max_length) if validation else None
        set_seed(self._config.seed)
        model = self._adapted(base, where)
        follower = Follower(context, {"samples": encoded.samples, "left_out": encoded.left_out})
        trainer = self._trainer(model, tokenizer, encoded, held_out, where, follower, context.folder)
        try:
            trainer.train()
        except (torch.OutOfMemoryError, RuntimeError) as error:
            raise self._explained(error, where) from error
        finally:
            follower.close()
        adapter = context.folder / "adapter"
        with saving(adapter, (weights for weights in model.parameters() if weights.requires_grad)):
            model.save_pretrained(str(adapter), save_embedding_layers=False)  # they are never trained
            template.save(adapter)
            write_card(adapter, self._config, base, template, train, follower.figures)
        free_memory()
        return ModelRef(base.folder, base.digest, adapter)

    def _adapted(self, base: ModelRef, where: Device) -> PeftModel:
        """The base with fresh adapters. Embeddings and head keep the device's dtype: float32 would double them."""
        config = self._config
        alpha: Any = config.alpha  # annotated as int there, used as a float
        lora = LoraConfig(
            task_type="CAUSAL_LM",
            r=config.lora_rank,
            lora_alpha=alpha,
            lora_dropout=config.lora_dropout,
            target_modules="all-linear",
        )
        model = get_peft_model(load_base(base.folder, config.quantization, where), lora)
        adapted: Any = model.peft_config["default"]
        adapted.base_model_name_or_path = config.model  # no path of this machine
        adapted.target_modules = sorted(adapted.target_modules)  # a set's order differs from process to process
        return model

    def _trainer(
        self,
        model: PeftModel,
        tokenizer: PreTrainedTokenizerBase,
        encoded: Encoding,
        held_out: Encoding | None,
        where: Device,
        follower: Follower,
        folder: Path,
    ) -> SFTTrainer:
        trainer = SFTTrainer(
            model=model,
            args=self._arguments(where, len(encoded.rows), held_out is not None, folder),
            train_dataset=_dataset(encoded),
            eval_dataset=_dataset(held_out) if held_out else None,
            processing_class=tokenizer,
            callbacks=[follower],
        )
        for parameter in model.parameters():
            if parameter.requires_grad:  # SFTTrainer makes them bfloat16, which loses small updates
                parameter.data = parameter.data.float()
        return trainer

    def _arguments(self, where: Device, rows: int, validates: bool, folder: Path) -> SFTConfig:
        config = self._config
        steps = config.steps(rows)
        micro = config.micro_batch_size or config.batch_size
        return SFTConfig(
            output_dir=str(folder),
            max_steps=steps,
            per_device_train_batch_size=micro,
            per_device_eval_batch_size=micro,
            gradient_accumulation_steps=config.accumulation_steps,
            learning_rate=config.learning_rate,
            lr_scheduler_type=config.schedule,
            warmup_steps=round(config.warmup_ratio * steps),
            weight_decay=config.weight_decay,
            max_grad_norm=config.max_grad_norm,
            optim=config.trl.optim,
            train_sampling_strategy="group_by_length" if config.trl.group_by_length else "random",
            gradient_checkpointing=config.gradient_checkpointing,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
            seed=config.seed,
            data_seed=config.seed,
            use_cpu=where.name == "cpu",
            bf16=where.dtype == torch.bfloat16,
            fp16=where.dtype == torch.float16,
            eval_strategy="steps" if validates else "no",
            eval_steps=max(1, steps // _EVALUATIONS),
            logging_steps=max(1, steps // _LOGS),
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            dataloader_pin_memory=where.name != "cpu",
        )

    def _explained(self, error: RuntimeError, where: Device) -> Exception:
        """One clear line instead of an allocator's page."""
        text = str(error)
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in text:
            return error
        free_memory()
        config = self._config
        return DocutuneError(
            f"out of memory on {where.name} with {config.micro_batch_size or config.batch_size} samples per pass of up "
            f"to {config.max_length} tokens",
            "lower micro_batch_size or max_length, or set gradient_checkpointing: true",
        )


def _dataset(encoding: Encoding) -> Any:
    """Rows with labels of their own: SFTTrainer takes them as they are."""
    columns = {"input_ids": [row.input_ids for row in encoding.rows], "labels": [row.labels for row in encoding.rows]}
    return Dataset.from_dict(columns)
