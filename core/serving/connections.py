"""Clients that keep a connection open and neither send a request nor take their reply."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary


class Watch:
    """Hangs up on connections in which nothing has moved for `patience` seconds, though the client has to move.

    uvicorn waits for the head of a request, and for a client to take what was sent, as long as it takes.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._since: WeakKeyDictionary[Any, tuple[object, float]] = WeakKeyDictionary()

    def hang_up_on_the_silent(self, connections: Iterable[Any]) -> None:
        """Look at uvicorn's connections."""
        now = time.monotonic()
        for connection in list(connections):
            state = _awaited(connection)
            before, since = self._since.get(connection, (None, now))
            if state is None or state != before:
                self._since[connection] = (state, now)
            elif now - since > self._patience:
                connection.transport.abort()


def _awaited(connection: Any) -> object:
    """What is waited for from this client, in a form that changes when something moves; None when it is our turn."""
    unsent = connection.transport.get_write_buffer_size()
    cycle = connection.cycle
    if cycle is None or cycle.response_complete:
        return id(cycle), unsent
    return unsent or None
