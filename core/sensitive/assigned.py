"""Values that are assigned to passwords, secrets, tokens and keys: in code, YAML, JSON, .env files, tables and prose.

Every pattern is bounded and starts at a name, so the time is linear in the text's length, however long its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutune.sensitive.findings import Finding
from docutune.sensitive.placeholders import entropy, is_placeholder

_TRIGGERS = (
    *("passw", "passphrase", "pwd", "secret", "token", "credential", "密码", "口令", "密钥"),
    *(f"{name}{mark}key" for name in ("api", "access", "auth", "account", "private") for mark in ("", "_", "-")),
    *(f"{name}{mark}key" for name in ("client", "encryption", "signing", "master") for mark in ("", "_", "-")),
)
_NAME = re.compile(
    r"(?P<strong>passwo?r?ds?(?![a-z])|passwd|passphrase|pwd(?![a-z])|密码|口令|pass(?=[=:\"'_-]))"
    r"|(?P<key>secret(?!s|ar|ly)|credentials?|密钥"
    r"|(?:api|access|auth|account|private|client|encryption|signing|master)[_-]?key(?!s))"
    r"|(?P<token>token(?!s|i|_?type))",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\w.-]{0,40}")
_HARMLESS_TAIL = re.compile(
    r"ur[il]|path|file|dir|name|type|version|length|len|size|count|hash|sha|digest|hint|policy|field|label|header|prefix|"
    r"suffix|class|format|arn|ref|env|var|scope|expir|ttl|timeout|endpoint|column|param|input|form|valid|manager|store|"
    r"provider|reset|generator|backend|regex|pattern|index|(?:^|[_.-])ids?$|Ids?$",
    re.IGNORECASE,
)
_LINK = (
    r"[\"'`*\])]{0,4}(?:\s{0,3}:\s{0,2}[\w.\[\]|]{1,40}(?:\s\|\s\w{1,20})?(?=\s{0,2}=))?"  # closing marks, annotation
    r"\s{0,20}(?::=|=>|={1,3}|!=|[:：＝,(|]|\bis\b|为|是)[\s|]{0,20}[@brfuBRFU]{0,2}"
)
_QUOTED = re.compile(_LINK + r"(?P<quote>[\"'`])(?P<value>[^\"'`\n]{6,300})(?P=quote)")
_BARE = re.compile(
    r"[\"'`*\])]{0,4}(?:\s{0,3}[=:：＝]|\s?\|)[ \t]{0,20}"
    r"(?P<value>[^\s\"'`,;|<>(){}\[\]，。；]{6,300})(?=[\s,;|\"'`<，。；]|$)"
)
_SPACED = re.compile(
    r"[ \t]{1,4}(?:is[ \t]|[为是])?(?P<value>[^\s\"'`,;|<>(){}\[\]，。；]{6,300})(?=[\s\"'`,，。；]|\.\s|$)"
)
_ELEMENT = re.compile(r">(?P<value>[^\s<>\"']{6,300})</")
_MIXED = re.compile(r"(?=\S*[A-Z])(?=\S*[a-z])(?=\S*\d)\S{8,}")
_CALL = re.compile(r"\w[\w.]*[(\[]")
_METHOD = re.compile(r"\.(?!assign|set)\w{1,40}\(")

_ALLOWED = re.compile(r"[A-Za-z0-9_\-+/=.!@#$%^&*~:?;]+", re.ASCII)
_MARKS = re.compile(r"[!@#$%^&*]")
_LETTER, _DIGIT = re.compile(r"[A-Za-z]"), re.compile(r"\d")
_PLACE = re.compile(
    r"[a-z]+://|[~.]{0,2}/|[A-Za-z]:\\|\w+(?:/[\w.-]+)+$|\w+\.(?:py|json|ya?ml|txt|pem|key|env|toml|md)$"
)
_ALGORITHM = re.compile(
    r"(?:sha|md|aes|des|rsa|hs|rs|es|ps|pbkdf|bcrypt|scrypt|argon|base|utf|int|float|uint|oauth|openid|x|v|ed|p)[_-]?\d+"
    r"\w{0,12}",
    re.IGNORECASE,
)
_VERSION = re.compile(r"[vV]?\d+(?:[._-]\w+){0,6}|\d[\d.,:_-]*(?:[a-zA-Z]{1,8})?")
_WORDS_AND_NUMBER = re.compile(r"[A-Za-z]+(?:[._/-][A-Za-z]+)*[._-]?\d{0,2}")
_REFERENCE = re.compile(r"(?:self|cls|os|env|settings|config|request|args|kwargs|process|this|var|vault|ssm)[.:]")
_SHORTEST = {"strong": 6, "key": 8, "token": 16}
_LEAST = {"strong": 2.2, "key": 2.5, "token": 3.0}
"""Bits per character."""

_OPAQUE_FROM, _OPAQUE = 24, 3.0
"""Characters, and bits per character, from which on a value of letters and digits is no name."""


def find(text: str) -> Iterator[Finding]:
    """Every value that is none of: a placeholder, a reference, a call, a path, words."""
    lowered = text.lower()
    if not any(trigger in lowered for trigger in _TRIGGERS):
        return
    end = 0
    for name in _NAME.finditer(text):
        if name.start() < end:  # inside of what was found
            continue
        found = _value(text, name)
        if found is not None:
            end = found.end
            yield found


def _value(text: str, name: re.Match[str]) -> Finding | None:
    """What is assigned to the name, if it is a secret."""
    strength = name.lastgroup or "token"
    tail = _TAIL.match(text, name.end())
    place = tail.end() if tail else name.end()
    for after in (place, name.end()):  # a name may end where a value begins: 密码abc
        if _HARMLESS_TAIL.search(text, name.end(), after) or _METHOD.match(text, name.end()):
            return None
        quoted = _QUOTED.match(text, after)
        if quoted:
            return _judged(quoted, strength) if _could_be(quoted["value"], strength) else None
        bare = _BARE.match(text, after) or _ELEMENT.match(text, after)
        if bare and not _CALL.match(text, bare.start("value")) and _is_literal(bare["value"], strength):
            return _judged(bare, strength)
        spaced = None if bare else _SPACED.match(text, after)
        if spaced and _is_told(spaced["value"], strength, _is_option(text, name.start())):
            return _judged(spaced, strength)
    return None


def _judged(match: re.Match[str], strength: str) -> Finding:
    return Finding(*match.span("value"), "Assigned Token" if strength == "token" else "Assigned Secret")


def _is_option(text: str, place: int) -> bool:
    """Whether the name is one of a command line: `--password`."""
    return re.search(r"(?:^|\s)--[\w-]{0,40}$", text[max(0, place - 45) : place]) is not None


def _is_told(value: str, strength: str, option: bool) -> bool:
    """Whether a word after the name is a secret: `--password ...`, "the password is ...", `ENV API_SECRET ...`."""
    if not _is_literal(value, strength):
        return False
    opaque = len(value) >= _OPAQUE_FROM and entropy(value) >= _OPAQUE and value.rstrip("=").isalnum()
    return option or opaque or (strength == "strong" and _MIXED.fullmatch(value) is not None)


def _could_be(value: str, strength: str) -> bool:
    """Whether a quoted value may be a secret of this strength."""
    if len(value) < _SHORTEST[strength] or not _ALLOWED.fullmatch(value) or is_placeholder(value):
        return False
    if not _LETTER.search(value) or entropy(value) < _LEAST[strength]:
        return False
    if len(value) >= _OPAQUE_FROM and _DIGIT.search(value) and entropy(value) >= _OPAQUE and "://" not in value:
        return True
    if _PLACE.match(value) or _VERSION.fullmatch(value) or _ALGORITHM.fullmatch(value) or _REFERENCE.match(value):
        return False
    return _has_digit_or_mark(value)


def _has_digit_or_mark(value: str) -> bool:
    """Names and words have neither, or one number at their end."""
    if _DIGIT.search(value):
        return not (_WORDS_AND_NUMBER.fullmatch(value) and re.fullmatch(r"[a-z]+(?:[._/-][a-z]+)+\d*", value))
    return bool(_MARKS.search(value) and value[0].isalnum() and re.search(r"[A-Z]", value))


def _is_literal(value: str, strength: str) -> bool:
    """Whether a value without quotes may be a secret, and no name of something else."""
    value = value.rstrip(".:?")
    if not _could_be(value, strength) or _WORDS_AND_NUMBER.fullmatch(value):
        return False
    return not (value.isidentifier() and "_" in value and value == value.lower() and len(value) < _OPAQUE_FROM)
