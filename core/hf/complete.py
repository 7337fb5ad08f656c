"""What a loaded model writes to prompts in batches: each token drawn by the prompt's own seed, thoughts left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from docutune.errors import DocutuneError
from docutune.hf.choosing import Seeded
from docutune.hf.generate import Generator
from docutune.hf.load import free_memory
from docutune.records import Prompt, Variant, Written

_THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)\s*", re.DOTALL)
_OPENING, _CLOSING = "<think>", "</think>"
_LAST_OF_PROMPT = 8  # tokens, in which a template that makes the model think opens its thoughts


def complete(
    generator: Generator,
    prompts: Sequence[Prompt],
    variant: Variant,
    batch_size: int,
    temperature: float = 0.0,
    max_new_tokens: float = 512,
) -> Iterator[Written]:
    """One Written for each prompt, those of similar length in one batch of at most `batch_size`.

    Where memory does not suffice for a batch its halves are tried; DocutuneError when one prompt is too much.
    """
    limit = int(max_new_tokens)
    encoded: list[tuple[Prompt, list[int]]] = []
    for prompt in prompts:
        try:
            ids = generator.prompt(prompt.messages)
            _check_context(generator, len(ids), limit)
        except DocutuneError as error:
            yield Written(prompt.id, "", False, 0, 0, error.message)
            continue
        encoded.append((prompt, ids))
    encoded.sort(key=lambda item: len(item[1]))
    for start in range(0, len(encoded), batch_size):
        yield from _written(generator, encoded[start : start + batch_size], variant, temperature, limit)


def _check_context(generator: Generator, length: int, limit: int) -> None:
    positions = getattr(generator.model.config, "max_position_embeddings", None)
    if isinstance(positions, int) and length + limit > positions:
        raise DocutuneError(
            f"a prompt of {length:,} tokens and a reply of {limit:,} are more than the model's {positions:,}",
            "shorten the prompt, or lower max_tokens",
        )


def _written(
    generator: Generator, batch: Sequence[tuple[Prompt, list[int]]], variant: Variant, temperature: float, limit: int
) -> Iterator[Written]:
    try:
        rows = _rows(generator, batch, variant, temperature, limit)
    except (RuntimeError, MemoryError) as error:
        if not _is_out_of_memory(error):
            raise
        rows = None
    if rows is not None:
        yield from (_read(generator, prompt, ids, row) for (prompt, ids), row in zip(batch, rows, strict=True))
        return
    free_memory()
    if len(batch) == 1:
        raise DocutuneError(
            f"out of memory: a prompt of {len(batch[0][1]):,} tokens with a reply of up to {limit:,} does not fit",
            "lower max_tokens or max_context_chars, hold the model in 4 bits (runtime: quantization: nf4), take a "
            "smaller one, or see what else uses the memory",
        )
    for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
        yield from _written(generator, half, variant, temperature, limit)


def _rows(
    generator: Generator, batch: Sequence[tuple[Prompt, list[int]]], variant: Variant, temperature: float, limit: int
) -> list[list[int]]:
    """Token ids after each prompt, with what stands after their end."""
    inputs = generator.inputs([ids for _, ids in batch])
    chosen: dict[str, Any] = {}
    if temperature > 0:
        chosen["logits_processor"] = [Seeded([prompt.seed for prompt, _ in batch], temperature)]
    rows = generator.generate(inputs, variant, max_new_tokens=limit, do_sample=False, **chosen)
    return [[int(token) for token in row] for row in rows[:, inputs["input_ids"].shape[1] :].tolist()]


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def _read(generator: Generator, prompt: Prompt, asked: Sequence[int], row: Sequence[int]) -> Written:
    ends = generator.end_ids()
    end = next((position for position, token in enumerate(row) if token in ends), None)
    ids = row if end is None else row[:end]
    count = len(row) if end is None else end + 1
    return Written(prompt.id, spoken(generator, asked, ids), end is not None, len(asked), count)


def spoken(generator: Generator, asked: Sequence[int], ids: Sequence[int]) -> str:
    """The text without the thoughts that it begins with, be they opened by the model or by its template."""
    tokenizer: Any = generator.tokenizer
    thinks = str(tokenizer.decode(asked[-_LAST_OF_PROMPT:])).rstrip().endswith(_OPENING)
    vocabulary = tokenizer.get_vocab()
    opening, closing = vocabulary.get(_OPENING), vocabulary.get(_CLOSING)
    begun = thinks or (opening in ids and not str(tokenizer.decode(ids[: ids.index(opening)])).strip())
    if begun and closing in ids:
        return str(tokenizer.decode(ids[ids.index(closing) + 1 :], skip_special_tokens=True)).lstrip()
    text = str(tokenizer.decode(ids, skip_special_tokens=True))
    return _THOUGHTS.sub("", f"{_OPENING}{text}" if thinks else text)
