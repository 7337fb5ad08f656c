"""Text stays text: what a message says is never read as one of the tokenizer's control tokens.

A tokenizer takes `<|im_end|>` for the end of a turn wherever it stands, be it the template's own mark or a word of a
document. So control tokens that a message spells out are hidden from the template behind stand-ins, one character for
each; what is left of them in the rendered text is the template's. Those are renamed, the stand-ins are filled in again,
and a copy of the tokenizer that knows control tokens by their new names alone reads the whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from docutune.errors import DocutuneError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

_PRIVATE = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))  # characters without meaning: stand-ins, new names
_SPACE = " \t\r\n\u2581"  # tokens of these alone (Gemma has such) are text


@dataclass(frozen=True, slots=True)
class Hidden:
    """Texts in which stand-ins are in the place of control tokens, and what each of them stands for."""

    texts: tuple[str, ...]
    stand_ins: Mapping[str, str]


class Control:
    """The control tokens of one tokenizer: its special tokens, and all others that were added to its vocabulary."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        ids: dict[int, Any] = tokenizer.added_tokens_decoder
        self._ids = {str(token): number for number, token in ids.items() if str(token).strip(_SPACE)}
        longest_first = sorted(self._ids, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def hide(self, texts: Sequence[str]) -> Hidden:
        """Put a stand-in for every control token that one of the texts spells out."""
        found = dict.fromkeys(token for text in texts for token in self._pattern.findall(text))
        names = dict(zip(found, _unused("".join(texts)), strict=False))
        hidden = tuple(self._pattern.sub(lambda match: names[match[0]], text) for text in texts)
        return Hidden(hidden, {name: token for token, name in names.items()})

    def ids(self, text: str, stand_ins: Mapping[str, str]) -> list[int]:
        """Token ids of rendered text; control tokens in it are the template's, those behind stand-ins are text."""
        if not stand_ins:
            return list(self._tokenizer.encode(text, add_special_tokens=False)) if text else []
        renamed = self._pattern.sub(lambda match: self._names[match[0]], text)
        shown = re.sub("|".join(stand_ins), lambda match: stand_ins[match[0]], renamed)
        return list(self._by_new_names.encode(shown, add_special_tokens=False).ids)

    @cached_property
    def _names(self) -> dict[str, str]:
        """A new name for each control token; two characters, so that none is a stand-in."""
        return {token: f"\U0010fffd{chr(_PRIVATE[1][index])}" for index, token in enumerate(self._ids)}

    @cached_property
    def _by_new_names(self) -> Tokenizer:
        from tokenizers import Tokenizer

        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            raise DocutuneError(
                "a text contains a control token, and this model's tokenizer cannot tell it from its own",
                "choose a model with a tokenizer.json, or leave the text out",
            )
        return Tokenizer.from_str(json.dumps(self._renamed(json.loads(backend.to_str()))))

    def _renamed(self, described: dict[str, Any]) -> dict[str, Any]:
        """A tokenizer.json that gives control tokens their new names, in its model too, so that they keep their ids."""
        model = described["model"]
        if isinstance(model["vocab"], dict):
            for token, number in self._ids.items():
                model["vocab"].pop(token, None)
                model["vocab"][self._names[token]] = number
        else:  # Unigram: [piece, score] by id; ids beyond are given in the order of `added_tokens`
            model["vocab"] = [[self._names.get(piece, piece), score] for piece, score in model["vocab"]]
        if model.get("unk_token") in self._names:
            model["unk_token"] = self._names[model["unk_token"]]
        tokens = [
            {**token, "content": self._names.get(token["content"], token["content"])}
            for token in described["added_tokens"]
        ]
        return {**described, "added_tokens": tokens, "post_processor": None, "truncation": None, "padding": None}


@lru_cache(maxsize=4)
def control(tokenizer: PreTrainedTokenizerBase) -> Control:
    """The control tokens of a tokenizer that is complete."""
    return Control(tokenizer)


def _unused(text: str) -> Iterator[str]:
    """Characters of the private use area that the text does not have."""
    present = set(text)
    return (chr(code) for code in _PRIVATE[0] if chr(code) not in present)
