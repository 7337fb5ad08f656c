"""What is refused before it reaches the page: other sites, foreign names for this address, and whatever is not needed.

A page that another site serves can make a browser send requests to this address (DNS rebinding gives it even our own
origin's name), so the Host must be one of ours and the Origin the same as it. Of gradio's many routes only those that
the page itself uses are there.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import ipaddress
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docutune.plugins.frontends.gradio import bodies
from docutune.plugins.frontends.gradio.guesses import SECONDS, Guesses

_SECONDS_AFTER_WRONG = 0.5  # each wrong password costs whoever guesses that long
_NOT_PASSED_ON = (b"x-forwarded-host", b"x-gradio-server")

_ROUTES = re.compile(
    r"/|/favicon\.ico|/reports/[0-9-]+/(report|quality)\.html|/(en|zh)|/(en|zh)/("
    r"config/?|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(static|assets)/.*"
    r"|gradio_api/(info/?|theme\.css|app_id/?|startup-events|heartbeat/\w+|queue/(join|data)|reset/?|cancel"
    r"|upload|upload_progress|file=.*)"
    r")?"
)
_FILE = "/gradio_api/file="
_UPLOAD = "/gradio_api/upload"

_HEADERS = {
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; "
    "worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


_HEADERS_OF_FILES = {**_HEADERS, "content-security-policy": "sandbox; default-src 'none'"}
"""What was exported may be a page of its own: it gets no script, and no origin."""


@dataclass(frozen=True)
class Guard:
    """An ASGI application around another.

    `exports` is the folder that may be downloaded from, `uploads` that of uploaded files, both resolved.
    """

    app: ASGIApp
    host: str
    port: int
    password: str | None
    exports: Path
    uploads: Path
    largest: int
    """Bytes that one upload may have."""
    _guesses: Guesses = field(default_factory=Guesses)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused, pass on all else with headers that keep the page to itself."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        answer = _with_headers(send, _HEADERS_OF_FILES if _FILE in scope["path"] else _HEADERS)
        refused = await self._refusal(scope)
        if refused is None:
            refused, receive = await self._taken(scope, receive)
        if refused is not None:
            await refused(scope, receive, answer)
            return
        await self.app(_plain(scope), receive, answer)

    async def _refusal(self, scope: Scope) -> Response | None:
        """What its head is refused for."""
        headers = Headers(scope=scope)
        if scope["type"] != "http":
            return PlainTextResponse("not found", 404)
        if not self._is_ours(headers.get("host", "")):
            return PlainTextResponse("this address is not served under that name", 421)
        if not self._same_site(headers):
            return PlainTextResponse("requests of other sites are refused", 403)
        if self.password is not None:
            stranger = await self._stranger(scope, headers.get("authorization"), self.password)
            if stranger is not None:
                return stranger
        return None if self._is_served(scope["path"]) else PlainTextResponse("not found", 404)

    async def _stranger(self, scope: Scope, given: str | None, password: str) -> Response | None:
        """What is told to those that do not give the password; None to those that do."""
        address = (scope.get("client") or ("",))[0]
        if given is not None and self._guesses.too_many(address, time.monotonic()):
            wait = {"retry-after": f"{SECONDS:.0f}"}
            return PlainTextResponse("too many wrong passwords: wait for a minute", 429, wait)
        if given is not None and _gives(given, password):
            return None
        if given is not None:
            self._guesses.wrong(address, time.monotonic())
            await asyncio.sleep(_SECONDS_AFTER_WRONG)
        ask = {"www-authenticate": 'Basic realm="docutune", charset="UTF-8"'}
        return PlainTextResponse("the password of this docutune is needed", 401, ask)

    async def _taken(self, scope: Scope, receive: Receive) -> tuple[Response | None, Receive]:
        """What its body is refused for, and how the body is to be received."""
        uploading = scope["path"].endswith(_UPLOAD)
        most = self.largest if uploading else bodies.LARGEST_JSON
        if _number(Headers(scope=scope).get("content-length", "0")) > most:
            return PlainTextResponse("too large", 413), receive
        if scope["method"] != "POST":
            return None, bodies.limited(receive, most)
        if uploading:
            full = not await asyncio.to_thread(bodies.has_room, self.uploads)
            return PlainTextResponse("too much was uploaded", 507) if full else None, bodies.limited(receive, most)
        body = await bodies.read(receive, most)
        if body is None:
            return PlainTextResponse("too large", 413), receive
        wrong = bodies.mistake(body, self.uploads)
        return PlainTextResponse(wrong, 400) if wrong else None, bodies.again(body, receive)

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header names this server; numbers cannot be rebound, so any of them will do elsewhere."""
        name, port = _split(host)
        if port is not None and port != self.port:
            return False
        if name in ("localhost", self.host):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return self.password is not None and name == socket.gethostname().lower()
        return address.is_loopback or self.password is not None

    def _same_site(self, headers: Headers) -> bool:
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is not None:
            return origin in (f"http://{host}", f"https://{host}")
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")

    def _is_served(self, path: str) -> bool:
        if not _ROUTES.fullmatch(path):
            return False
        _, is_file, name = path.partition(_FILE)
        if not is_file:
            return ".." not in unquote(path).split("/")
        return all(self._may_be_read(spelt) for spelt in {name, unquote(name)})

    def _may_be_read(self, name: str) -> bool:
        path = Path(name)
        try:
            found = path.resolve()
        except (OSError, ValueError, RuntimeError):
            return False
        return ".." not in path.parts and any(found.is_relative_to(top) for top in (self.exports, self.uploads))


def _split(host: str) -> tuple[str, int | None]:
    """Name and port of a Host header; the name of an IPv6 address without its brackets."""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]*)(?::(\d{1,5}))?", host.strip())
    if not found:
        return "", None
    return found[1].strip("[]").lower(), int(found[2]) if found[2] else None


def _gives(authorization: str, password: str) -> bool:
    """Whether a Basic authorization (RFC 7617) gives the password; the user's name counts for nothing."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, password.encode())


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _plain(scope: Scope) -> Scope:
    """Without what gradio would take for its own address: that is the Host, which was looked at."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in _NOT_PASSED_ON]}


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in headers.items()]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await send(message)

    return sending
