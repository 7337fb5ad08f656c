"""Finds secrets and personal data in text: for the guard of what is sent to chat models, and for curators.

The formats of secrets are those of detect-secrets and a table of further published ones; phone numbers are judged by
phonenumbers, IBAN, card and Chinese resident identity numbers by python-stdnum. All three are loaded when first needed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import TypeAlias

from docutune.records import Message, Sample
from docutune.sensitive.findings import Finding

Finder: TypeAlias = "Callable[[str], Iterator[Finding]]"

__all__ = ["Finding", "cleaned", "cleaned_sample", "masked", "personal", "secrets"]


def secrets(text: str) -> list[Finding]:
    """Keys, tokens, passwords and private keys, in order and apart. Time is linear in the text's length.

    A line that ends with detect-secrets' comment `pragma: allowlist secret` is not looked at, here and in `personal`.
    """
    return _found(text, *(find(text) for find in _of_secrets()))


def personal(text: str) -> list[Finding]:
    """E-mail addresses, phone, card, IBAN and Chinese resident identity numbers of people, in order and apart.

    Left alone: reserved names (RFC 2606), addresses of roles such as support@, lines that name authors, fictional
    numbers and those of standards' examples.
    """
    return _found(text, *(find(text) for find in _of_people()))


def masked(text: str, findings: Iterable[Finding]) -> str:
    """The text with each finding replaced by its kind in angle brackets; they are in order and apart."""
    pieces: list[str] = []
    end = 0
    for finding in findings:
        pieces += [text[end : finding.start], f"<{finding.kind}>"]
        end = finding.end
    return "".join([*pieces, text[end:]])


def cleaned(text: str) -> str:
    """The text with all secrets and personal data masked."""
    text = masked(text, secrets(text))
    return masked(text, personal(text))


def cleaned_sample(sample: Sample) -> Sample:
    """The sample with all secrets and personal data masked; its identity is then another one."""
    return replace(
        sample,
        messages=tuple(Message(message.role, cleaned(message.content)) for message in sample.messages),
        fact=cleaned(sample.fact),
        symbols=tuple(map(cleaned, sample.symbols)),
    )


@cache
def _of_secrets() -> tuple[Finder, ...]:
    """Compiling all patterns takes longer than most commands have."""
    from docutune.sensitive.addresses import find as in_addresses
    from docutune.sensitive.assigned import find as assigned
    from docutune.sensitive.formats import find as in_formats
    from docutune.sensitive.known import find as known

    return in_addresses, assigned, in_formats, known


@cache
def _of_people() -> tuple[Finder, ...]:
    from docutune.sensitive.mail import find as mail
    from docutune.sensitive.numbers import find as numbers

    return mail, numbers


def _found(text: str, *ways: Iterable[Finding]) -> list[Finding]:
    """What several ways found: where they overlap, the first kind for all of it."""
    apart: list[Finding] = []
    for finding in heapq.merge(*map(sorted, ways)):
        if apart and finding.start < apart[-1].end:
            apart[-1] = replace(apart[-1], end=max(apart[-1].end, finding.end))
        else:
            apart.append(finding)
    return [*_not_allowed(text, apart)] if apart else apart


def _not_allowed(text: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Those that stand in no line that its author marked."""
    if "pragma" not in text:
        yield from findings
        return
    from detect_secrets.filters.allowlist import is_line_allowlisted
    from detect_secrets.util.code_snippet import CodeSnippet

    for finding in findings:
        start = text.rfind("\n", 0, finding.start) + 1
        line = text[start:].partition("\n")[0]
        if not is_line_allowlisted("", line, CodeSnippet([line], 0, 0)):
            yield finding
