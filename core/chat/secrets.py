"""Looks for secrets in what is about to be sent, and keeps those of this process out of what is kept or shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from docutune.records import Message
from docutune.sensitive import masked, personal, secrets

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:\w*KEY|\w*TOKEN|\w*SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)(?:_|$)", re.IGNORECASE
)
_SHORTEST_VALUE = 8
"""Shorter values of such variables ("none", "ollama") are words that any text may have."""


def environment_secrets(environment: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """Value -> name of the variables that look like keys by their names, and of those named in `also`."""
    wanted = set(also)
    return {
        value: name
        for name, value in environment.items()
        if len(value) >= _SHORTEST_VALUE and (name in wanted or _SECRET_NAME.search(name))
    }


def without_personal(messages: Sequence[Message]) -> list[Message]:
    """The messages with personal data replaced by its kind in angle brackets."""
    return [replace(message, content=masked(message.content, personal(message.content))) for message in messages]


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
        yield from (finding.kind for finding in secrets(text))
