"""Published formats of keys that detect-secrets does not know, and whole private keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutune.sensitive.findings import Finding
from docutune.sensitive.placeholders import entropy, is_made_up

_FORMATS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (trigger, kind, re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})"))
    for trigger, kind, pattern in (
        ("sk-", "API Key", r"sk-(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic, DeepSeek, OpenRouter
        ("AIza", "Google API Key", r"AIza[A-Za-z0-9_-]{35}"),
        ("GOCSPX-", "Google OAuth Secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),
        ("ya29.", "Google Access Token", r"ya29\.[A-Za-z0-9_-]{30,}"),
        ("hf_", "Hugging Face Token", r"hf_[A-Za-z0-9]{30,}"),
        ("github_pat_", "GitHub Token", r"github_pat_[A-Za-z0-9_]{40,}"),
        ("npm_", "NPM Token", r"npm_[A-Za-z0-9]{36}"),
        ("dckr_pat_", "Docker Token", r"dckr_pat_[A-Za-z0-9_-]{20,}"),
        ("AKCp", "Artifactory Credentials", r"AKCp[A-Za-z0-9]{40,}"),
        ("LTAI", "Alibaba Cloud Access Key", r"LTAI[A-Za-z0-9]{12,26}(?![A-Za-z0-9])"),
        ("AKID", "Tencent Cloud Secret Id", r"AKID[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
        ("k_live_", "Stripe Access Key", r"[rs]k_live_[A-Za-z0-9]{24,}"),
        ("whsec_", "Stripe Webhook Secret", r"whsec_[A-Za-z0-9+/]{24,}"),
        ("xapp-", "Slack Token", r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{32,}"),
        ("shp", "Shopify Token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
        ("dop_v1_", "DigitalOcean Token", r"dop_v1_[a-f0-9]{64}"),
        ("glsa_", "Grafana Token", r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
        ("dapi", "Databricks Token", r"dapi[a-f0-9]{32}"),
        ("sig=", "Azure Shared Access Signature", r"sig=[A-Za-z0-9%/+]{40,}(?:%3[dD]|=)"),
        ("discord", "Discord Webhook", r"discord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,}"),
        ("AGE-SECRET-KEY-", "Private Key", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    )
)
_HEADER = re.compile(r"(?<![A-Za-z])(?:[Bb]earer|[Bb]asic|: [Tt]oken)\s{1,3}([A-Za-z0-9_.+/=~-]{20,500})")
_KEY_BEGINS = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-[23]:")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{32,}")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: [0-9a-f]+")
_LONGEST_KEY = 20_000
_BODY_BEGINS_WITHIN = 600
"""Headers of a key, such as "Proc-Type: 4,ENCRYPTED", may stand before its body."""

_BODY = 3.0
"""Bits per character. Keys of OpenSSH begin with many zeros, so that a run of one letter says nothing here."""

_RANDOM = 3.2
"""Bits per character: credentials in a header have more; words and examples have less."""


def find(text: str) -> Iterator[Finding]:
    """Every key of these formats."""
    for trigger, kind, pattern in _FORMATS:
        if trigger in text:
            matches = (match for match in pattern.finditer(text) if not is_made_up(match[0]))
            yield from (Finding(match.start(), match.end(), kind) for match in matches)
    if "earer" in text or "asic" in text or "oken " in text:
        yield from _credentials(text)
    if "PRIVATE KEY" in text or "PuTTY" in text:
        yield from _private_keys(text)


def _credentials(text: str) -> Iterator[Finding]:
    """What stands in headers: `Authorization: Bearer ...`."""
    for match in _HEADER.finditer(text):
        value = match[1]
        if entropy(value) >= _RANDOM and any(map(str.isdigit, value)) and not is_made_up(value):
            yield Finding(*match.span(1), "Authorization Header")


def _private_keys(text: str) -> Iterator[Finding]:
    """Private keys from their first line to their last; a first line without a key below it is none."""
    for begin in _KEY_BEGINS.finditer(text):
        limit = begin.end() + _LONGEST_KEY
        end = _KEY_END.search(text, begin.end(), limit)
        stop = end.end() if end else limit
        body = _KEY_BODY.search(text, begin.end(), min(stop, begin.end() + _BODY_BEGINS_WITHIN))
        if body and entropy(body[0]) >= _BODY:
            yield Finding(begin.start(), stop if end else _last_of_body(text, body.end(), limit), "Private Key")


def _last_of_body(text: str, place: int, limit: int) -> int:
    """The end of a key that was cut off: lines of Base64 without a gap."""
    more = re.compile(r"(?:(?:\\n|\s){1,4}[A-Za-z0-9+/=]{16,})*").match(text, place, limit)
    return more.end() if more else place
