"""A server in a thread of its own, from the moment its port is taken until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import uvicorn

from docutune.records import Variant
from docutune.serving.app import PATHS, build
from docutune.serving.connections import Watch
from docutune.serving.engine import Engine, Model
from docutune.serving.gate import Gate
from docutune.serving.settings import Listening, Settings, listen

_LOOK_SECONDS = 0.5
_KEEP_ALIVE = 30  # seconds that a connection may stay open between two requests
_LAST_WORDS = 5  # seconds that replies under way have to tell their clients that the server ends
_CONNECTIONS = 512


class Server:
    """Answers from the start: that the model is being loaded, until `ready` is called."""

    def __init__(self, place: Listening, settings: Settings) -> None:
        self.url = place.url
        self._news: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._engine = Engine(settings.concurrency, settings.max_waiting, self._news.put)
        gate = Gate(build(self._engine, settings), place, settings.key, PATHS, lambda line: self._news.put(str(line)))
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                gate,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_CONNECTIONS,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_LAST_WORDS,
            )
        )
        self._place = place
        self._patience = settings.patience
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="docutune-server")
        self._broken: BaseException | None = None

    def ready(self, model: Model, names: Mapping[str, Variant]) -> None:
        """From now on `model` answers, under these names."""
        self._engine.loaded(model, names)

    @property
    def names(self) -> Sequence[str]:
        """What clients may call the model and its base."""
        return tuple(self._engine.names)

    @property
    def failed(self) -> bool:
        """Whether the model is gone."""
        return self._engine.failed is not None

    def news(self) -> Iterator[str]:
        """A line for each request that is over, and for what fails, until the server ends."""
        while (line := self._news.get()) is not None:
            yield line

    def end(self) -> None:
        """Ask the server to end, from any thread; `news` then ends, too."""
        self._uvicorn.should_exit = True

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until every client was told; what broke the server itself is raised here."""
        self.end()
        self._thread.join()
        broken, self._broken = self._broken, None
        if broken is not None:
            raise broken

    def _run(self) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # what strangers send is no news
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._broken = error
        finally:
            self._news.put(None)

    async def _serve(self) -> None:
        looks = asyncio.create_task(self._look())
        try:
            await self._uvicorn.serve(sockets=[self._place.socket])
        finally:
            looks.cancel()

    async def _look(self) -> None:
        """Every now and then: is the model there, is the end near, who has been silent for too long."""
        watch = Watch(self._patience)
        while not self._uvicorn.should_exit:
            self._engine.look()
            watch.hang_up_on_the_silent(self._uvicorn.server_state.connections)
            await asyncio.sleep(_LOOK_SECONDS)
        self._engine.ending.set()


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """A server that listens; it ends with the block. UsageError or DocutuneError when it cannot have its address."""
    place = listen(settings)
    server = Server(place, settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        place.socket.close()
