"""Every text of the report, in English and Chinese, under one key."""

from __future__ import annotations

from collections.abc import Mapping

from docutune.report.chinese import CHINESE
from docutune.report.english import ENGLISH
from docutune.report.quality_chinese import QUALITY_CHINESE
from docutune.report.quality_english import QUALITY_ENGLISH

TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {**ENGLISH, **QUALITY_ENGLISH},
    "zh": {**CHINESE, **QUALITY_CHINESE},
}
