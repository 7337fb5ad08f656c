"""Passwords beside names of users: `scheme://user:password@host`, `curl -u user:password`, `auth=("user", "...")`."""

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


_GIVEN = (
    re.compile(r"\s(?:-u|--user)[ =][\"']?[\w.@-]{1,60}:(?P<password>[^\s\"':$<{]{6,100})"),
    re.compile(r"\bauth\s?=\s?\(\s?[\"'][^\"'\n]{1,60}[\"'],\s?[\"'](?P<password>[^\"'\n]{6,100})[\"']"),
    re.compile(
        r"\b(?:mysql\w{0,6}|sshpass|redis-cli)\b[^\n|;&]{0,80}?\s-[pa] ?(?P<password>[^\s\"'$<{-][^\s\"']{5,100})"
    ),
)
_TELLING = ("-u", "auth", "sshpass", "mysql", "redis-cli")
_DIGIT_AND_LETTER = re.compile(r"(?=.*\d)(?=.*[A-Za-z]).*")


def find(text: str) -> Iterator[Finding]:
    """Passwords that are no words for one, of hosts that may exist."""
    if "://" in text and "@" in text:
        yield from _in_addresses(text)
    if any(word in text for word in _TELLING):
        for match in (match for pattern in _GIVEN for match in pattern.finditer(text)):
            if not is_placeholder(match["password"]) and _DIGIT_AND_LETTER.fullmatch(match["password"]):
                yield Finding(*match.span("password"), "Basic Auth Credentials")


def _in_addresses(text: str) -> Iterator[Finding]:
    for match in _ADDRESS.finditer(text):
        password = match["password"]
        if is_placeholder(password) or password.lower() == match["user"].lower() or _NO_HOST.fullmatch(match["host"]):
            continue
        if not (_WORD.fullmatch(password) and len(password) <= _SHORTEST + 1):  # scott:tiger
            yield Finding(*match.span("password"), "Basic Auth Credentials")
