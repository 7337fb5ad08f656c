"""What detectors say they found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """What stands between two places of a text: `kind` is like "AWS Access Key" or "e-mail address"."""

    start: int
    end: int
    kind: str
