"""The page in several languages: one is there with the first request, the others a moment later, or when asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

_SECONDS_OF_PEACE = 2.0  # in which a browser loads the first page


@dataclass(frozen=True)
class Tongues:
    """An ASGI application of several. `build` makes the page of a language, which answers below /<language>."""

    beside: FastAPI
    build: Callable[[str], FastAPI]
    languages: Sequence[str]
    first: str
    _built: dict[str, FastAPI] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        language = scope["path"].split("/")[1]
        app = await self._page(language) if language in self.languages else self.beside
        await app(scope, receive, send)

    async def _page(self, language: str) -> FastAPI:
        if language not in self._built:
            async with self._lock:  # gradio builds one page at a time
                if language not in self._built:
                    app = await asyncio.to_thread(self.build, language)
                    await self._running.enter_async_context(app.router.lifespan_context(app))
                    self._built[language] = app
        return self._built[language]

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._page(self.first)
        rest = asyncio.create_task(self._rest())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        rest.cancel()
        await self._running.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _rest(self) -> None:
        await asyncio.sleep(_SECONDS_OF_PEACE)
        for language in self.languages:
            await self._page(language)
