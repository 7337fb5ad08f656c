"""A thread that writes what comes, many at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")

MOST = 1024
"""Items that may wait before whoever brings one has to."""


class Queued(Generic[Item]):
    """Hands items to `write` in one thread: what comes while it is at work goes along with the next call.

    A context manager; its block ends when all is written, and raises what `write` raised.
    """

    def __init__(self, write: Callable[[Sequence[Item]], None]) -> None:
        self._write = write
        self._items: list[Item] = []
        self._changed = threading.Condition()
        self._closed = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="docutune-writer", daemon=True)

    def put(self, item: Item) -> None:
        """Have an item written soon; raises what `write` raised before."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < MOST or self._failure is not None)
            self._raise()
            self._items.append(item)
            self._changed.notify_all()

    def __enter__(self) -> Queued[Item]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        if error is None:
            self._raise()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while items := self._next():
            try:
                self._write(items)
            except BaseException as failure:  # whoever puts the next item, or leaves the block, is given it
                with self._changed:
                    self._failure = failure
                    self._changed.notify_all()
                return

    def _next(self) -> list[Item]:
        """All that waits, as soon as something does; nothing once the block has ended and all is written."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            items, self._items = self._items, []
            self._changed.notify_all()
            return items
