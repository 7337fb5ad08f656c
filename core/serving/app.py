"""The endpoints: /health, /v1/models and /v1/chat/completions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from docutune.serving import replies
from docutune.serving.asked import Asked, read
from docutune.serving.engine import Engine, Reply
from docutune.serving.gate import HEALTH, note_tokens
from docutune.serving.refusals import Refused
from docutune.serving.settings import Settings

MODELS = "/v1/models"
CHAT = "/v1/chat/completions"
PATHS = (HEALTH, MODELS, CHAT)

_STREAMED = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def build(engine: Engine, settings: Settings) -> Starlette:
    """The ASGI application; every error is told in OpenAI's form."""

    async def health(_: Request) -> Response:
        state = engine.state
        return JSONResponse({"status": state}, 200 if state == "ready" else 503)

    async def models(_: Request) -> Response:
        engine.model()
        return JSONResponse(replies.models(engine.names, engine.created))

    async def model(request: Request) -> Response:
        engine.model()
        name = request.path_params["name"]
        engine.variant(name)
        return JSONResponse(replies.model(name, engine.created))

    routes = [
        Route(HEALTH, health),
        Route(MODELS, models),
        Route(f"{MODELS}/{{name:path}}", model),
        Route(CHAT, Chat(engine, settings), methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={Refused: _refused, HTTPException: _http_error, 500: _bug})
    app.router.redirect_slashes = False  # an address is made of the Host that a client claims
    return app


class Chat:
    """POST /v1/chat/completions, an ASGI application."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._most = settings.max_request_bytes
        self._patience = settings.patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request whole, then write the reply as long as somebody is there to read it."""
        headers = Headers(scope=scope)
        self._engine.model()
        _check_type(headers)
        raw = await self._body(headers, receive)
        if raw is not None:
            await _while_there(receive, self._answer(read(raw), scope, receive, send))

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """None when the client hung up; Refused when there is too much of it, or it takes too long to come."""
        length = headers.get("content-length", "0")
        if len(length) > 18 or int(length) > self._most:
            raise self._too_large()
        body = bytearray()
        work = asyncio.create_task(self._collect(body, receive))
        try:
            async with asyncio.timeout(self._patience):
                await self._engine.unless_ending(work)
        except TimeoutError:
            raise Refused(408, "the body did not come in time", headers={"Connection": "close"}) from None
        finally:
            work.cancel()
        return bytes(body) if work.result() else None

    async def _collect(self, body: bytearray, receive: Receive) -> bool:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            body += message.get("body", b"")
            if len(body) > self._most:
                raise self._too_large()
            more = message.get("more_body", False)
        return True

    def _too_large(self) -> Refused:
        return Refused(413, f"the body is longer than {self._most:,} bytes", "request_too_large")

    async def _answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        form = replies.Form(asked.model, asked.include_usage)
        async with self._engine.reply(asked) as reply:
            if asked.stream:
                await _stream(form, reply, send)
            else:
                text = "".join([piece async for piece in reply.pieces()])
                await JSONResponse(form.whole(text, reply.end))(scope, receive, send)
        if reply.end is not None:
            note_tokens(scope, reply.end.input_tokens, reply.end.output_tokens)


async def _stream(form: replies.Form, reply: Reply, send: Send) -> None:
    """Send the reply as it is written. What fails before the first piece has a status of its own, later it has not."""
    pieces = reply.pieces()
    first = await anext(pieces, "")
    headers = [(name.lower().encode(), value.encode()) for name, value in _STREAMED.items()]
    await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def put(part: bytes, more: bool = True) -> None:
        await send({"type": "http.response.body", "body": part, "more_body": more})

    await put(form.opening() + (form.piece(first) if first else b""))
    try:
        async for piece in pieces:
            await put(form.piece(piece))
    except Refused as refused:
        await put(replies.event(refused.body), more=False)
    else:
        await put(form.closing(reply.end), more=False)


async def _while_there(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`; break it off when the client hangs up."""
    doing, leaving = asyncio.create_task(work), asyncio.create_task(_left(receive))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
    if not doing.cancelled():
        doing.result()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _check_type(headers: Headers) -> None:
    kind, _, more = headers.get("content-type", "").partition(";")
    charset = more.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Refused(415, "the body must be JSON in UTF-8: send Content-Type: application/json")
    if headers.get("content-encoding", "identity") != "identity":
        raise Refused(415, "the body must not be compressed: leave Content-Encoding out")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse(error.body, error.status, error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    """Starlette's own: no such path, or a method that a path does not know."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        told = Refused(404, f"there is no such path; there are {', '.join(PATHS)}", "unknown_path")
    else:
        told = Refused(error.status_code, f"{error.detail.lower()} on this path", headers=error.headers)
    return JSONResponse(told.body, told.status, told.headers)


async def _bug(request: Request, error: Exception) -> Response:
    return JSONResponse(Refused(500, "the server has failed; its terminal says why").body, 500)
