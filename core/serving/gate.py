"""What every request passes: who may ask, under which name, and a line about it when it is over."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docutune.serving.refusals import Refused
from docutune.serving.settings import Listening

HEALTH = "/health"
_HUNG_UP = 499  # as nginx writes of a client that did not wait for its answer
_NOTED = "docutune.noted"


@dataclass(frozen=True, slots=True)
class Line:
    """A request that is over, without what was said. `tokens`: read and written; status 499: the client hung up."""

    time: str
    client: str
    method: str
    path: str
    status: int
    seconds: float
    tokens: tuple[int, int] | None

    def __str__(self) -> str:
        counted = f", {self.tokens[0]} + {self.tokens[1]} tokens" if self.tokens else ""
        return f"{self.time} {self.client} {self.method} {self.path} {self.status}, {self.seconds:.2f} s{counted}"


def note_tokens(scope: Scope, read: int, written: int) -> None:
    """Have the request's line say how many tokens it took."""
    scope[_NOTED].append((read, written))


async def refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with an error."""
    await JSONResponse(refused.body, refused.status, refused.headers)(scope, receive, send)


class Gate:
    """An ASGI application around another one. A line names no path but `paths`: others are the client's words."""

    def __init__(
        self, app: ASGIApp, place: Listening, key: str | None, paths: tuple[str, ...], log: Callable[[Line], None]
    ) -> None:
        self._app = app
        self._key = None if key is None else _digest(key)
        self._hosts = {place.host, "localhost"} if place.loopback else None
        self._paths = paths
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        began = time.monotonic()
        status = [_HUNG_UP]
        noted: list[tuple[int, int]] = []

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        try:
            try:
                self._check(scope["path"], Headers(scope=scope))
            except Refused as refused:
                await refuse(refused, scope, receive, sent)
            else:
                await self._app({**scope, _NOTED: noted}, receive, sent)
        finally:
            client = (scope.get("client") or ("?", 0))[0]
            path = next((path for path in self._paths if scope["path"] == path), "(another path)")
            seconds = time.monotonic() - began
            now = time.strftime("%H:%M:%S")
            self._log(Line(now, client, scope["method"][:8], path, status[0], seconds, noted[0] if noted else None))

    def _check(self, path: str, headers: Headers) -> None:
        if self._hosts is not None:
            _check_names(headers, self._hosts)
        if self._key is not None and path != HEALTH:
            kind, _, given = headers.get("authorization", "").partition(" ")
            right = hmac.compare_digest(_digest(given.strip()), self._key)
            if kind.lower() != "bearer" or not right:
                told = "this server wants its key: send Authorization: Bearer KEY"
                raise Refused(401, told, "invalid_api_key", headers={"WWW-Authenticate": "Bearer"})


def _check_names(headers: Headers, hosts: set[str]) -> None:
    """A page of the web that has its own name lead to this machine is no client: it asks under that name."""
    host = headers.get("host", "")
    if _name(f"//{host}") not in hosts:
        raise Refused(403, f"this server is asked as {' or '.join(sorted(hosts))}, not by another Host", "wrong_host")
    origin = headers.get("origin")
    if origin is not None and _authority(origin) != host.lower():
        raise Refused(403, "pages of another origin may not ask this server", "wrong_origin")


def _name(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # ValueError when it is none
    except ValueError:
        return None
    plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    return parts.hostname if plain else None


def _authority(origin: str) -> str | None:
    """Host and port of an origin, as the header Host writes them."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _digest(key: str) -> bytes:
    """Of equal length for every key, so that a comparison takes equal time."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
