"""What the body of a request may be: no larger than is used, JSON, and naming no file but one that was uploaded here.

gradio takes files out of requests by their path, and fetches those whose path is an address; both are refused before.
"""

from __future__ import annotations

import json
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.types import Message, Receive

LARGEST_JSON = 4 * 1024**2
LARGEST_UPLOADS = 1024**3
"""Bytes that all uploads of the last hour may have together."""

_SECONDS_KEPT = 3600


def mistake(body: bytes, uploads: Path) -> str | None:
    """Why a JSON body cannot be taken; None when it can. `uploads` is the folder of uploaded files, resolved."""
    try:
        left = deque([json.loads(body)])
    except (ValueError, RecursionError):
        return "this is no JSON"
    while left:
        value = left.popleft()
        if isinstance(value, dict):
            if "path" in value and "meta" in value and not _is_inside(value["path"], uploads):
                return "this names a file that was not uploaded"
            left.extend((*value, *value.values()))
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, str) and not _is_text(value):
            return "this is no text"
    return None


async def read(receive: Receive, most: int) -> bytes | None:
    """The whole body; None when it is larger, or its sender is gone."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or len(body) > most:
            return None
        if not message.get("more_body"):
            return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already, then whatever comes."""
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving


def limited(receive: Receive, most: int) -> Receive:
    """A request without a length is cut off at the same size: the rest is not read, so it cannot be parsed."""
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > most else message

    return receiving


def has_room(uploads: Path) -> bool:
    """Whether another upload may come; those that are older than an hour are removed first."""
    now, held = time.time(), 0
    for file in uploads.rglob("*"):
        with suppress(OSError):  # it has just been moved to its place
            about = file.stat()
            if file.is_file() and now - about.st_ctime > _SECONDS_KEPT:
                file.unlink()
            elif file.is_file():
                held += about.st_size
    return held < LARGEST_UPLOADS


def _is_inside(named: Any, folder: Path) -> bool:
    try:
        return isinstance(named, str) and Path(named).is_absolute() and Path(named).resolve().is_relative_to(folder)
    except (OSError, ValueError, RuntimeError):
        return False


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
