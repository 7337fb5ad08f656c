"""The one model that is loaded for all pages of a process: loaded beside what they do, asked by all of them, unloaded.

A thread of its own finds the model, opens it, holds it, and ends its worker; one that was loaded stays until another
has been found, and is ended before that is opened. The state is there for every page at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from docutune.chats.conversation import Talker
from docutune.desk.seat import Freed, Loaded, Open, Seat, State
from docutune.errors import DocutuneError, UsageError
from docutune.records import GREEDY, Sampling, Variant

if TYPE_CHECKING:
    from docutune.model_names import Named


class Loader:
    """At most one loaded model for all threads of this process."""

    def __init__(
        self, named: Callable[[str | None], Named], opened: Open, refuse_unknown: Callable[[str | None], None]
    ) -> None:
        """`named` finds a model by what it was asked for, `opened` opens it: both as Workspace has them.

        `refuse_unknown` says early where there is none, see model_names.
        """
        self._named, self._opened, self._refuse_unknown = named, opened, refuse_unknown
        self._lock = threading.Lock()
        self._current: Seat | None = None
        self._coming: Seat | None = None  # it is looked for, or cannot be had
        self._freed: Freed | None = None
        self._closed = False

    @property
    def state(self) -> State:
        """What is loaded, on its way, or failed."""
        with self._lock:
            seat, coming, freed = self._current, self._coming, self._freed
        state = seat.state(freed) if seat is not None else State("none", freed=freed)
        return state if coming is None else replace(coming.state(freed), loaded=state.loaded)

    def now(self) -> Loaded | None:
        """The model that is ready; None while none is."""
        return self.state.loaded

    def load(self, name: str | None) -> None:
        """Begin to load what `name` names (None: the model trained last) and return at once.

        What is loaded stays until the other has been found, on this disk or by a download, and is ended then. A name
        that can mean nothing raises DocutuneError; why it fails later is kept for the state.
        """
        self._refuse_unknown(name)
        seat = Seat(name or "")
        with self._lock:
            if self._closed:
                raise DocutuneError("the server is ending", "start it again: docutune ui")
            given_up, self._coming = self._coming, seat
        if given_up is not None:
            given_up.end()
        threading.Thread(target=self._hold, args=(seat,), name="docutune-model", daemon=True).start()

    def unload(self) -> Freed | None:
        """End the worker, or the loading, and wait until it is gone; None when nothing was loaded."""
        with self._lock:
            seat, coming, self._coming = self._current, self._coming, None
        if coming is not None:
            coming.end()
        if seat is None:
            return None
        freed = self._end(seat)
        with self._lock:
            if self._current is seat:
                self._current = None
        return freed

    def forget_failure(self, but: str | None = None) -> None:
        """Somebody has gone on to something else: why a model was not loaded, or was lost, is old news.

        Not so for the model that is called `but`.
        """
        with self._lock:
            if self._coming is not None and self._coming.is_old_news(but):
                self._coming = None
            if self._current is not None and self._current.is_old_news(but):
                self._current = None

    def close(self) -> None:
        """Unload for good: the server ends."""
        with self._lock:
            self._closed = True
        self.unload()

    def talker(self, variant: Variant | None = None, sampling: Sampling = GREEDY) -> Talker:
        """Who answers in chats: the model that is ready, however long it stays. UsageError when none is.

        `variant` None: as the tuned model, unless it is a base. Unloading it ends replies that stream with a
        DocutuneError, and so is answered whoever asks it later.
        """
        with self._lock:
            seat, coming = self._current, self._coming
        if seat is None or seat.asked is None or seat.named is None:
            if any(one is not None and one.state(None).loading for one in (seat, coming)):
                raise UsageError("the model is still being loaded", "ask again when it is ready")
            raise UsageError("no model is loaded", "load one in the tab Models")
        base_only = seat.named.form == "base"
        return Talker(seat.asked, seat.named.name, variant or ("base" if base_only else "tuned"), sampling, base_only)

    def _hold(self, seat: Seat) -> None:
        found = seat.find(self._named)
        with self._lock:
            if found is None or self._coming is not seat:
                return
            seat.previous, self._current, self._coming = self._current, seat, None
        if seat.previous is not None:
            self._end(seat.previous)
            seat.previous = None
        seat.hold(found, self._opened)

    def _end(self, seat: Seat) -> Freed | None:
        """Until its worker is gone, and that of the one before, which it may still be waiting for."""
        previous = seat.previous
        freed = seat.end() or (self._end(previous) if previous is not None else None)
        with self._lock:
            self._freed = freed or self._freed
        return freed
