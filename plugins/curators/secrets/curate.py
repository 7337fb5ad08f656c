"""The curator `secrets`: which samples hold what must not be learned by heart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from docutune.records import Made, Sample
from docutune.sensitive import Finding, personal, secrets

if TYPE_CHECKING:
    from docutune.contracts import Context
    from docutune.plugins.curators.secrets.plugin import Config

_REPORT_EVERY = 1000
_TEXTS_KEPT = 100_000
"""The phrasings of a fact share one answer, so that many texts come again; an unbounded memory would hold them all."""


class Secrets:
    """Looks at every message by itself. A reason names the kind of what was found, never the value."""

    def __init__(self, config: Config) -> None:
        self._personal = config.personal_data == "reject"
        self._allowed = tuple(re.compile(pattern) for pattern in config.allow)
        self._first = lru_cache(_TEXTS_KEPT)(self._first_in)

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """Samples with a secret, or with personal data unless they are allowed."""
        found: list[tuple[int, str]] = []
        for index, made in enumerate(samples):
            reason = self._reason(made.sample)
            if reason is not None:
                found.append((index, reason))
            if (index + 1) % _REPORT_EVERY == 0:
                context.progress(index + 1, len(samples))
        return found

    def _reason(self, sample: Sample) -> str | None:
        reasons = (self._first(message.content) for message in sample.messages)
        return next((reason for reason in reasons if reason is not None), None)

    def _first_in(self, text: str) -> str | None:
        """Why a text must not be trained on: secrets before personal data."""
        for finding in self._counted(text, secrets(text)):
            return f"secret: {finding.kind}"
        for finding in self._counted(text, personal(text)) if self._personal else ():
            return f"personal data: {finding.kind}"
        return None

    def _counted(self, text: str, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Those that no pattern of `allow` describes."""
        for finding in findings:
            value = text[finding.start : finding.end]
            if not any(pattern.fullmatch(value) for pattern in self._allowed):
                yield finding
