"""Looks for secrets in what is about to be sent, and keeps those of this process out of what is kept or shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:\w*KEY|\w*TOKEN|\w*SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:_|$)", re.IGNORECASE
)
_SHORTEST_VALUE = 8
"""Shorter values of such variables ("none", "ollama") are words that any text may have."""

_PIECE, _OVERLAP = 400, 150
"""Assignments are looked for in pieces of a line: the time of those patterns grows with the cube of its length."""

_LEFT_OUT = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"}
"""Of detect-secrets: hashes in documents look random, and addresses are no secrets."""

_MORE_FORMATS = {  # published prefixes of keys that detect-secrets does not know
    "API Key": re.compile(r"\bsk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}"),
    "Google API Key": re.compile(r"\bAIza[A-Za-z0-9_-]{35}"),
    "Hugging Face Token": re.compile(r"\bhf_[A-Za-z0-9]{30,}"),
    "GitHub Token": re.compile(r"\bgithub_pat_[A-Za-z0-9_]{40,}"),
}


def environment_secrets(environment: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """Value -> name of the variables that look like keys by their names, and of those named in `also`."""
    wanted = set(also)
    return {
        value: name
        for name, value in environment.items()
        if len(value) >= _SHORTEST_VALUE and (name in wanted or _SECRET_NAME.search(name))
    }


class Guard:
    """Knows the secrets of this process, and what others look like."""

    def __init__(self, key_variable: str | None) -> None:
        self._values = environment_secrets(os.environ, filter(None, [key_variable]))

    def find(self, texts: Iterable[str]) -> str | None:
        """The kind of the first secret in these texts; None when there is none."""
        return next((kind for text in texts for kind in self._kinds(text)), None)

    def redact(self, text: str) -> str:
        """The text without the values of this process's secrets."""
        for value, name in self._values.items():
            text = text.replace(value, f"<{name}>")
        return text

    def _kinds(self, text: str) -> Iterator[str]:
        yield from (f"value of {name}" for value, name in self._values.items() if value in text)
        for line in text.splitlines():
            if not _is_allowed(line):
                yield from _in_line(line)


def _in_line(line: str) -> Iterator[str]:
    yield from (kind for kind, pattern in _MORE_FORMATS.items() if pattern.search(line))
    detectors, keyword = _detectors()
    yield from (detector.secret_type for detector in detectors if any(detector.analyze_string(line)))
    for start in range(0, max(1, len(line) - _OVERLAP), _PIECE - _OVERLAP):
        piece = line[start : start + _PIECE]
        if any(not _is_harmless(secret, piece) for secret in keyword.analyze_string(piece)):
            yield keyword.secret_type


def _is_allowed(line: str) -> bool:
    """Whether the author marked the line by detect-secrets' comment `pragma: allowlist secret`."""
    from detect_secrets.filters.allowlist import is_line_allowlisted
    from detect_secrets.util.code_snippet import CodeSnippet

    return "pragma" in line and is_line_allowlisted("", line, CodeSnippet([line], 0, 0))


def _is_harmless(secret: str, line: str) -> bool:
    """Whether what is assigned to a name such as `password` is a placeholder, a reference or a function call."""
    from detect_secrets.filters import heuristic

    checks = (
        heuristic.is_templated_secret,
        heuristic.is_prefixed_with_dollar_sign,
        heuristic.is_not_alphanumeric_string,
        heuristic.is_sequential_string,
    )
    return any(check(secret) for check in checks) or heuristic.is_indirect_reference(line)


@cache
def _detectors() -> tuple[tuple[BasePlugin, ...], BasePlugin]:
    """The detectors of known formats, and that of assignments. None of them asks a server whether a key is valid."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.keyword import KeywordDetector

    kinds: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
    formats = (kind for kind in kinds.values() if kind is not KeywordDetector and kind.__name__ not in _LEFT_OUT)
    return tuple(kind() for kind in formats), KeywordDetector()
