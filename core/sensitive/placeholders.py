"""Tells what stands for a secret in documents from what is one."""

from __future__ import annotations

import math
import re
from collections import Counter

_RUNS = re.compile(r"(.)\1{4}|12345|67890|abcdef|qwerty|0123|deadbeef|\.\.\.|\*\*\*|…", re.IGNORECASE)
_SAYS_SO = re.compile(
    r"example|your|placeholder|dummy|sample|change|insert|replace|redact|xxxx|todo|fake|mock|hidden|masked",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"p[a@4]s[s$5]w|passphrase|secret|token|api[_-]?key|test|demo|foo(?![a-z])|(?<![a-z])bar(?![a-z])|here|default|"
    r"abc123|letmein|admin|guest|root|user|1234|none|null|true|false|undefined|generated|random|enter|密码|口令|密钥",
    re.IGNORECASE,
)
_TEMPLATES = re.compile(r"\$[({]|\$[A-Z_]{3}|\{\{?|\}|<|>|%\(|%[sdr]|#\{|@\{|^\$|^[*.?_xX-]+$|\[|\\")
_LONG = 24
"""From this length on, a common word inside of a value is chance."""


def is_made_up(value: str) -> bool:
    """Whether a value in the format of a key is an example of it: documents write AKIAIOSFODNN7EXAMPLE."""
    return bool(_SAYS_SO.search(value) or _RUNS.search(value)) or len(set(value)) < min(8, len(value) // 2)


def is_placeholder(value: str) -> bool:
    """Whether what is assigned to a password is a word for one, or a template's variable."""
    return bool(_TEMPLATES.search(value)) or is_made_up(value) or (len(value) < _LONG and bool(_WORDS.search(value)))


def entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values()) if total else 0.0
