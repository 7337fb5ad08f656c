"""Replies of a session that blocks, for an event loop: a few at a time, each in a thread of its own, the rest waits."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from docutune.errors import DocutuneError, JobError, TooLong
from docutune.records import Message, Sampling, Streamed, Variant
from docutune.serving.asked import Asked
from docutune.serving.refusals import Refused, unready

_RETRY_BUSY = 2  # seconds, told to those who find too many before them
_RETRY_LOADING = 5

_Arrived = str | Streamed | None | Exception


class Model(Protocol):
    """What is asked: a session in a worker process."""

    def stream(
        self, messages: tuple[Message, ...], variant: Variant, sampling: Sampling
    ) -> Generator[str, None, Streamed | None]:
        """One reply, piece by piece; called from several threads at a time."""

    def lost(self) -> DocutuneError | None:
        """Why there is no worker any more; None while there is one."""


class Engine:
    """The model that is served, or why there is none. All but `loaded` and `end` belongs to one event loop."""

    def __init__(self, concurrency: int, max_waiting: int, tell: Callable[[str], None]) -> None:
        self.names: Mapping[str, Variant] = {}
        self.created = 0
        self.ending = asyncio.Event()
        self._model: Model | None = None
        self.failed: str | None = None
        self._tell = tell
        self._slots = asyncio.Semaphore(concurrency)
        self._max_waiting = max_waiting
        self._waiting = 0

    @property
    def state(self) -> str:
        """What /health says: loading, ready, failed or ending."""
        if self.ending.is_set():
            return "ending"
        return "failed" if self.failed else "ready" if self._model else "loading"

    def loaded(self, model: Model, names: Mapping[str, Variant]) -> None:
        """From now on `model` answers, under these names."""
        self.names, self.created = names, int(time.time())
        self._model = model

    def look(self) -> None:
        """Tell of a worker that is gone, once."""
        lost = self._model.lost() if self._model and not self.failed and not self.ending.is_set() else None
        if lost:
            self.failed = lost.message
            self._tell(f"the model answers no more: {lost.message}; end this server and start it again")

    def model(self) -> Model:
        """The model; Refused where there is none."""
        if self.ending.is_set():
            raise unready("the server is about to end")
        if self._model is None:
            raise unready("the model is being loaded", _RETRY_LOADING)
        self.look()
        if self.failed:
            raise unready("the model's process has ended; whoever runs this server must start it again")
        return self._model

    def variant(self, name: str) -> Variant:
        """Which variant of the model a name means; Refused when it means none."""
        if name not in self.names:
            known = ", ".join(self.names)
            raise Refused(404, f"there is no model of that name here; there is: {known}", "model_not_found", "model")
        return self.names[name]

    @asynccontextmanager
    async def reply(self, asked: Asked) -> AsyncIterator[Reply]:
        """The reply to a request, when its turn has come; generation ends with the block."""
        model, variant = self.model(), self.variant(asked.model)
        await self._turn()
        reply = Reply(asyncio.get_running_loop(), self._slots.release, self._refusal)
        threading.Thread(target=reply.write, args=(model, asked, variant), name="docutune-reply", daemon=True).start()
        ended = asyncio.create_task(self._end_with(reply))
        try:
            yield reply
        finally:
            ended.cancel()
            reply.give_up()

    async def unless_ending(self, work: asyncio.Task[Any]) -> None:
        """Wait for `work`; Refused when the server ends before. Whoever gave it looks after its result."""
        ending = asyncio.create_task(self.ending.wait())
        try:
            await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
        if not work.done():
            work.cancel()
            raise unready("the server is about to end")

    async def _turn(self) -> None:
        if self._slots.locked() and self._waiting >= self._max_waiting:
            raise Refused(
                429,
                f"{self._waiting} requests wait already: try again later",
                "too_many_waiting",
                headers={"Retry-After": str(_RETRY_BUSY)},
            )
        self._waiting += 1
        turn = asyncio.create_task(self._slots.acquire())
        try:
            await self.unless_ending(turn)
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._slots.release()
            turn.cancel()
            raise
        finally:
            self._waiting -= 1

    async def _end_with(self, reply: Reply) -> None:
        await self.ending.wait()
        reply.arrive(unready("the server is about to end"))

    def _refusal(self, error: DocutuneError) -> Refused:
        """What a client is told of a failed reply; what is not the client's business is told here."""
        self.look()
        if self.failed or self.ending.is_set():
            return unready("the model's process has ended" if self.failed else "the server is about to end")
        if isinstance(error, TooLong):
            return Refused(400, f"{error.message}: {error.hint}", "context_length_exceeded", "messages")
        if isinstance(error, JobError) and error.bug:
            self._tell(f"a reply failed through a bug of the runtime; its traceback is in {error.log}")
            return Refused(500, "the model failed to answer; the server's terminal says why", "model_failed")
        return Refused(400, f"{error.message}; {error.hint}" if error.hint else error.message, param="messages")


class Reply:
    """The pieces of one reply as they arrive; `end` says how it ended, once it has.

    `done` is called when nothing is written any more, `refusal` makes of an error what a client is told.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        done: Callable[[], None],
        refusal: Callable[[DocutuneError], Refused],
    ) -> None:
        self.end: Streamed | None = None
        self._loop = loop
        self._done = done
        self._refusal = refusal
        self._arrived: asyncio.Queue[_Arrived] = asyncio.Queue()
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """Nobody wants the rest."""
        self._given_up.set()

    def arrive(self, what: _Arrived) -> None:
        """In the loop's own thread: the next piece, the end, or why there is none."""
        self._arrived.put_nowait(what)

    async def pieces(self) -> AsyncIterator[str]:
        """Each piece that holds something; Refused when the reply fails. What has arrived meanwhile comes in one."""
        while True:
            text, last = self._come(await self._arrived.get())
            if text:
                yield text
            if isinstance(last, DocutuneError):
                raise self._refusal(last)
            if isinstance(last, Exception):
                raise last
            if not isinstance(last, str):
                self.end = last
                return

    def _come(self, arrived: _Arrived) -> tuple[str, _Arrived]:
        """The text of all pieces that are there, and what came last."""
        text = ""
        while isinstance(arrived, str):
            text += arrived
            if self._arrived.empty():
                break
            arrived = self._arrived.get_nowait()
        return text, arrived

    def write(self, model: Model, asked: Asked, variant: Variant) -> None:
        """In a thread of its own: have the reply written, until its end or until it is given up."""
        last: _Arrived = None
        try:
            last = self._written(model.stream(asked.messages, variant, asked.sampling))
        except Exception as error:
            last = error
        finally:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                self._loop.call_soon_threadsafe(self._finish, last)

    def _written(self, stream: Generator[str, None, Streamed | None]) -> Streamed | None:
        with contextlib.closing(stream):
            while not self._given_up.is_set():
                try:
                    piece = next(stream)
                except StopIteration as stop:
                    end: Streamed | None = stop.value
                    return end
                self._loop.call_soon_threadsafe(self.arrive, piece)
        return None

    def _finish(self, last: _Arrived) -> None:
        self._done()
        self.arrive(last)
