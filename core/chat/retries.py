"""When a failed request is tried again: soon, then ever later, and never before the server wants it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from docutune.chat.failures import Failed

if TYPE_CHECKING:
    from tenacity import RetryCallState

Result = TypeVar("Result")

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0
LONGEST_OBEYED = 300.0
"""Seconds. A server that asks for a longer wait ends the run."""


async def trying(send: Callable[[], Awaitable[Result]], retries: int) -> Result:
    """The result of `send`, called again after failures that may pass; Failed when no call brought one."""
    try:
        return await send()
    except Failed as failure:
        if retries == 0 or not _may_pass(failure):
            raise
        return await _again(send, retries, failure)


async def _again(send: Callable[[], Awaitable[Result]], retries: int, first: Failed) -> Result:
    """The same after the first call, which most need not repeat: it failed like this."""
    from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

    backoff = wait_exponential_jitter(initial=FIRST_WAIT, max=LONGEST_WAIT, jitter=FIRST_WAIT)

    def wait(state: RetryCallState) -> float:
        return max(backoff(state), _asked_for(state) or 0.0)

    retrying = AsyncRetrying(
        retry=retry_if_exception(_may_pass), wait=wait, stop=stop_after_attempt(retries + 1), reraise=True
    )
    async for attempt in retrying:
        with attempt:
            if attempt.retry_state.attempt_number == 1:
                raise first
            return await send()
    raise AssertionError("the last call ended with a result or an error")


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Failed) and error.again and error.fatal is None


def _asked_for(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.wait if isinstance(error, Failed) else None
