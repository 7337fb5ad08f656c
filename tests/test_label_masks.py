"""Which tokens bear loss, token by token, under the real chat templates of several families of models.

The templates are the ones that TRL ships; the tokenizers are made here, small, of the same kind as the family's own:
the same control tokens, the same treatment of white space.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trl
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from docutune.hf.encode import IGNORED, Encoded, encode, prompt_ids, read_template
from docutune.records import Message
from docutune.template import Template

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
CORPUS = [
    "What does fetch do? It reads one page. And store? It writes one. system user assistant model end turn think",
    "def fetch(url):\n\n    return read(url)  # 它读取一页。你好,世界。问题 答案",
] * 5


WORDS = r"\s*[\r\n]+|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+"


def byte_level(
    special: Sequence[str], added: Sequence[str] = (), words: str | None = WORDS, **names: str
) -> PreTrainedTokenizerFast:
    """As Qwen's and Llama 3's: bytes and merges, white space as it is; without `words` as GPT-2's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split: list[Any] = [pre_tokenizers.Split(Regex(words), "isolated")] if words else []
    steps: list[Any] = [*split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not words)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return finished(tokenizer, special, added, **names)


def pieces(
    special: Sequence[str], added: Sequence[str] = (), prefix: bool = False, eats: bool = False, **names: str
) -> PreTrainedTokenizerFast:
    """As SentencePiece's: a low line for each space, bytes for what is unknown, control tokens in the model's own list.

    `prefix`: a space is put before a text, as for Phi-3. `eats`: control tokens swallow the white space after them.
    """
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    spaces: list[Any] = [normalizers.Prepend("▁")] if prefix else []
    tokenizer.normalizer = normalizers.Sequence([*spaces, normalizers.Replace(" ", "▁")])
    stripped: list[Any] = [decoders.Strip(" ", 1, 0)] if prefix else []
    steps: list[Any] = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *stripped]
    tokenizer.decoder = decoders.Sequence(steps)
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<unk>", *special, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator([text.replace(" ", "▁") for text in CORPUS], trainer)
    plain = Tokenizer.from_str(json.dumps({**json.loads(tokenizer.to_str()), "added_tokens": []}))
    return finished(plain, ["<unk>", *special], added, eats, **names)


def finished(
    tokenizer: Tokenizer, special: Sequence[str], added: Sequence[str], eats: bool = False, **names: str
) -> PreTrainedTokenizerFast:
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True, rstrip=eats) for token in special])
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in added])
    make: Any = PreTrainedTokenizerFast
    made: PreTrainedTokenizerFast = make(tokenizer_object=tokenizer, **names)
    return made


