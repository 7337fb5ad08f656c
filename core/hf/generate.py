"""Replies of a loaded model: greedy, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from docutune.errors import DocutuneError, TooLong
from docutune.hf.encode import prompt_ids
from docutune.hf.load import switch_adapter
from docutune.records import Message, Variant
from docutune.template import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


Tuned = Literal["no", "adapter", "itself"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The text after a prompt; `ended` is False when it was cut at the length limit."""

    text: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Generator:
    """A model with what decides its prompts. `tuned`: whether it is the tuned one, by an adapter or by itself."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    template: Template
    tuned: Tuned
    max_length: int  # longest prompt in tokens
    max_new_tokens: int

    def replies(
        self, conversations: Sequence[Sequence[Message]], variant: Variant, batch_size: int
    ) -> Iterator[tuple[int, Reply]]:
        """(index, greedy reply) for every conversation; those of similar length share a batch."""
        prompts = [self.prompt(messages) for messages in conversations]
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            yield from zip(chosen, self._batch([prompts[index] for index in chosen], variant), strict=True)

    def prompt(self, messages: Sequence[Message], reply: int = 0) -> list[int]:
        """Token ids of the prompt; DocutuneError when the template refuses it.

        TooLong when it is, or when it leaves no room for a `reply` of so many tokens; half the model's positions are
        room enough for any.
        """
        ids = prompt_ids(self.tokenizer, self.template, messages)
        positions = context_length(self.model) or self.max_length + reply
        limit = min(self.max_length, positions - min(reply, positions // 2))
        if len(ids) > limit:
            raise TooLong(len(ids), limit)
        return ids

    def _batch(self, prompts: Sequence[list[int]], variant: Variant) -> Iterator[Reply]:
        inputs = self.inputs(prompts)
        length = inputs["input_ids"].shape[1]
        for row in self.generate(inputs, variant, max_new_tokens=self.max_new_tokens, do_sample=False):
            yield self._reply(row[length:].tolist())

    def _reply(self, ids: list[int]) -> Reply:
        ends = self.end_ids()
        end = next((position for position, token in enumerate(ids) if token in ends), None)
        return Reply(str(self.tokenizer.decode(ids[:end], skip_special_tokens=True)), end is not None)

    def inputs(self, prompts: Sequence[list[int]]) -> dict[str, torch.Tensor]:
        """Left-padded, so that every row's reply begins at the same place."""
        longest = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        ids = [[pad] * (longest - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        device = self.model.device
        return {
            "input_ids": torch.tensor(ids, device=device),
            "attention_mask": torch.tensor(mask, device=device),
        }

    def generate(self, inputs: dict[str, torch.Tensor], variant: Variant, **options: Any) -> torch.Tensor:
        """Rows of token ids: each prompt, and what the model wrote after it."""
        self.become(variant)
        with torch.inference_mode():
            generated: torch.Tensor = self.model.generate(
                **inputs, **options, pad_token_id=self.tokenizer.pad_token_id, eos_token_id=self.end_ids()
            )
        return generated

    def become(self, variant: Variant) -> None:
        """From now on the model is that variant; DocutuneError when it has no such."""
        if variant == "tuned" and self.tuned == "no":
            raise DocutuneError("this model has no adapter: there is no tuned variant", "ask for the base")
        if self.tuned == "adapter":
            switch_adapter(self.model, variant == "tuned")

    def end_ids(self) -> list[int]:
        """The template's end token, and the tokenizer's own, which a base model may prefer."""
        vocabulary = self.tokenizer.get_vocab()
        ends = dict.fromkeys([self.template.end_token, str(self.tokenizer.eos_token)])
        return [vocabulary[name] for name in ends if name in vocabulary]


def context_length(model: Any) -> int | None:
    """Tokens of the longest conversation with its reply that the model has positions for; None: it has no limit."""
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return positions if isinstance(positions, int) else None
