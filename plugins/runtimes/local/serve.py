"""Loads a base model with its adapter, or the whole model that was tuned from it, and answers as either of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune.errors import DocutuneError
from docutune.hf.complete import complete
from docutune.hf.describe import describe
from docutune.hf.encode import read_template, template_of
from docutune.hf.generate import Generator as Writer
from docutune.hf.generate import Tuned
from docutune.hf.load import device_for_replies, free_memory, load_adapter, load_base, load_tokenizer
from docutune.hf.streams import Streams
from docutune.models import is_whole
from docutune.plugins.runtimes.local.plugin import Config
from docutune.records import (
    GREEDY,
    Answer,
    Message,
    ModelInfo,
    ModelRef,
    Probe,
    Prompt,
    Sampling,
    Streamed,
    Variant,
    Written,
)
from docutune.template import TEMPLATE, Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, and the replies that it is writing piece by piece."""

    writer: Writer
    streams: Streams


class Local:
    """Implements contracts.Runtime."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def open(self, model: ModelRef) -> LocalSession:
        """Load the base once and the adapter on top of it; of two whole models each when it is first asked."""
        if model.adapter is not None and is_whole(model.adapter):
            base, tuned = (partial(self._whole, folder, model.adapter) for folder in (model.folder, model.adapter))
            return LocalSession(model, {"base": cache(base), "tuned": cache(tuned)}, self._config.batch_size)
        loaded = self._adapted(model)
        return LocalSession(model, {"base": lambda: loaded, "tuned": lambda: loaded}, self._config.batch_size)

    def _adapted(self, model: ModelRef) -> Loaded:
        tokenizer = load_tokenizer(model.folder)
        loaded: Any = load_base(model.folder, self._config.quantization, device_for_replies())
        if model.adapter is not None:
            loaded = load_adapter(loaded, model.adapter)
        template = _template(tokenizer, model.folder, model.adapter)
        return self._loaded(loaded, tokenizer, template, "no" if model.adapter is None else "adapter")

    def _whole(self, folder: Path, tuned: Path) -> Loaded:
        loaded = load_base(folder, self._config.quantization, device_for_replies())
        return self._loaded(loaded, load_tokenizer(tuned), Template.load(tuned), "itself")

    def _loaded(self, loaded: Any, tokenizer: PreTrainedTokenizerBase, template: Template, tuned: Tuned) -> Loaded:
        loaded.eval()
        limits = self._config.max_length, self._config.max_new_tokens
        writer = Writer(loaded, tokenizer, template, tuned, *limits)
        return Loaded(writer, Streams(writer, self._config.batch_size))


class LocalSession:
    """Implements contracts.Session; `models` gives the one that answers as each variant."""

    def __init__(self, model: ModelRef, models: Mapping[Variant, Callable[[], Loaded]], batch_size: int) -> None:
        self._model = model
        self._models: Mapping[Variant, Callable[[], Loaded]] | None = models
        self._batch_size = batch_size

    def answer(self, probes: Sequence[Probe], variant: Variant) -> Iterator[Answer]:
        """Greedy answers, the shortest prompts first."""
        conversations = [probe.messages for probe in probes]
        for index, reply in self._open(variant).writer.replies(conversations, variant, self._batch_size):
            yield Answer(probes[index].id, variant, reply.text, reply.ended)

    def stream(
        self, messages: Sequence[Message], variant: Variant, sampling: Sampling = GREEDY
    ) -> Generator[str, None, Streamed]:
        """One reply, piece by piece, in one batch with the other streams of that variant."""
        return self._open(variant).streams.stream(messages, variant, sampling)

    def complete(self, prompts: Sequence[Prompt], variant: Variant, **sampling: float) -> Iterator[Written]:
        """What the model writes to each prompt; fewer at a time when memory does not suffice."""
        return complete(self._open(variant).writer, prompts, variant, self._batch_size, **sampling)

    def info(self) -> ModelInfo:
        """What is loaded; of two whole models the tuned one."""
        variant: Variant = "base" if self._model.adapter is None else "tuned"
        return describe(self._open(variant).writer, self._model)

    def close(self) -> None:
        """Drop what was loaded and give its memory back."""
        self._models = None
        free_memory()

    def _open(self, variant: Variant) -> Loaded:
        if self._models is None:
            raise DocutuneError("the session is closed", "open it again")
        return self._models[variant]()


def _template(tokenizer: PreTrainedTokenizerBase, base: Path, adapter: Path | None) -> Template:
    """The template that the adapter was trained with, for the base too, so that both see the same prompts."""
    if adapter is None and not (base / TEMPLATE).is_file():
        return read_template(tokenizer, str(base))
    return template_of(tokenizer, adapter or base)
