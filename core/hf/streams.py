"""Replies piece by piece, several at a time: those of one variant are written in one batch, token by token.

A stream may begin and end at any token of the others. All is done in one thread, a token at a time, by whoever asks for
the next piece: so nothing is switched under anybody, and what nobody asks for is not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from docutune.hf import generate
from docutune.hf.batch import Batch, Forward, read_on
from docutune.hf.choosing import Choice
from docutune.hf.spelling import Spelling
from docutune.records import Message, Sampling, Streamed, Variant


class Streams:
    """The streams of one loaded model; at most `most` of each variant are written at once, the others wait."""

    def __init__(self, generator: generate.Generator, most: int) -> None:
        self._generator = generator
        self._ends = frozenset(generator.end_ids())
        self._lanes: Mapping[Variant, _Lane] = {
            "base": _Lane(generator, "base", most),
            "tuned": _Lane(generator, "tuned", most),
        }

    def stream(
        self, messages: Sequence[Message], variant: Variant, sampling: Sampling
    ) -> Generator[str, None, Streamed]:
        """One reply, "" where a token shows nothing. Implements contracts.Session.stream."""
        reply, lane = Reply(self._generator, self._ends, messages, sampling), self._lanes[variant]
        lane.waiting.append(reply)
        try:
            end = None
            while end is None:
                if not reply.moved:
                    lane.step()
                end = reply.end  # looked at together with the text: others may move it on before we are asked again
                yield reply.take()
            return end
        finally:
            lane.leave(reply)


class Reply:
    """One reply while it is written. `ids` are prompt and reply, `moved` whether it went on since it was looked at."""

    def __init__(
        self, generator: generate.Generator, ends: frozenset[int], messages: Sequence[Message], sampling: Sampling
    ) -> None:
        model, tokenizer = generator.model, generator.tokenizer
        limit = sampling.max_new_tokens or generator.max_new_tokens
        self.ids = generator.prompt(messages, limit)
        self.read = 0  # tokens of the prompt that are in the cache
        self.cache: Any = DynamicCache(config=model.config.get_text_config(decoder=True))
        self.moved = False
        self.end: Streamed | None = None
        self.failure: BaseException | None = None
        self._length = len(self.ids)
        room = (generate.context_length(model) or self._length + limit) - self._length
        self._most = self._length + min(limit, room)
        self._ends = ends
        self._choice = Choice(sampling, model.generation_config)
        self._spelling = Spelling(
            lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)),
            sampling.stop,
        )
        self._text = ""

    def go_on(self, scores: torch.Tensor) -> None:
        """Choose the next token by the scores of shape (vocabulary,). What goes wrong is this reply's alone."""
        try:
            self._add(self._choice(self.ids, scores))
        except Exception as error:
            self.fail(error)

    def _add(self, token: int) -> None:
        self.ids.append(token)
        self.moved = True
        ended = token in self._ends
        self._text += "" if ended else self._spelling.add(token)
        if ended or self._spelling.stopped or len(self.ids) >= self._most:
            self._text += self._spelling.finish()
            ended = ended or self._spelling.stopped
            self.end = Streamed(ended, self._length, len(self.ids) - self._length)

    def take(self) -> str:
        """The text since the last time; raises what went wrong."""
        if self.failure is not None:
            raise self.failure
        text, self._text, self.moved = self._text, "", False
        return text

    def fail(self, error: Exception) -> None:
        """Nothing more comes; whoever asks for the next piece is told."""
        self.failure, self.moved = error, True


class _Lane:
    """The streams of one variant: those that wait, and those that are written."""

    def __init__(self, generator: generate.Generator, variant: Variant, most: int) -> None:
        self.waiting: list[Reply] = []
        self._batches: list[Batch[Reply]] = []
        self._generator = generator
        self._forward = Forward(generator.model)
        self._variant = variant
        self._most = most

    def step(self) -> None:
        """One more token for every stream, and a part of the prompt of the one that waits longest."""
        self._generator.become(self._variant)
        with torch.inference_mode():
            for batch in self._batches:
                self._write(batch)
            self._keep(lambda reply: reply.end is None and reply.failure is None)
            if self.waiting and sum(len(batch.rows) for batch in self._batches) < self._most:
                self._read(self.waiting[0])

    def leave(self, reply: Reply) -> None:
        """Give up a reply, wherever it is."""
        if reply in self.waiting:
            self.waiting.remove(reply)
        self._keep(lambda other: other is not reply)

    def _write(self, batch: Batch[Reply]) -> None:
        try:
            batch.step(self._forward)
        except Exception as error:
            for reply in batch.rows:
                reply.fail(error)

    def _read(self, reply: Reply) -> None:
        try:
            scores = read_on(self._forward, reply)
            if scores is not None:
                reply.go_on(scores)
        except Exception as error:
            reply.fail(error)
        if reply.moved:
            self.waiting.remove(reply)
        if reply.moved and reply.end is None and reply.failure is None:
            self._join(Batch(reply))

    def _join(self, batch: Batch[Reply]) -> None:
        if batch.open and self._batches:
            self._batches[0].join(batch)
        else:
            self._batches.append(batch)

    def _keep(self, wanted: Callable[[Reply], bool]) -> None:
        for batch in self._batches:
            batch.keep(wanted)
        self._batches = [batch for batch in self._batches if batch.rows]