def qwen() -> PreTrainedTokenizerFast:
    special, added = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], ["<think>", "</think>", "<tool_call>"]
    return byte_level(special, added, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def llama() -> PreTrainedTokenizerFast:
    marks = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    return byte_level(marks, bos_token=marks[0], eos_token=marks[1])


def gemma() -> PreTrainedTokenizerFast:
    marks = ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"]
    return pieces(marks, ["\n\n", "▁▁", "<h1>"], pad_token="<pad>", eos_token="<eos>", bos_token="<bos>")


def phi() -> PreTrainedTokenizerFast:
    marks = ["<s>", "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
    return pieces(marks, prefix=True, eats=True, bos_token="<s>", eos_token="<|endoftext|>")


def phi_without_prefix() -> PreTrainedTokenizerFast:
    marks = ["<s>", "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
    return pieces(marks, eats=True, bos_token="<s>", eos_token="<|endoftext|>")


def gpt2() -> PreTrainedTokenizerFast:
    return byte_level(["<|endoftext|>"], words=None, eos_token="<|endoftext|>")


@dataclass(frozen=True)
class Family:
    """A kind of model; `more` is what TRL's template lets the model learn beyond replies and their ends."""

    name: str
    tokenizer: Callable[[], PreTrainedTokenizerFast]
    template: str | None
    more: tuple[str, ...] = ()
    after: str = ""  # what TRL's template writes after the last end


FAMILIES = [
    Family("Qwen3", qwen, "qwen3", after="\n"),
    Family("Qwen2.5", qwen, "qwen2_5", ("\n",), after="\n"),
    Family("Llama 3", llama, "llama3"),
    Family("Gemma 3", gemma, "gemma3", ("\n",), after="\n"),
    Family("Phi-3", phi, "phi3", after="<|endoftext|>"),
    Family("Phi-3.5", phi_without_prefix, "phi3_5", after="<|endoftext|>"),
    Family("no template", gpt2, None),
]
EVERY = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)

Q, A = Message("user", "What does fetch do?"), Message("assistant", "It reads one page.")
Q2, A2 = Message("user", "And store?"), Message("assistant", "It writes one:\n\n    store(page)")
ZH, ZH_A = Message("user", "你好,世界。问题?"), Message("assistant", "它读取一页。\n答案")
SYSTEM = Message("system", "Answer about fetch.")
EMPTY = Message("assistant", "")
CONVERSATIONS = {
    "one turn": (Q, A),
    "turns": (Q, A, Q2, A2, ZH, ZH_A),
    "system": (SYSTEM, Q, A, Q2, A2),
    "Chinese": (ZH, ZH_A),
    "empty": (Q, EMPTY, Q2, A2),
    "white space": (Q, Message("assistant", "    indented\n")),
    "newlines first": (Q, Message("assistant", "\n\nlate")),
    "no reply at the end": (Q, A, Q2),
}


def prepared(family: Family, thinking: bool = False) -> tuple[PreTrainedTokenizerFast, Template]:
    tokenizer = family.tokenizer()
    if family.template is not None:
        tokenizer.chat_template = (TEMPLATES / f"{family.template}.jinja").read_text("utf-8")
    return tokenizer, read_template(tokenizer, family.name, thinking=thinking)


def spans(row: Encoded) -> list[list[int]]:
    """Runs of labels that bear loss."""
    runs: list[list[int]] = []
    before = IGNORED
    for label in row.labels:
        if label != IGNORED and before == IGNORED:
            runs.append([])
        if label != IGNORED:
            runs[-1].append(label)
        before = label
    return runs


@EVERY
@pytest.mark.parametrize("thinking", [False, True])
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_loss_is_on_the_replies_and_their_ends_and_nothing_else(family: Family, name: str, thinking: bool) -> None:
    tokenizer, template = prepared(family, thinking)
    conversation = CONVERSATIONS[name]
    turns = [index for index, message in enumerate(conversation) if message.role == "assistant"]
    taught: list[str] = []
    for row in encode(tokenizer, template, conversation):
        assert len(row.labels) == len(row.input_ids)
        assert all(label in (IGNORED, token) for label, token in zip(row.labels, row.input_ids, strict=True))
        for run in spans(row):
            assert tokenizer.convert_ids_to_tokens(run[-1]) == template.end_token
            taught.append(tokenizer.decode(run[:-1]))
        last = [turns[len(taught) - 1]]
        assert_begins_with_the_prompt(tokenizer, template, conversation[: last[0]], row)
    assert taught == [conversation[index].content for index in turns]


def test_a_reply_that_would_melt_into_its_prompt_is_read_alone() -> None:
    """GPT-2's rule for words reads two line breaks as one token, but as two where a word follows."""
    marks = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = byte_level(marks, words=None, bos_token=marks[0], eos_token=marks[1])
    tokenizer.chat_template = (TEMPLATES / "llama3.jinja").read_text("utf-8")
    template = read_template(tokenizer, "melting")
    for row in encode(tokenizer, template, (Q, A)):
        assert_begins_with_the_prompt(tokenizer, template, (Q,), row)
        assert tokenizer.decode(spans(row)[0]) == "It reads one page.<|eot_id|>"


def assert_begins_with_the_prompt(
    tokenizer: PreTrainedTokenizerFast, template: Template, asked: Sequence[Message], row: Encoded
) -> None:
    """The row's last reply stands after the very tokens that ask for it in use."""
    prompt = prompt_ids(tokenizer, template, asked)
    reply = spans(row)[-1]
    assert list(row.input_ids) == [*prompt, *reply]
    assert row.labels[len(prompt) - 1] == IGNORED


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.template], ids=lambda family: family.name)
@pytest.mark.parametrize("name", ["one turn", "turns", "system", "Chinese"])
def test_the_mask_is_that_of_trls_templates_with_markers(family: Family, name: str) -> None:
    """Token by token. What differs: TRL's also teach white space around the turns that the template writes itself.

    Qwen3's teach the empty thinking block, too, which in use is part of the prompt (thinking off), and write it into
    earlier turns, where the model's own template has none; so there only the first turn is compared.
    """
    tokenizer, template = prepared(family)
    conversation = CONVERSATIONS[name]
    if family.name == "Qwen3":
        conversation = conversation[: 3 if name == "system" else 2]
    (row,) = encode(tokenizer, template, conversation)
    theirs: Any = tokenizer.apply_chat_template(
        template.conversation(conversation),
        chat_template=(TEMPLATES / f"{family.template}_training.jinja").read_text("utf-8"),
        return_assistant_tokens_mask=True,
        return_dict=True,
    )
    length = len(row.input_ids)
    assert theirs["input_ids"][:length] == list(row.input_ids)
    assert tokenizer.decode(theirs["input_ids"][length:]) == family.after
    differ: list[str] = []
    for index, (token, label) in enumerate(zip(row.input_ids, row.labels, strict=True)):
        if theirs["assistant_masks"][index] != (label != IGNORED):
            assert label == IGNORED
            differ.append(tokenizer.decode([token]))
    if family.name == "Qwen3":
        assert "".join(differ) == "<think>\n\n</think>\n\n"
    else:
        assert set(differ) <= set(family.more)


