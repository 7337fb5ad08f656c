"""Whether an answer is written in the letters of its sample's language.

Scripts decide, not words: detectors by words take answers of a few words, mostly names and code, for any language.
"""

from __future__ import annotations

import re

from docutune.plugins.curators.quality.text import Exchange, without_blocks

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_OTHER = re.compile("[\u0370-\u1fff\u3040-\u30ff\uac00-\ud7af]")  # from Greek on, Kana, Hangul
_OTHER_WORD = re.compile("[^\\W\\d_\u3400-\u9fff\uf900-\ufaff]+")
_LEAST = 12


def foreign(item: Exchange, strict: bool) -> str | None:
    """What is wrong with the answer's letters, None where nothing is, or where there are too few to say.

    Files that name no language are taken for "en" where they have more other words than Chinese characters: Chinese
    about code, Russian. There the question tells whether English is meant; where Chinese prevails somebody said "en".
    """
    han, latin, other = _counts(item.prose)
    if han + latin + other < _LEAST:
        return None
    if item.language == "en" and han + other > latin and (_is_latin(item.question) or _is_chinese(item.said)):
        return "letters of another language in an answer of an English sample"
    if item.language == "zh" and _HAN.search(item.question):
        if other > han + latin:
            return "letters of another language in an answer of a Chinese sample"
        if strict and not han:
            return "no Chinese in an answer of a Chinese sample"
    return None


def _is_latin(question: str) -> bool:
    han, latin, other = _counts(without_blocks(question))
    return latin > 4 * (han + other)


def _is_chinese(said: str) -> bool:
    return len(_HAN.findall(said)) >= len(_OTHER_WORD.findall(said))


def _counts(text: str) -> tuple[int, int, int]:
    if text.isascii():
        return 0, len(_LATIN.findall(text)), 0
    return len(_HAN.findall(text)), len(_LATIN.findall(text)), len(_OTHER.findall(text))
