"""Passwords in addresses: `scheme://user:password@host`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutune.sensitive.findings import Finding
from docutune.sensitive.placeholders import is_placeholder

_ADDRESS = re.compile(
    r"(?<=://)(?P<user>[^\s/:@\"'`<>(){}\[\]]{0,100}):(?P<password>[^\s/\"'`<>]{5,200})@(?P<host>[\w.\[\]:-]{1,200})"
)
_SHORTEST = 5
_NO_HOST = re.compile(r"(?:.*\.)?(?:example|invalid|test)(?:\.[a-z]+)?(?::\d+)?", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)


def find(text: str) -> Iterator[Finding]:
    """Passwords that are no words for one, of hosts that may exist."""
    if "://" not in text or "@" not in text:
        return
    for match in _ADDRESS.finditer(text):
        password = match["password"]
        if is_placeholder(password) or password.lower() == match["user"].lower() or _NO_HOST.fullmatch(match["host"]):
            continue
        if not (_WORD.fullmatch(password) and len(password) <= _SHORTEST + 1):  # scott:tiger
            yield Finding(*match.span("password"), "Basic Auth Credentials")