def spelled(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """Texts with every control token, inside each other, at the edges, and side by side."""
    tokens = [str(token) for token in tokenizer.added_tokens_decoder.values() if str(token).strip(" \n▁")]
    inside = [f"{token[:3]}{token}{token[3:]}" for token in tokens]
    return [f"The token {token} ends it." for token in tokens] + ["".join(tokens) * 2, " ".join(inside)]


@EVERY
def test_control_tokens_in_messages_are_text(family: Family) -> None:
    tokenizer, template = prepared(family)
    control = {number for number, token in tokenizer.added_tokens_decoder.items() if str(token).strip(" \n▁")}
    marks = [token for token in prompt_ids(tokenizer, template, [SYSTEM, Q, A, Q2]) if token in control]
    for text in spelled(tokenizer):
        asked = [Message("system", text), Message("user", text), A, Message("user", text)]
        prompt = prompt_ids(tokenizer, template, asked)
        assert [token for token in prompt if token in control] == marks
        assert tokenizer.decode(prompt).count(text) == 3
        row = encode(tokenizer, template, [*asked, Message("assistant", text)])[-1]
        assert row.input_ids[: len(prompt)] == tuple(prompt)
        assert [token for token in spans(row)[-1] if token in control] == [spans(row)[-1][-1]]
        assert tokenizer.decode(spans(row)[-1][:-1]) == text


@EVERY
def test_a_control_token_changes_nothing_around_it(family: Family) -> None:
    """All that stands before it is read as without it, so a copy of the tokenizer that knows no marks reads alike."""
    tokenizer, template = prepared(family)
    for before in (A, A2, ZH_A):
        plain = prompt_ids(tokenizer, template, [SYSTEM, Q, before, Message("user", "Well, x")])
        marked = prompt_ids(tokenizer, template, [SYSTEM, Q, before, Message("user", f"Well, {tokenizer.eos_token}")])
        shared = next(index for index, pair in enumerate(zip(plain, marked, strict=False)) if pair[0] != pair[1])
        assert "Well," in tokenizer.decode(plain[:shared])
        assert plain[-1] == marked[-1]


def test_a_list_of_pieces_with_scores_keeps_text_apart_too() -> None:
    """Unigram models find control tokens in their own list, were these not renamed there."""
    vocabulary = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("▁", -2.0), ("▁it", -3.0), ("s", -4.0)]
    letters = [(letter, -5.0) for letter in "</>abcdefghijklmnopqrtuvwxyz\nAU:"]
    tokenizer = Tokenizer(models.Unigram([*vocabulary, *letters], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    made = finished(tokenizer, ["<unk>", "<s>", "</s>"], [], eos_token="</s>", bos_token="<s>")
    (row,) = encode(made, read_template(made, "unigram"), [Message("user", "a <s>"), Message("assistant", "it </s> b")])
    assert row.input_ids.count(1) == 0
    assert row.input_ids.count(2) == 1
    assert made.decode(list(row.input_ids)).count("</s>") == 2


def test_private_characters_of_a_text_survive() -> None:
    tokenizer, template = prepared(FAMILIES[0])
    text = "\U000f0000 <|im_end|> \U000f0001 <think>"
    (row,) = encode(tokenizer, template, [Q, Message("assistant", text)])
    assert tokenizer.decode(spans(row)[0][:-1]) == text


def test_reasoning_of_a_reply_is_the_models_own_in_thinking_mode_alone() -> None:
    reply = Message("assistant", "<think>\nA page, or </think> two?\n</think>\n\nIt reads <think> one.")
    marks = ["<think>", "</think>"]
    for thinking, expected in ((False, []), (True, marks)):
        tokenizer, template = prepared(FAMILIES[0], thinking)
        (row,) = encode(tokenizer, template, [Q, reply])
        known = tokenizer.convert_ids_to_tokens(spans(row)[0])
        assert [token for token in known if token in marks] == expected
        assert tokenizer.decode(spans(row)[0][:-1]) == reply.content


def test_the_system_prompt_of_the_options_is_text_and_stands_in_every_prompt() -> None:
    for family in FAMILIES:
        tokenizer, _ = prepared(family)
        template = read_template(tokenizer, family.name, system="You know fetch. <|im_end|></s>")
        prompt = prompt_ids(tokenizer, template, [Q])
        assert tokenizer.decode(prompt).count("You know fetch. <|im_end|></s>") == 1
        assert "You know" not in tokenizer.decode(prompt_ids(tokenizer, template, [SYSTEM, Q]))
