"""Every text of the report, in English and Chinese, under one key."""

from __future__ import annotations

from collections.abc import Mapping

from docutune.report.chinese import CHINESE
from docutune.report.english import ENGLISH

TEXTS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "zh": CHINESE}
