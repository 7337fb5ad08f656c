"""How many requests one server gets at once: fewer when it has too much to do, none before the time that it names."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from docutune.errors import DocutuneError

DECREASE = 0.5


class Pace:
    """Slots for requests inside one event loop. A free slot is used at once, by whoever has waited longest.

    Their number follows additive increase and multiplicative decrease: Chiu and Jain, "Analysis of the Increase and
    Decrease Algorithms for Congestion Avoidance in Computer Networks", Computer Networks and ISDN Systems 17 (1989).
    As in TCP (RFC 6582, section 3.2) what was sent before a decrease is no reason for another one.
    """

    def __init__(self, most: int) -> None:
        """`most`: the slots at first, which are never more."""
        self._most = most
        self._limit = float(most)
        self._busy = 0
        self._decreases = 0
        self._not_before = 0.0
        self._refusal: DocutuneError | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """A slot, to be used after `opened`; gives what `slow_down` wants to know."""
        await self._take()
        try:
            yield self._decreases
        finally:
            self._busy -= 1
            self._hand_out()

    async def opened(self) -> None:
        """Return as soon as the server may be asked; DocutuneError when it must not be asked any more."""
        clock = asyncio.get_running_loop().time
        while (wait := self._not_before - clock()) > 0 and self._refusal is None:
            await asyncio.sleep(wait)
        self.check()

    def check(self) -> None:
        """Raise the error that keeps anything more from being sent, where there is one."""
        if self._refusal is not None:
            raise self._refusal

    def speed_up(self) -> None:
        """A request was answered: after as many answers as there are slots there is one more."""
        if self._limit < self._most:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)
            self._hand_out()

    def slow_down(self, began: int) -> bool:
        """A request met a server with too much to do: half the slots, unless it was sent before the last such change.

        `began` is what its slot gave. Returns whether anything was changed.
        """
        if began < self._decreases:
            return False
        self._decreases += 1
        self._limit = max(1.0, self._limit * DECREASE)
        return True

    def pause(self, seconds: float) -> None:
        """Let nothing be sent for that long."""
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + seconds)

    def refuse(self, error: DocutuneError) -> None:
        """Let nothing be sent any more: whoever is about to send is given this error."""
        self._refusal = self._refusal or error

    async def _take(self) -> None:
        if self._busy < int(self._limit) and not self._waiting:
            self._busy += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it got its slot in the very moment in which it was given up
                self._busy -= 1
                self._hand_out()
            raise

    def _hand_out(self) -> None:
        while self._waiting and self._busy < int(self._limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self._busy += 1
                turn.set_result(None)
