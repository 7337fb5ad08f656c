"""The formats of keys that detect-secrets knows. Nothing here asks a server whether a key is valid."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from docutune.sensitive.findings import Finding
from docutune.sensitive.placeholders import is_made_up

if TYPE_CHECKING:
    from detect_secrets.plugins.base import RegexBasedDetector

_LEFT_OUT = {
    "ArtifactoryDetector",  # takes words in capitals for passwords
    "Base64HighEntropyString",  # hashes in documents look random
    "BasicAuthDetector",  # see addresses.py, which knows passwords with special characters
    "CloudantDetector",  # this and the next two, and SoftLayer: assignments, which assigned.py finds for any service
    "HexHighEntropyString",
    "IbmCloudIamDetector",
    "IbmCosHmacDetector",
    "IPPublicDetector",  # addresses are no secrets
    "KeywordDetector",  # its time grows with the cube of a line's length, and it needs quotes: see assigned.py
    "NpmDetector",  # needs a whole line of an .npmrc; see formats.py
    "PrivateKeyDetector",  # finds the first line alone; see formats.py
    "SoftlayerDetector",
}
_TRIGGERS: Mapping[str, tuple[str, ...]] = {
    "AWSKeyDetector": ("AKIA", "ASIA", "ABIA", "ACCA", "A3T", "aws", "AWS", "Aws"),
    "AzureStorageKeyDetector": ("AccountKey",),
    "GitHubTokenDetector": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    "GitLabTokenDetector": ("gl", "GR1348941"),
    "JwtTokenDetector": ("eyJ",),
    "MailchimpDetector": ("-us",),
    "OpenAIDetector": ("T3BlbkFJ",),
    "PypiTokenDetector": ("pypi-",),
    "SendGridDetector": ("SG.",),
    "SlackDetector": ("xox", "hooks.slack"),
    "SquareOAuthDetector": ("sq0csp",),
    "StripeDetector": ("k_live_",),
    "TelegramBotTokenDetector": (":AA",),
    "TwilioKeyDetector": ("AC", "SK"),
}
"""What a text must hold for a detector to be asked; without an entry here it is always asked."""

_PIECE, _OVERLAP = 8_000, 2_000
"""Characters. Some of these patterns take the square of a text's length, so texts are looked through in pieces."""

_SHORTEST_GROUP = 16
_REST = re.compile(r"[\w+/=~-]*(?:\.[\w+/=~-]+)*", re.ASCII)


def find(text: str) -> Iterator[Finding]:
    """Every key of a known format, to the end of the run of characters that it begins."""
    for triggers, kind, patterns, detector in _detectors():
        if triggers and not any(trigger in text for trigger in triggers):
            continue
        for begin in range(0, max(1, len(text) - _OVERLAP), _PIECE - _OVERLAP):
            for pattern in patterns:
                yield from _matches(text, begin, pattern, kind, detector)


def _matches(
    text: str, begin: int, pattern: re.Pattern[str], kind: str, detector: RegexBasedDetector
) -> Iterator[Finding]:
    """What a pattern finds in the piece that begins there."""
    for match in pattern.finditer(text, begin, begin + _PIECE):
        start, end = _span(match)
        if not is_made_up(text[start:end]) and _is_valid(detector, match[0]):
            rest = _REST.match(text, end, end + _OVERLAP)
            yield Finding(start, rest.end() if rest else end, kind)


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Where the secret stands: in the last group, where that is more than a part of its prefix."""
    group = match.lastindex or 0
    return match.span(group) if len(match[group] or "") >= _SHORTEST_GROUP else match.span()


def _is_valid(detector: RegexBasedDetector, value: str) -> bool:
    """A JSON Web Token must hold JSON."""
    from detect_secrets.plugins.jwt import JwtTokenDetector

    return not isinstance(detector, JwtTokenDetector) or detector.is_formally_valid(value)


@cache
def _detectors() -> tuple[tuple[tuple[str, ...], str, tuple[re.Pattern[str], ...], RegexBasedDetector], ...]:
    """Triggers, kind and patterns of each detector of formats."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.plugins.base import RegexBasedDetector

    kinds: Mapping[str, Callable[[], object]] = get_mapping_from_secret_type_to_class()
    detectors = (kind() for kind in kinds.values())
    chosen = [
        found for found in detectors if isinstance(found, RegexBasedDetector) and type(found).__name__ not in _LEFT_OUT
    ]
    return tuple(
        (_TRIGGERS.get(type(found).__name__, ()), found.secret_type, tuple(found.denylist), found) for found in chosen
    )
