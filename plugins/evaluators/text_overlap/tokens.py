"""Words of prose, Chinese and code, so that overlap between two answers means the same in all three."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, TypeAlias

import rjieba
from rouge_score.tokenizers import Tokenizer

TextKind: TypeAlias = Literal["zh", "code", "13a"]

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"

_NUMBER = r"\d+(?:\.\d+)?"
_IDENTIFIER = rf"[^\W\d{HAN}][^\W{HAN}]*"
_OPERATOR = r"->|=>|==|!=|<=|>=|:=|\*\*|//|--|\|\||&&|::|(?<=\w)\.(?=\w)|[()\[\]{}<>=+\-*/%@&|^~$#]"
_TOKEN = re.compile(
    rf"(?P<han>[{HAN}]+)|(?P<number>{_NUMBER})|(?P<identifier>{_IDENTIFIER})|(?P<operator>{_OPERATOR})|\S"
)
_CODE_SPAN = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_PUNCTUATION = frozenset({"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sk"})  # Sk holds the back quote
_INNER_UNDERSCORES = re.compile(r"(?<=[^_])_+(?=[^_])")


def normalise(text: str) -> str:
    """NFKC, every run of white space one space, none at the ends; a lone surrogate becomes a question mark."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(unicodedata.normalize("NFKC", clean).split())


def tokens(text: str) -> list[str]:
    """Tokens in order, case kept.

    Chinese is cut into words; identifiers into their snake_case pieces; brackets, operators and the dot of an attribute
    are tokens, other punctuation is not. A text of nothing but punctuation is its characters, so that every text with
    something in it has tokens.
    """
    clean = normalise(text)
    found = [token for match in _TOKEN.finditer(clean) for token in _pieces(match)]
    return found or list(clean.replace(" ", ""))


def _pieces(match: re.Match[str]) -> list[str]:
    token = match.group()
    if match.lastgroup == "han":
        return list(rjieba.cut(token))
    if match.lastgroup == "identifier":
        return _INNER_UNDERSCORES.split(token)
    if match.lastgroup is None and unicodedata.category(token) in _PUNCTUATION:
        return []
    return [token]


def text_kind(text: str) -> TextKind:
    """Which tokenizer fits: "zh" when there is a Chinese character, "code" when at least half is code, else "13a"."""
    if re.search(f"[{HAN}]", text):
        return "zh"
    return "code" if _is_code(text) else "13a"


def _is_code(text: str) -> bool:
    """At least half of the visible characters stand in back quotes, or half of the tokens are operators."""
    in_quotes = sum(_visible(span.group()) for span in _CODE_SPAN.finditer(text))
    found = tokens(text)
    operators = sum(not token[0].isalnum() and token[0] != "_" for token in found)
    return 2 * in_quotes >= max(_visible(text), 1) or 2 * operators >= max(len(found), 1)


def _visible(text: str) -> int:
    return sum(not character.isspace() for character in text)


class RougeTokenizer(Tokenizer):  # type: ignore[misc]  # rouge_score has no types
    """Tokens for ROUGE, which ignores case (Lin, 2004, and the original ROUGE-1.5.5)."""

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, without case."""
        return [token.casefold() for token in tokens(text)]
