"""builtin/tiny: a Qwen3-architecture model of a few million parameters, made on the spot from the sources.

A smoke model: it proves that a pipeline works, on two CPU cores and without a network. Random weights do not learn
under LoRA, so it first reads the sources' raw text for a minute or two.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.hf.save import saving
from docutune.models import folder_digest
from docutune.records import ModelRef

END = "<|im_end|>"
PAD = "<|endoftext|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Size and schooling of the model; tuned so that 500 kB of sources take well under a minute on two cores."""

    vocabulary: int = 3072
    hidden: int = 256
    layers: int = 2
    heads: int = 4
    embedding_std: float = 0.06
    row: int = 128  # tokens
    batch: int = 16  # rows
    passes: float = 3.0
    fewest_steps: int = 40
    most_steps: int = 300
    learning_rate: float = 3e-3


def make(texts: Path, context: Context, recipe: Recipe | None = None) -> ModelRef:
    """Train tokenizer and weights on JSON Lines of {"text"}; saved in `context.folder` with a model card."""
    recipe = recipe or Recipe()
    corpus = [text for text in _read(texts) if text.strip()]
    if not corpus:
        raise DocutuneError(f"{texts}: no text to make builtin/tiny from", "check `sources:` in the pipeline file")
    torch.manual_seed(context.seed)
    torch.set_float32_matmul_precision("medium")  # two to four times as fast on CPUs with bfloat16 units, else the same
    tokenizer = make_tokenizer(corpus, recipe.vocabulary)
    model = _make_model(tokenizer, recipe)
    _pretrain(model, _rows(tokenizer, corpus, recipe), recipe, context)
    with saving(context.folder, model.parameters()):
        tokenizer.save_pretrained(context.folder)
        model.save_pretrained(context.folder)
        (context.folder / "README.md").write_text(_card(model, len(corpus)), "utf-8")
    return ModelRef(context.folder, folder_digest(context.folder))


def make_tokenizer(corpus: Sequence[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE (every text can be written) with Qwen3's chat marks and chat format."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, "<|im_start|>", END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    make: Any = PreTrainedTokenizerFast
    fast: PreTrainedTokenizerFast = make(tokenizer_object=tokenizer, eos_token=END, pad_token=PAD)
    fast.chat_template = TEMPLATE
    return fast


def _read(texts: Path) -> Iterator[str]:
    with texts.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)["text"]


def _make_model(tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> Qwen3ForCausalLM:
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=3 * recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads // 2,
        head_dim=recipe.hidden // recipe.heads,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    make: Any = Qwen3ForCausalLM
    model: Qwen3ForCausalLM = make(config)
    # Tied to the head, embeddings of the usual 0.02 keep the logits so flat that a short schooling cannot sharpen them.
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=recipe.embedding_std)
    return model


def _rows(tokenizer: PreTrainedTokenizerFast, corpus: Sequence[str], recipe: Recipe) -> torch.Tensor:
    """The corpus as rows of equal length, texts one after the other with an end mark between them."""
    ids: list[int] = []
    for text in corpus:
        ids += [*tokenizer.encode(text, add_special_tokens=False), tokenizer.pad_token_id]
    ids *= math.ceil((recipe.row + 1) / len(ids))  # a corpus shorter than one row is repeated
    count = (len(ids) - 1) // recipe.row
    starts = torch.arange(count) * recipe.row
    return torch.tensor(ids)[starts[:, None] + torch.arange(recipe.row + 1)]


def _pretrain(model: Qwen3ForCausalLM, rows: torch.Tensor, recipe: Recipe, context: Context) -> None:
    steps = round(recipe.passes * len(rows) / recipe.batch)
    steps = min(max(steps, recipe.fewest_steps), recipe.most_steps)
    optimizer = torch.optim.AdamW(model.parameters(), recipe.learning_rate, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, steps, pct_start=0.1)
    batch_size = min(recipe.batch, len(rows))  # fewer rows than a batch has are not read twice in one step
    batches = _batches(len(rows), batch_size, context.seed)
    model.train()
    started = time.monotonic()
    for step in range(1, steps + 1):
        batch = rows[next(batches)]
        logits = model(batch[:, :-1], use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        seconds = time.monotonic() - started
        context.progress(
            step,
            steps,
            loss=round(loss.item(), 4),
            learning_rate=float(schedule.get_last_lr()[0]),
            tokens_per_second=round(step * batch_size * recipe.row / seconds, 1),
            seconds_left=round(seconds / step * (steps - step), 1),
        )


def _batches(count: int, size: int, seed: int) -> Iterator[torch.Tensor]:
    """Indexes of rows, each row once per pass, without end."""
    generator = torch.Generator().manual_seed(seed)
    pool = torch.empty(0, dtype=torch.long)
    while True:
        while len(pool) < size:
            pool = torch.cat([pool, torch.randperm(count, generator=generator)])
        yield pool[:size]
        pool = pool[size:]


def _card(model: Qwen3ForCausalLM, texts: int) -> str:
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return (
        "# builtin/tiny\n\n"
        f"A smoke model of {millions:.1f} million parameters in the Qwen3 architecture, made by docutune from {texts} "
        "texts of the sources. It shows that a pipeline works; it is no base for real use: take a pre-trained model.\n"
    )
