"""Conversations to token ids and labels: the very text that the model sees in use, loss on the assistant's tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune.errors import DocutuneError
from docutune.records import Message, from_json
from docutune.template import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token that bears no loss."""

_MARK = "docutune answer"  # stands for a reply when a template is looked at


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row to train on: token ids, and as many labels (the id itself, or IGNORED)."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoding:
    """All rows of a file, in its order; `left_out` of the `samples` had a row longer than the limit."""

    rows: tuple[Encoded, ...]
    samples: int
    left_out: int
    longest: int


def read_template(tokenizer: PreTrainedTokenizerBase, name: str, system: str | None = None) -> Template:
    """The template of a model's tokenizer; `name` is for the message when it has none."""
    source = tokenizer.get_chat_template() if tokenizer.chat_template else None
    if not source:
        raise DocutuneError(f"{name} has no chat template", "choose a model made for chat (instruct)")
    draft = Template(source, str(tokenizer.eos_token or ""), system)
    return Template(source, _end_token(tokenizer, draft), system)


def _end_token(tokenizer: PreTrainedTokenizerBase, template: Template) -> str:
    """The special token that the template puts after a reply; the tokenizer's own end token where it puts none."""
    text = render(tokenizer, template, [Message("user", "question"), Message("assistant", _MARK)], prompt=False)
    after = text.rpartition(_MARK)[2].lstrip()
    special = [token for token in tokenizer.all_special_tokens if token and after.startswith(token)]
    added = [str(token) for token in tokenizer.get_added_vocab() if after.startswith(str(token))]
    found = max([*special, *added], key=len, default=template.end_token)
    if not found:
        raise DocutuneError("the chat template ends a reply with no special token", "choose a model made for chat")
    return found


def render(
    tokenizer: PreTrainedTokenizerBase, template: Template, messages: Sequence[Message], prompt: bool = True
) -> str:
    """The conversation as text; with `prompt` it ends where the assistant's next reply begins."""
    text = tokenizer.apply_chat_template(
        template.conversation(messages),
        chat_template=template.source,
        add_generation_prompt=prompt,
        tokenize=False,
        enable_thinking=template.thinking,
    )
    return str(text)


def prompt_ids(tokenizer: PreTrainedTokenizerBase, template: Template, messages: Sequence[Message]) -> list[int]:
    """Token ids of the prompt for the assistant's next reply."""
    return _ids(tokenizer, render(tokenizer, template, messages))


def encode(tokenizer: PreTrainedTokenizerBase, template: Template, messages: Sequence[Message]) -> list[Encoded]:
    """Rows that teach every assistant turn after the very prompt that asks for it in use.

    A conversation is one row as long as each prompt continues the text before it. Some templates rewrite earlier turns
    (Qwen3 drops their thinking block); there a turn begins a row of its own.
    """
    end = _ids(tokenizer, template.end_token)
    rows: list[Encoded] = []
    text = ""
    input_ids: list[int] = []
    labels: list[int] = []
    for index, message in enumerate(messages):
        if message.role != "assistant":
            continue
        prompt = render(tokenizer, template, messages[:index])
        if text and not prompt.startswith(text):
            rows.append(Encoded(tuple(input_ids), tuple(labels)))
            text, input_ids, labels = "", [], []
        before = _ids(tokenizer, prompt[len(text) :])
        reply = [*_ids(tokenizer, message.content), *end]
        input_ids += [*before, *reply]
        labels += [*([IGNORED] * len(before)), *reply]
        text = prompt + message.content + template.end_token
    return [*rows, Encoded(tuple(input_ids), tuple(labels))] if input_ids else rows


def encode_file(tokenizer: PreTrainedTokenizerBase, template: Template, path: Path, max_length: int) -> Encoding:
    """Encode JSON Lines of {"messages": [...]}; samples with a row of more than `max_length` tokens are left out.

    Raises DocutuneError when that is more than half of them, or when no token would bear loss.
    """
    rows: list[Encoded] = []
    samples = left_out = longest = 0
    for messages in read_conversations(path):
        encoded = encode(tokenizer, template, messages)
        length = max((len(row.input_ids) for row in encoded), default=0)
        samples, longest = samples + 1, max(longest, length)
        if length > max_length:
            left_out += 1
        else:
            rows += encoded
    _check(path, Encoding(tuple(rows), samples, left_out, longest), max_length)
    return Encoding(tuple(rows), samples, left_out, longest)


def read_conversations(path: Path) -> Iterator[tuple[Message, ...]]:
    """The conversations of a JSON Lines file, one by one; DocutuneError names the line that holds none."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _conversation(line, f"{path}:{number}")


def _conversation(line: str, place: str) -> tuple[Message, ...]:
    try:
        value: Any = json.loads(line)
        messages = tuple(from_json(Message, message) for message in value["messages"])
    except (ValueError, KeyError, TypeError) as error:
        cause = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise DocutuneError(f"{place}: not a conversation: {cause}", 'write {"messages": [...]} on each line') from None
    return messages


def _check(path: Path, encoding: Encoding, max_length: int) -> None:
    if encoding.samples == 0:
        raise DocutuneError(f"{path}: no samples to train on")
    if encoding.left_out * 2 > encoding.samples:
        raise DocutuneError(
            f"{path}: {encoding.left_out} of {encoding.samples} samples are longer than max_length {max_length} tokens",
            f"raise max_length (the longest has {encoding.longest}) or make shorter samples",
        )
    if not _bears_loss(encoding.rows):
        raise DocutuneError(f"{path}: no sample has an assistant message, nothing would be learned")


def _bears_loss(rows: Iterable[Encoded]) -> bool:
    return any(label != IGNORED for row in rows for label in row.labels)


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False)) if text else []
