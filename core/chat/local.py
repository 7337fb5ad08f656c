"""A chat model of this machine: a base model in a worker process, asked by docutune's own runtime. Nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docutune.chat.failures import Failed
from docutune.chat.journal import Request
from docutune.chat.model import Received
from docutune.contracts import Session
from docutune.errors import DocutuneError, JobError
from docutune.records import Prompt, Written

if TYPE_CHECKING:
    from pydantic import BaseModel

GATHERING = 0.05
"""Seconds without a new request after which those that wait are put to the model together."""

_SEED_DIGITS = 16


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A request, and where its reply is awaited."""

    request: Request
    reply: asyncio.Future[Received]


class Local:
    """Implements chat.model.Model. The worker starts with the first request; those that wait are answered together."""

    def __init__(self, name: str, begin: Callable[[], Session], most: int) -> None:
        """`name` of the model in messages; `begin` opens it, which takes a while; `most` requests at a time."""
        self._name = name
        self._begin = begin
        self._most = most
        self._session: Session | None = None
        self._waiting: list[_Waiting] = []
        self._answering: asyncio.Task[None] | None = None

    async def send(self, request: Request, schema: type[BaseModel]) -> Received:
        """As Model says; there is no timeout, for a worker that died is noticed."""
        reply: asyncio.Future[Received] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(request, reply))
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer_all())
        return await reply

    async def close(self) -> None:
        """End the worker, which frees the memory."""
        if self._answering is not None:
            self._answering.cancel()
        if self._session is not None:
            self._session.close()
            self._session = None

    async def _answer_all(self) -> None:
        while self._waiting:
            await self._gather()
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                await self._answer([item for item in batch if not item.reply.done()])
            except DocutuneError as error:
                told = _told(error, self._name)
                _fail([*batch, *self._waiting], Failed(told.message, again=False, fatal=told))
                self._waiting = []

    async def _gather(self) -> None:
        """Wait for more requests while they keep coming: a batch costs hardly more time than one of them."""
        seen = 0
        while seen < len(self._waiting) < self._most:
            seen = len(self._waiting)
            await asyncio.sleep(GATHERING)

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        """The worker is started in this thread, which waits for it: nothing else is to be done before it is there."""
        if self._session is None:
            self._session = self._begin()
        await asyncio.to_thread(self._complete, self._session, batch, asyncio.get_running_loop())
        _fail(batch, Failed("the runtime left it unanswered", again=False))

    def _complete(self, session: Session, batch: Sequence[_Waiting], loop: asyncio.AbstractEventLoop) -> None:
        """Put the requests to the model, and hand each reply over as it comes. Those of one step are sampled alike."""
        by_id = {item.request.key: item for item in batch}
        if not by_id:
            return
        first = batch[0].request
        prompts = [Prompt(key, item.request.messages, _seed(key)) for key, item in by_id.items()]
        written = session.complete(prompts, "base", temperature=first.temperature, max_new_tokens=first.max_tokens)
        for one in written:
            if one.prompt in by_id:
                loop.call_soon_threadsafe(_hand_over, by_id[one.prompt].reply, one)


def _seed(key: str) -> int:
    """The same request draws the same numbers."""
    return int(key[:_SEED_DIGITS], 16)


def _hand_over(reply: asyncio.Future[Received], written: Written) -> None:
    if reply.done():
        return
    if written.refused is not None:
        reply.set_exception(Failed(written.refused, again=False, answered=True))
        return
    finish = "stop" if written.ended else "length"
    reply.set_result(Received(written.text, finish, written.input_tokens, written.output_tokens))


def _fail(batch: Sequence[_Waiting], failure: Failed) -> None:
    for item in batch:
        if not item.reply.done():
            item.reply.set_exception(failure)


def _told(error: DocutuneError, name: str) -> DocutuneError:
    """The same error, which says which model it is."""
    told = f"{name}, on this machine: {error.message}"
    return JobError(told, error.hint, error.log if isinstance(error, JobError) else None)
