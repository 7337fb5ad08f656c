"""The number of tokens that no tokenizer falls below, held against tokenizers that know the very text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, PreTokenizer, Sequence, Split
from tokenizers.trainers import BpeTrainer

from docutune.chat.counting import fewest_tokens, likely_tokens

ROOT = Path(__file__).parent.parent
PIECE = 2000
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"
SPLITS: dict[str, PreTokenizer] = {
    "as GPT-2": ByteLevel(add_prefix_space=False),
    "as GPT-4": Sequence([Split(Regex(WORDS), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]),
}


def pieces(paths: Iterable[Path]) -> list[str]:
    text = "\n".join(path.read_text("utf-8") for path in sorted(paths))
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def chinese() -> list[str]:
    """Lines of the Chinese files, each clause once: what many prompts share would be one token."""
    paths = [ROOT / "README.zh-CN.md", *ROOT.glob("plugins/**/prompts/zh/*.md")]
    lines = [
        line for path in paths for line in path.read_text("utf-8").splitlines() if any("一" <= c <= "鿿" for c in line)
    ]
    text = "".join(dict.fromkeys(re.split(r"(?<=[。；，：！？])", "\n".join(lines))))
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


@pytest.mark.parametrize("split", SPLITS)
def test_no_tokenizer_makes_fewer(split: str) -> None:
    texts = {
        "English": pieces([*ROOT.glob("docs/*.md"), ROOT / "README.md"]),
        "code": pieces(ROOT.glob("core/steps/*.py")),
        "Chinese": chinese(),
    }
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = SPLITS[split]
    trainer = BpeTrainer(vocab_size=100_000, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator((text for found in texts.values() for text in found), trainer)
    for kind, found in texts.items():
        assert len(found) > 2, kind
        for text in found:  # it knows each of their words by heart
            tokens = len(tokenizer.encode(text).ids)
            assert tokens >= fewest_tokens(text), (kind, tokens, fewest_tokens(text), text)
            if len(text) == PIECE:  # the last piece may hold next to nothing
                assert likely_tokens(text) > fewest_tokens(text) > 0, (kind, text)


def test_what_could_be_one_token_counts_for_no_more() -> None:
    for text in ("", " " * 500, "=" * 200, "\n\n\n", "()[]{}.,;", "_" * 9):
        assert fewest_tokens(text) == 0
    assert fewest_tokens("internationalization") == 1
    assert fewest_tokens("软件包的") == 1
