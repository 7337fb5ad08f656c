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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS_AFTER_WRONG = 0.5  # each wrong password costs whoever guesses that long

_ROUTES = re.compile(
    r"/|/favicon\.ico|/(en|zh)|/(en|zh)/("
    r"config/?|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(static|assets)/.*"
    r"|gradio_api/(info/?|theme\.css|app_id/?|startup-events|heartbeat/\w+|queue/(join|data)|reset/?|cancel"
    r"|upload|upload_progress|file=.*|custom_component/.*)"
    r")?"
)
_FILE = "/gradio_api/file="

_HEADERS = {
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; "
    "worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True)
class Guard:
    """An ASGI application around another. `files` are the folders that may be downloaded from, resolved."""

    app: ASGIApp
    host: str
    port: int
    password: str | None
    files: Sequence[Path]
    largest: int
    """Bytes that one request may carry."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused, pass on all else with headers that keep the page to itself."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        refused = await self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        await self.app(scope, _limited(receive, self.largest), _with_headers(send))

    async def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["type"] != "http":
            return PlainTextResponse("not found", 404)
        if not self._is_ours(headers.get("host", "")):
            return PlainTextResponse("this address is not served under that name", 421)
        if not self._same_site(headers):
            return PlainTextResponse("requests of other sites are refused", 403)
        if self.password is not None and not _gives(headers.get("authorization", ""), self.password):
            if "authorization" in headers:
                await asyncio.sleep(_SECONDS_AFTER_WRONG)
            ask = {"www-authenticate": 'Basic realm="docutune", charset="UTF-8"'}
            return PlainTextResponse("the password of this docutune is needed", 401, ask)
        if not self._is_served(scope["path"]):
            return PlainTextResponse("not found", 404)
        if int(_number(headers.get("content-length", "0"))) > self.largest:
            return PlainTextResponse("too large", 413)
        return None

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
        try:
            found = Path(unquote(name)).resolve()
        except (OSError, ValueError, RuntimeError):
            return False
        return any(found.is_relative_to(folder) for folder in self.files)


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


def _limited(receive: Receive, largest: int) -> Receive:
    """A request without a length is cut off at the same size: the rest is not read, so it cannot be parsed."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > largest:
                return {"type": "http.disconnect"}
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await send(message)

    return sending
