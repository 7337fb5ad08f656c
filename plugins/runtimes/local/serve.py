"""Loads a base model with its adapter and answers as either of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune.errors import DocutuneError
from docutune.hf.encode import read_template
from docutune.hf.generate import Generator
from docutune.hf.load import device, free_memory, load_adapter, load_base, load_tokenizer
from docutune.plugins.runtimes.local.plugin import Config
from docutune.records import Answer, Message, ModelRef, Probe, Variant
from docutune.template import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Local:
    """Implements contracts.Runtime."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def open(self, model: ModelRef) -> LocalSession:
        """Load the base once, and the adapter on top of it."""
        tokenizer = load_tokenizer(model.folder)
        loaded: Any = load_base(model.folder, self._config.quantization, device())
        if model.adapter is not None:
            loaded = load_adapter(loaded, model.adapter)
        loaded.eval()
        generator = Generator(
            model=loaded,
            tokenizer=tokenizer,
            template=_template(tokenizer, model.folder, model.adapter),
            adapted=model.adapter is not None,
            max_length=self._config.max_length,
            max_new_tokens=self._config.max_new_tokens,
        )
        return LocalSession(generator, self._config.batch_size)


class LocalSession:
    """Implements contracts.Session."""

    def __init__(self, generator: Generator, batch_size: int) -> None:
        self._generator: Generator | None = generator
        self._batch_size = batch_size

    def answer(self, probes: Sequence[Probe], variant: Variant) -> Iterator[Answer]:
        """Greedy answers, the shortest prompts first."""
        conversations = [probe.messages for probe in probes]
        for index, reply in self._open().replies(conversations, variant, self._batch_size):
            yield Answer(probes[index].id, variant, reply.text, reply.ended)

    def stream(self, messages: Sequence[Message], variant: Variant, **sampling: float) -> Iterator[str]:
        """One reply, piece by piece; greedy unless `temperature` is given."""
        return self._open().stream(messages, variant, **sampling)

    def close(self) -> None:
        """Drop the model and give its memory back."""
        self._generator = None
        free_memory()

    def _open(self) -> Generator:
        if self._generator is None:
            raise DocutuneError("the session is closed", "open it again")
        return self._generator


def _template(tokenizer: PreTrainedTokenizerBase, base: Path, adapter: Path | None) -> Template:
    """The template that the adapter was trained with, for the base too, so that both see the same prompts."""
    return Template.load(adapter) if adapter is not None else read_template(tokenizer, str(base))
