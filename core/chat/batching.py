"""Writes that wait for the disk, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Batched(Generic[Item]):
    """Hands items to `write` in a thread: what comes while it is at work goes along with the next call.

    A disk confirms many items at once about as fast as one. Belongs to one event loop.
    """

    def __init__(self, write: Callable[[Sequence[Item]], None]) -> None:
        self._write = write
        self._waiting: list[tuple[Item, asyncio.Future[None] | None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    async def add(self, item: Item) -> None:
        """Write an item; when this returns it is written. Raises what `write` raises."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(item, written)
        await written

    def add_soon(self, item: Item) -> None:
        """Write an item without waiting; the next call and `close` raise what `write` raised."""
        if self._failure is not None:
            raise self._failure
        self._put(item, None)

    async def close(self) -> None:
        """Return when all is written."""
        while self._writing is not None:
            await asyncio.shield(self._writing)
        if self._failure is not None:
            raise self._failure

    def _put(self, item: Item, written: asyncio.Future[None] | None) -> None:
        self._waiting.append((item, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                failure = await self._written([item for item, _ in batch])
                for _, written in batch:
                    _tell(written, failure)
        finally:
            self._writing = None

    async def _written(self, items: Sequence[Item]) -> Exception | None:
        try:
            await asyncio.to_thread(self._write, items)
        except Exception as error:  # each who waits is given it, and `close` raises it
            self._failure = self._failure or error
            return error
        return None


def _tell(written: asyncio.Future[None] | None, failure: Exception | None) -> None:
    if written is None or written.done():
        return
    if failure is None:
        written.set_result(None)
    else:
        written.set_exception(failure)
