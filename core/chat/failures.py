"""What a failed request means: whether to try again and when, what it may have cost, whether to go on at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from docutune.errors import DocutuneError

_FATAL = {401: "the key is not accepted", 402: "the account cannot pay", 403: "access is denied", 404: "not found"}
_OF_THE_KEY = {401, 403}
_PASSING = {408, 409, 425, 429}
_LIMITED = 429
_TOO_MUCH = {_LIMITED, 503, 504, 529}
_OUT_OF_QUOTA = "insufficient_quota"
_WORDS_SHOWN = 200
_UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError)


class Failed(Exception):
    """A request that brought no reply. `wait`: the seconds that the server asks for.

    `received`: the server got the request; `billed`: it may ask money for it; `fatal`: what must stop the run.
    `crowded`: the server may have too much to do; `limited`: it works, and only wants fewer requests;
    `answered`: a reply came that is of no use.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool,
        received: bool = True,
        billed: bool = False,
        wait: float | None = None,
        fatal: DocutuneError | None = None,
        crowded: bool = False,
        limited: bool = False,
        answered: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.received = received
        self.billed = billed
        self.wait = wait
        self.fatal = fatal
        self.crowded = crowded
        self.limited = limited
        self.answered = answered


def explain(error: Exception, model: str, key: str, redact: Callable[[str], str]) -> Failed:
    """What this error of a chat model's client means.

    `key` says where the key came from; `redact` takes secrets out of what the server or client said.
    """
    from langchain_core.exceptions import ModelConnectionError, ModelError, ModelTimeoutError

    broken = _broken_connection(error)
    if broken is not None:
        return broken
    if isinstance(error, (TimeoutError, ModelTimeoutError)):
        return Failed("no answer within the timeout", again=True, billed=True, crowded=True)
    status = _status(error)
    if status is not None and status >= 400:
        return _by_status(status, error, model, key, redact)
    if isinstance(error, ModelConnectionError) or _is_transport(error):
        return _broken("ConnectError" not in {type(cause).__name__ for cause in _causes(error)})
    if isinstance(error, ModelError):
        return Failed(_words(error, redact), again=error.is_retryable, billed=True)
    if isinstance(error, _UNREADABLE) or status is not None:
        return Failed("the server's answer could not be read", again=True, billed=True)
    what = f"{type(error).__name__}: {_words(error, redact)}"
    fatal = DocutuneError(f"the client of {model} failed: {what}", "every reply received is kept")
    return Failed(what, again=False, billed=True, fatal=fatal)


def _broken_connection(error: Exception) -> Failed | None:
    """What aiohttp says of a connection, which its adapter takes for a timeout; None where it says nothing of one."""
    library = sys.modules.get("aiohttp")
    if library is None:
        return None
    causes = [cause for cause in _causes(error) if isinstance(cause, library.ClientConnectionError)]
    if not causes or any(isinstance(cause, TimeoutError) for cause in causes):
        return None
    return _broken(not any(isinstance(cause, library.ClientConnectorError) for cause in causes))


def _broken(was_reached: bool) -> Failed:
    reason = "the connection broke" if was_reached else "the server cannot be reached"
    return Failed(reason, again=True, received=was_reached, billed=was_reached, crowded=True)


def _by_status(status: int, error: Exception, model: str, key: str, redact: Callable[[str], str]) -> Failed:
    said = _words(error, redact)
    if status in _FATAL or _OUT_OF_QUOTA in said or getattr(error, "code", None) == _OUT_OF_QUOTA:
        why = _FATAL.get(status, "the account's quota is used up")
        fatal = DocutuneError(
            f"the server of {model} refuses every request: {why} (HTTP {status}): {said}",
            f"{key if status in _OF_THE_KEY else 'see `model` and `base_url`'}; every reply received is kept",
        )
        return Failed(why, again=False, fatal=fatal)
    return Failed(
        f"HTTP {status}: {said}",
        again=status in _PASSING or status >= 500,
        wait=_retry_after(error),
        crowded=status in _TOO_MUCH,
        limited=status == _LIMITED,
    )


def _retry_after(error: Exception) -> float | None:
    """Seconds to wait by the header Retry-After, which RFC 9110 (10.2.3) allows as seconds or as a date."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or {}
    said = str(headers.get("retry-after", "")).strip()
    if said.isdecimal():
        return float(said)
    moment = _date(said)
    if moment is None:
        return None
    now = _date(str(headers.get("date", ""))) or datetime.now(UTC)  # the server's own clock, where it tells it
    return max(0.0, (moment - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _status(error: Exception) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _is_transport(error: Exception) -> bool:
    """Whether a connection failed below a client that does not say so in LangChain's words."""
    kinds: list[Any] = [getattr(sys.modules.get(name), "TransportError", None) for name in ("httpx", "httpx2")]
    return isinstance(error, (OSError, *(kind for kind in kinds if kind is not None)))


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in found:
        found.append(here)
        here = here.__cause__ or here.__context__
    return found


def _words(error: Exception, redact: Callable[[str], str]) -> str:
    """The server's own words in one line, without anything secret in them."""
    body: Any = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, dict) else None
    line = " ".join(redact(str(said or error)).split())
    return line if len(line) <= _WORDS_SHOWN else f"{line[: _WORDS_SHOWN - 3]}..."
