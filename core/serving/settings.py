"""Where a server listens, what it takes, and who may ask it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address

from docutune.errors import DocutuneError, UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve. `port` 0 takes one that is free; `key` is what clients must send, None where none is asked for.

    At most `concurrency` replies are written at a time, and `max_waiting` requests wait behind them. A client that
    neither sends nor takes anything for `patience` seconds is hung up on.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    key: str | None = field(default=None, repr=False)
    max_request_bytes: int = 1_000_000
    concurrency: int = 16
    max_waiting: int = 32
    patience: float = 60.0


@dataclass(frozen=True, slots=True)
class Listening:
    """A bound socket; `host` is the address in numbers, `loopback` whether this machine alone reaches it."""

    socket: socket.socket
    host: str
    port: int
    loopback: bool

    @property
    def url(self) -> str:
        """What a client takes for its base address, without the /v1."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def key_of(variable: str) -> str:
    """The key in an environment variable; UsageError when there is none, or one that no client could send."""
    key = os.environ.get(variable, "")
    if not key:
        raise UsageError(f"--api-key-env: {variable} is not set, or empty", f"export {variable}=... with a long key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"--api-key-env: {variable} holds blanks, line ends or letters that no header takes",
            "take letters and digits: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return key


def listen(settings: Settings) -> Listening:
    """Bind the address; any other than loopback needs a key. UsageError, or DocutuneError when it cannot be had."""
    family, address = _resolved(settings.host, settings.port)
    loopback = ip_address(address[0].partition("%")[0]).is_loopback
    if not loopback and settings.key is None:
        raise UsageError(
            f"--host {settings.host}: whoever reaches this machine could ask the model, for no key is set",
            "put a long key into an environment variable and name it: --api-key-env DOCUTUNE_KEY; or leave --host out",
        )
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise DocutuneError(
            f"{settings.host}, port {settings.port}: {error.strerror}", "name another --port; 0 takes one that is free"
        ) from None
    return Listening(bound, address[0], bound.getsockname()[1], loopback)


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise UsageError(f"--host {host!r} is no address of this machine", "127.0.0.1 is this machine alone") from None
    return family, (str(address[0]), int(address[1]))
