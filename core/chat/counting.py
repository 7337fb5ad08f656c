"""How many tokens a text has, without the model's tokenizer: at least, and about."""

from __future__ import annotations

import re

_WIDE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[^\W\d_{_WIDE}]+|\d+")
_WIDE_CHARACTER = re.compile(rf"[{_WIDE}]")
_WIDE_PER_TOKEN_AT_MOST = 4
_WIDE_PER_TOKEN = 1.5
_CHARACTERS_PER_TOKEN = 4


def fewest_tokens(text: str) -> int:
    """No tokenizer in common use makes fewer tokens of English, Chinese or code.

    They split a text into words, runs of digits and signs first, and no token reaches over the end of a word: one for
    each run of letters or digits, and nothing for all else. Tokens of several Chinese characters exist for the most
    common words alone: four characters to a token are more than a text of them has. A tokenizer that was trained on
    the very text does not fall below it (tests/test_counting.py).
    """
    return len(_WORD.findall(text)) + len(_WIDE_CHARACTER.findall(text)) // _WIDE_PER_TOKEN_AT_MOST


def likely_tokens(text: str) -> int:
    """About as many as the tokenizers of today make: four characters to a token, of Chinese one and a half."""
    wide = len(_WIDE_CHARACTER.findall(text))
    return round(wide / _WIDE_PER_TOKEN + (len(text) - wide) / _CHARACTERS_PER_TOKEN)
