"""Conversations to tokens: the loss is on the assistant's tokens, and a row begins as the prompt does in use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docutune.errors import DocutuneError
from docutune.hf.encode import IGNORED, Encoded, encode, encode_file, prompt_ids, read_template, template_for
from docutune.hf.tiny import make_tokenizer
from docutune.records import Message
from docutune.template import Template
from docutune.training import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QUESTION, ANSWER = Message("user", "What does fetch do?"), Message("assistant", "It reads one page.")
MORE = (Message("user", "And store?"), Message("assistant", "It writes one."))

# Drops the thinking block of earlier turns, as Qwen3's template does.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return make_tokenizer(["What does fetch do? It reads one page. And store? It writes one. " * 3], 400)


def trained(tokenizer: PreTrainedTokenizerBase, row: Encoded) -> str:
    return str(tokenizer.decode([label for label in row.labels if label != IGNORED]))


def test_only_the_reply_and_its_end_bear_loss(tokenizer: PreTrainedTokenizerBase) -> None:
    template = read_template(tokenizer, "base")
    (row,) = encode(tokenizer, template, [QUESTION, ANSWER])
    assert trained(tokenizer, row) == "It reads one page.<|im_end|>"
    assert tokenizer.decode(list(row.input_ids)) == (
        "<|im_start|>user\nWhat does fetch do?<|im_end|>\n<|im_start|>assistant\nIt reads one page.<|im_end|>"
    )
    assert len(row.labels) == len(row.input_ids)


def test_a_row_begins_with_the_very_prompt_of_use(tokenizer: PreTrainedTokenizerBase) -> None:
    for source in (tokenizer.get_chat_template(), THINKING):
        template = Template(source, "<|im_end|>", system="Answer in short.")
        prompt = prompt_ids(tokenizer, template, [QUESTION])
        (row,) = encode(tokenizer, template, [QUESTION, ANSWER])
        assert list(row.input_ids[: len(prompt)]) == prompt
        assert set(row.labels[: len(prompt)]) == {IGNORED}
        assert IGNORED not in row.labels[len(prompt) :]


def test_every_turn_of_a_conversation_bears_loss(tokenizer: PreTrainedTokenizerBase) -> None:
    (row,) = encode(tokenizer, read_template(tokenizer, "base"), [QUESTION, ANSWER, *MORE])
    assert trained(tokenizer, row) == "It reads one page.<|im_end|>It writes one.<|im_end|>"


def test_turns_that_the_template_rewrites_get_rows_of_their_own(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = encode(tokenizer, Template(THINKING, "<|im_end|>"), [QUESTION, ANSWER, *MORE])
    assert [trained(tokenizer, row) for row in rows] == ["It reads one page.<|im_end|>", "It writes one.<|im_end|>"]
    assert "<think>" in tokenizer.decode(list(rows[0].input_ids))
    assert tokenizer.decode(list(rows[1].input_ids)).count("<think>") == 1


def test_the_end_token_is_the_one_that_the_template_writes(tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer = make_tokenizer(["some text"], 300)
    tokenizer.eos_token = "<|endoftext|>"  # base models end texts so, not turns
    assert read_template(tokenizer, "base").end_token == "<|im_end|>"


def test_a_model_without_a_chat_template_gets_a_plain_one() -> None:
    tokenizer = make_tokenizer(["some text"], 300)
    tokenizer.chat_template = None
    template = read_template(tokenizer, "base", system="Be short.")
    assert template.plain
    (row,) = encode(tokenizer, template, [QUESTION, ANSWER, *MORE])
    assert tokenizer.decode(list(row.input_ids)) == (
        "Be short.\n\nUser:\nWhat does fetch do?\n\nAssistant:\nIt reads one page.<|im_end|>\n\n"
        "User:\nAnd store?\n\nAssistant:\nIt writes one.<|im_end|>"
    )
    assert trained(tokenizer, row) == "It reads one page.<|im_end|>It writes one.<|im_end|>"


def test_a_model_that_nothing_can_end_is_refused() -> None:
    tokenizer = make_tokenizer(["some text"], 300)
    tokenizer.chat_template = tokenizer.eos_token = None
    with pytest.raises(DocutuneError, match="base has no token that ends a reply"):
        read_template(tokenizer, "base")


def test_the_template_survives_its_file(tmp_path: Path) -> None:
    template = Template(THINKING, "<|im_end|>", "Antworte kurz. 请简短回答。", True)
    template.save(tmp_path)
    assert Template.load(tmp_path) == template


def test_a_damaged_template_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "template.json").write_text("{}", "utf-8")
    with pytest.raises(DocutuneError, match=r"template\.json"):
        Template.load(tmp_path)


def write(path: Path, *conversations: tuple[Message, ...]) -> Path:
    rows = [{"messages": [{"role": m.role, "content": m.content} for m in messages]} for messages in conversations]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_long_samples_are_left_out_and_counted(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    long = (QUESTION, Message("assistant", "page " * 300))
    path = write(tmp_path / "train.jsonl", (QUESTION, ANSWER), MORE, long)
    encoding = encode_file(tokenizer, read_template(tokenizer, "base"), path, 100)
    assert (len(encoding.rows), encoding.samples, encoding.left_out) == (2, 3, 1)
    assert encoding.longest > 300


def test_too_many_long_samples_stop_the_training(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    long = (QUESTION, Message("assistant", "page " * 300))
    path = write(tmp_path / "train.jsonl", (QUESTION, ANSWER), long, long)
    with pytest.raises(DocutuneError, match="2 of 3 samples are longer than max_length 100"):
        encode_file(tokenizer, read_template(tokenizer, "base"), path, 100)


def test_samples_without_a_reply_stop_the_training(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    template = read_template(tokenizer, "base")
    path = write(tmp_path / "train.jsonl", (QUESTION, ANSWER), (QUESTION,), MORE)
    with pytest.raises(
        DocutuneError, match=r"train\.jsonl:2: the sample has no assistant message, so nothing to learn"
    ):
        encode_file(tokenizer, template, path, 100)
    path = write(tmp_path / "train.jsonl", *[(QUESTION,)] * 9, MORE)
    with pytest.raises(DocutuneError, match=r"train\.jsonl:1: .*\(so have lines 2, 3, 4, 5 and 4 more\)"):
        encode_file(tokenizer, template, path, 100)


def test_a_conversation_that_the_template_refuses_is_named(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    strict = "{{ raise_exception('roles must alternate') if messages[0].role != 'user' }}" + THINKING
    path = write(tmp_path / "train.jsonl", MORE, (Message("system", "Be short."), QUESTION, ANSWER))
    with pytest.raises(DocutuneError, match=r"train\.jsonl:2: .* refuses the conversation: roles must alternate"):
        encode_file(tokenizer, Template(strict, "<|im_end|>"), path, 100)
    path = write(tmp_path / "train.jsonl", (ANSWER,))
    with pytest.raises(DocutuneError, match=r"train\.jsonl:1: .* refuses the conversation: .*empty conversation"):
        encode_file(tokenizer, Template(THINKING, "<|im_end|>"), path, 100)


def test_a_message_that_the_template_leaves_out_is_named(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    deaf = "{% for m in messages %}{% if m['role'] != 'system' %}" + THINKING.partition("%}")[2].replace(
        "{% endfor %}", "{% endif %}{% endfor %}"
    )
    path = write(tmp_path / "train.jsonl", MORE, (Message("system", "Be short."), QUESTION, ANSWER))
    with pytest.raises(DocutuneError, match=r"train\.jsonl:2: .* leaves out the text of a system message"):
        encode_file(tokenizer, Template(deaf, "<|im_end|>"), path, 100)
    with pytest.raises(DocutuneError, match="leaves out the text of a system message"):
        prompt_ids(tokenizer, Template(deaf, "<|im_end|>", system="Be short."), [QUESTION])
    assert encode(tokenizer, Template(deaf, "<|im_end|>"), MORE)


def test_what_a_model_lacks_is_told() -> None:
    tokenizer = make_tokenizer(["some text"], 300)
    config = TrainingConfig(model="acme/base", thinking=True, system_prompt="Be short.")
    heard = Heard()
    template = template_for(tokenizer, config, heard)  # type: ignore[arg-type]
    assert (template.system, template.thinking, template.plain) == ("Be short.", True, False)
    assert heard.notes == ["the chat template of acme/base has no thinking mode: `thinking` changes no prompt"]
    tokenizer.chat_template = THINKING
    template_for(tokenizer, config, heard)  # type: ignore[arg-type]
    assert len(heard.notes) == 1
    tokenizer.chat_template = None
    assert template_for(tokenizer, TrainingConfig(model="acme/base"), heard).plain  # type: ignore[arg-type]
    assert heard.notes[1:] == ["acme/base has no chat template: a plain one is used (User: ... Assistant: ...)"]


class Heard:
    """Takes notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_template_that_writes_the_day_writes_the_same_one_every_day(tokenizer: PreTrainedTokenizerBase) -> None:
    dated = Template("{{ strftime_now('%d %b %Y') }}\n" + THINKING, "<|im_end|>")
    assert tokenizer.decode(prompt_ids(tokenizer, dated, [QUESTION])).startswith("26 Jul 2024\n")


@pytest.mark.parametrize("line", ["not json", "[]", '{"text": "x"}', '{"messages": [{"role": "bot", "content": "x"}]}'])
def test_a_line_that_is_no_conversation_is_named(tokenizer: PreTrainedTokenizerBase, tmp_path: Path, line: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(f"\n{line}\n", "utf-8")
    with pytest.raises(DocutuneError, match=r"train\.jsonl:2"):
        encode_file(tokenizer, read_template(tokenizer, "base"), path, 100)
