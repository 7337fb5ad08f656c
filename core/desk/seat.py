"""One model from the wish to the end of its worker, and what a page shows of it meanwhile."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from docutune.desk.asking import Asked
from docutune.desk.resident import Memory, gpu, measure, own, resident
from docutune.errors import Cancelled, DocutuneError
from docutune.jobs.sessions import RemoteSession, Watch
from docutune.records import ModelInfo

if TYPE_CHECKING:
    from docutune.model_names import Named

Phase: TypeAlias = Literal["none", "loading", "ready", "unloading", "failed"]
Open: TypeAlias = "Callable[[Named, Watch], AbstractContextManager[RemoteSession]]"

_LOOK_SECONDS = 0.5  # between looks whether the worker is still there
_FRESH_SECONDS = 0.5  # that long a measured figure is shown again: several pages ask every second
_GPU_SECONDS = 5.0  # to ask the driver starts a process

log = logging.getLogger("docutune.desk")


@dataclass(frozen=True, slots=True)
class Loading:
    """A model that is on its way. `worker` is what its process holds by now, `weights` what its files hold, in bytes;
    both are 0 while it is looked for, which may take a download.
    """

    name: str
    since: datetime
    worker: int
    weights: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready. `name` is what it was asked for by, "" for the newest; `named` what was found.

    `info` is None where the runtime tells nothing. `memory` is in use now, `before` was before the model was loaded.
    """

    name: str
    named: Named
    info: ModelInfo | None
    memory: Memory
    before: Memory
    since: datetime


@dataclass(frozen=True, slots=True)
class Freed:
    """A model that was unloaded: what was in use before it was loaded, while it was, and after it was gone."""

    name: str
    before: Memory
    loaded: Memory
    after: Memory


@dataclass(frozen=True, slots=True)
class State:
    """What every page shows. `phase` and `name` are of what was asked for last, `loaded` is the model that is ready,
    which stays while another is looked for or cannot be had. `freed` is the last unloading of this process; `error`
    says why the phase is "failed".
    """

    phase: Phase
    name: str = ""
    loading: Loading | None = None
    loaded: Loaded | None = None
    error: DocutuneError | None = None
    freed: Freed | None = None


@dataclass
class Seat:
    """One model from the wish to the end of its worker; `hold` runs in a thread of its own, all else in any.

    `previous` is the one that is ended before.
    """

    name: str
    previous: Seat | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    named: Named | None = None
    asked: Asked | None = None
    error: DocutuneError | None = None
    _info: ModelInfo | None = None
    _before: Memory | None = None
    _most: Memory | None = None
    _after: Memory | None = None
    _weights: int = 0
    _pid: int | None = None
    _opening: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ending: threading.Event = field(default_factory=threading.Event)
    _gone: threading.Event = field(default_factory=threading.Event)
    _worker_seen: tuple[float, int] = (-math.inf, 0)
    _gpu_seen: tuple[float, int | None] = (-math.inf, None)

    def find(self, named: Callable[[str | None], Named]) -> Named | None:
        """What its name means, which may take a download; None where that cannot be had, or nobody wants it now."""
        with self._telling():
            found = named(self.name or None)
            return None if self._ending.is_set() else found
        return None

    def hold(self, found: Named, opened: Open) -> None:
        """Open it, and keep it until `end` is called or its worker is lost."""
        try:
            with self._telling():
                if not self._begin(found):
                    return
                with opened(found, Watch(self._begun, self._ending.is_set)) as session:
                    self._ready(session)
                    while not self._ending.wait(_LOOK_SECONDS):
                        if lost := session.lost():
                            raise lost
        finally:
            self.asked = None
            self._after = measure(None)
            self._gone.set()

    def end(self) -> Freed | None:
        """Have it ended and wait for that; None where no worker was begun. A model that is looked for is not waited
        for: a download cannot be broken off, and nothing is loaded after it.
        """
        with self._lock:
            if self._most is None and self.asked is not None:
                self._most = self._measured()
            self._ending.set()
            opening = self._opening
        if opening:
            self._gone.wait()
        if self._before is None or self._after is None or self._most is None:
            return None
        return Freed(self._shown, self._before, self._most, self._after)

    def state(self, freed: Freed | None) -> State:
        """As every page shows it."""
        if self.error is not None:
            return State("failed", self._shown, error=self.error, freed=freed)
        if self._ending.is_set():
            return State("unloading", self._shown, freed=freed)
        if self.asked is None or self.named is None or self._before is None:
            loading = Loading(self._shown, self.since, self._held(), self._weights)
            return State("loading", self._shown, loading=loading, freed=freed)
        loaded = Loaded(self.name, self.named, self._info, self._measured(), self._before, self.since)
        return State("ready", self._shown, loaded=loaded, freed=freed)

    def is_old_news(self, but: str | None) -> bool:
        """Whether it has failed, and is not the one that is asked for by that name."""
        return self.error is not None and self.name != but

    @property
    def _shown(self) -> str:
        return self.named.name if self.named is not None else self.name

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What goes wrong is kept for the state."""
        try:
            yield
        except Cancelled:
            pass  # whoever ended it knows
        except DocutuneError as error:
            self.error = error
        except Exception as error:
            log.error("loading a model failed", exc_info=error)
            told = f"{self.name}: could not be loaded: {error!r}"
            self.error = DocutuneError(told, "the terminal of the server says more")

    def _begin(self, found: Named) -> bool:
        """Whether it is still wanted; from here on `end` waits."""
        with self._lock:
            self._opening = not self._ending.is_set()
            self.named, self._weights = found, _weights(found)
        self._before = measure(None)
        return self._opening

    def _begun(self, pid: int) -> None:
        self._pid = pid

    def _ready(self, session: RemoteSession) -> None:
        try:
            self._info = session.info()
        except DocutuneError as error:
            if session.lost():
                raise
            log.info("the runtime tells nothing of its model: %s", error.message)
        self.since = datetime.now(UTC)
        self._worker_seen = (-math.inf, 0)  # what was measured while it grew is old
        self.asked = Asked(session, self._shown, self._ending.is_set)

    def _measured(self) -> Memory:
        moment, used = self._gpu_seen
        if time.monotonic() - moment > _GPU_SECONDS:
            used = gpu()
            self._gpu_seen = (time.monotonic(), used)
        return Memory(own(), self._held(), used)

    def _held(self) -> int:
        """Bytes of the worker, measured a moment ago at most."""
        moment, size = self._worker_seen
        if time.monotonic() - moment > _FRESH_SECONDS:
            size = resident(self._pid)
            self._worker_seen = (time.monotonic(), size)
        return size


def _weights(named: Named) -> int:
    """Bytes of the files that hold the weights."""
    folders: list[Path] = [named.ref.folder, *([named.ref.adapter] if named.ref.adapter else [])]
    return sum(file.stat().st_size for folder in folders for file in folder.glob("*.safetensors"))
