"""Conversations to token ids and labels: the very text that the model sees in use, loss on the assistant's tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.hf.control import control
from docutune.hf.load import load_tokenizer
from docutune.records import Message, from_json
from docutune.template import PLAIN, TEMPLATE, Template
from docutune.training import TrainingConfig

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of a token that bears no loss."""

_MARK = "docutune answer"  # stands for a reply when a template is looked at
DAY = date(2024, 7, 26)  # the one that Llama 3's templates take when nobody tells them
_REASONING = re.compile(r"<think>(.*?)</think>(.*)", re.DOTALL)
_NAMED = 5  # lines in a message
_OTHER = "change the conversation, leave out a system prompt, or choose another model"


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


def template_for(tokenizer: PreTrainedTokenizerBase, config: TrainingConfig, context: Context) -> Template:
    """The template of a training: the model's own, with the options' system prompt and thinking mode."""
    template = read_template(tokenizer, config.model, config.system_prompt, config.thinking)
    if template.plain:
        context.note(f"{config.model} has no chat template: a plain one is used (User: ... Assistant: ...)")
    if template.thinking and "enable_thinking" not in template.source:
        context.note(f"the chat template of {config.model} has no thinking mode: `thinking` changes no prompt")
    return template


def read_template(
    tokenizer: PreTrainedTokenizerBase, name: str, system: str | None = None, thinking: bool = False
) -> Template:
    """The template of a model's tokenizer, or a plain one where it has none.

    `name` is for the message of the DocutuneError when nothing would end a reply.
    """
    source = tokenizer.get_chat_template() if tokenizer.chat_template else _plain(tokenizer)
    draft = Template(source, str(tokenizer.eos_token or ""), system, thinking)
    end = _end_token(tokenizer, draft)
    if not end:
        raise DocutuneError(f"{name} has no token that ends a reply", "choose a model made for chat (instruct)")
    return replace(draft, end_token=end)


def template_of(tokenizer: PreTrainedTokenizerBase, adapter: Path) -> Template:
    """The template that travels with what was tuned: template.json, or where another program than docutune tuned it,
    that of its own tokenizer, else of the base's.
    """
    if (adapter / TEMPLATE).is_file():
        return Template.load(adapter)
    own = load_tokenizer(adapter) if (adapter / "tokenizer_config.json").is_file() else tokenizer
    return read_template(own if own.chat_template else tokenizer, str(adapter))


def _plain(tokenizer: PreTrainedTokenizerBase) -> str:
    """The built-in template; it begins as the tokenizer lets a text begin."""
    begun = bool(tokenizer.bos_token) and list(tokenizer.encode("text"))[:1] == [tokenizer.bos_token_id]
    return ("{{ bos_token }}" if begun else "") + PLAIN


def _end_token(tokenizer: PreTrainedTokenizerBase, template: Template) -> str:
    """The special token that the template puts after a reply; the tokenizer's own end token where it puts none."""
    turns = [Message("user", "question"), Message("assistant", _MARK)]
    text = render(tokenizer, replace(template, system=None), turns, prompt=False)
    after = text.rpartition(_MARK)[2].lstrip()
    special = [token for token in tokenizer.all_special_tokens if token and after.startswith(token)]
    added = [str(token) for token in tokenizer.get_added_vocab() if after.startswith(str(token))]
    return max([*special, *added], key=len, default=template.end_token)


def render(
    tokenizer: PreTrainedTokenizerBase, template: Template, messages: Sequence[Message], prompt: bool = True
) -> str:
    """The conversation as text; with `prompt` it ends where the assistant's next reply begins.

    Templates that write the day get a fixed one: a prompt is the same in training and on every day of use.
    """
    try:
        text = tokenizer.apply_chat_template(
            template.conversation(messages),
            chat_template=template.source,
            add_generation_prompt=prompt,
            tokenize=False,
            enable_thinking=template.thinking,
            strftime_now=DAY.strftime,
        )
    except (TemplateError, ValueError) as error:
        cause = str(error).strip().partition("\n")[0]
        raise DocutuneError(f"the model's chat template refuses the conversation: {cause}", _OTHER) from None
    return str(text)


def prompt_ids(tokenizer: PreTrainedTokenizerBase, template: Template, messages: Sequence[Message]) -> list[int]:
    """Token ids of the prompt for the assistant's next reply."""
    return _Writer.of(tokenizer, template, messages).prompt(len(messages))


def encode(tokenizer: PreTrainedTokenizerBase, template: Template, messages: Sequence[Message]) -> list[Encoded]:
    """Rows that teach every assistant turn after the very prompt that asks for it in use.

    A conversation is one row as long as each prompt continues the tokens before it. Some templates rewrite earlier
    turns (Qwen3 drops their thinking block, Llama 3 the white space around them); there a turn begins a row of its own.
    """
    writer = _Writer.of(tokenizer, template, messages)
    rows: list[Encoded] = []
    input_ids: list[int] = []
    labels: list[int] = []
    for index, message in enumerate(messages):
        if message.role != "assistant":
            continue
        prompt, reply = writer.turn(index)
        if prompt[: len(input_ids)] != input_ids:
            rows.append(Encoded(tuple(input_ids), tuple(labels)))
            input_ids, labels = [], []
        labels += [*[IGNORED] * (len(prompt) - len(input_ids)), *reply]
        input_ids = [*prompt, *reply]
    return [*rows, Encoded(tuple(input_ids), tuple(labels))] if input_ids else rows


@dataclass(frozen=True, slots=True)
class _Writer:
    """Turns of one conversation as token ids; control tokens that its messages spell out are behind stand-ins."""

    tokenizer: PreTrainedTokenizerBase
    template: Template
    messages: tuple[Message, ...]
    stand_ins: Mapping[str, str]

    @staticmethod
    def of(tokenizer: PreTrainedTokenizerBase, template: Template, messages: Sequence[Message]) -> _Writer:
        """The system prompt and every message with its control tokens hidden, but for the marks around reasoning."""
        parts = [_parts(message, template.thinking) for message in messages]
        hidden = control(tokenizer).hide([template.system or "", *(text for _, *texts in parts for text in texts)])
        system, *texts = hidden.texts
        contents = [
            f"<think>{texts[2 * index]}</think>{texts[2 * index + 1]}" if reasons else texts[2 * index + 1]
            for index, (reasons, *_) in enumerate(parts)
        ]
        written = tuple(Message(message.role, text) for message, text in zip(messages, contents, strict=True))
        return _Writer(tokenizer, replace(template, system=system or None), written, hidden.stand_ins)

    def prompt(self, index: int) -> list[int]:
        """The prompt for the message at that index."""
        return self._ids(self._asked(index))

    def turn(self, index: int) -> tuple[list[int], list[int]]:
        """The prompt for the message at that index, and the message with the end of its turn, read as what follows.

        White space at its edges would be swallowed by the marks of some templates and tokenizers (Phi-3's); such a
        message is read alone, so that it is trained as it is written.
        """
        asked, text, end = self._asked(index), self.messages[index].content, self.template.end_token
        prompt = self._ids(asked)
        if text == text.strip():
            whole = self._ids(f"{asked}{text}{end}")
            if whole[: len(prompt)] == prompt:
                return prompt, whole[len(prompt) :]
        return prompt, [*self._ids(text), *self._ids(end)]

    def _asked(self, index: int) -> str:
        """The prompt's text; DocutuneError when the template leaves out what was said to the model."""
        text = render(self.tokenizer, self.template, self.messages[:index])
        for said in self.template.conversation(self.messages[:index]):
            if said["role"] != "assistant" and said["content"].strip() not in text:  # earlier reasoning may go
                raise DocutuneError(
                    f"the model's chat template leaves out the text of a {said['role']} message", _OTHER
                )
        return text

    def _ids(self, text: str) -> list[int]:
        return control(self.tokenizer).ids(text, self.stand_ins)


def _parts(message: Message, thinking: bool) -> tuple[bool, str, str]:
    """Whether the message is a reply that begins with reasoning, in thinking mode; the reasoning, and the rest."""
    found = _REASONING.match(message.content) if thinking and message.role == "assistant" else None
    return (True, found[1], found[2]) if found else (False, "", message.content)


def encode_file(
    tokenizer: PreTrainedTokenizerBase, template: Template, path: Path, max_length: int, max_left_out: float = 0.5
) -> Encoding:
    """Encode JSON Lines of {"messages": [...]}; samples with a row of more than `max_length` tokens are left out.

    Raises DocutuneError when that is more than the share `max_left_out` of them or all of them, when the template
    refuses one, and when one has no token that would bear loss, with file and line.
    """
    rows: list[Encoded] = []
    untaught: list[int] = []
    samples = left_out = longest = 0
    for number, messages in _numbered(path):
        encoded = _encoded(tokenizer, template, messages, f"{path}:{number}")
        length = max((len(row.input_ids) for row in encoded), default=0)
        samples, longest = samples + 1, max(longest, length)
        if not _bears_loss(encoded):
            untaught.append(number)
        if length > max_length:
            left_out += 1
        else:
            rows += encoded
    _check_taught(path, untaught)
    encoding = Encoding(tuple(rows), samples, left_out, longest)
    _check(path, encoding, max_length, max_left_out)
    return encoding


def _encoded(
    tokenizer: PreTrainedTokenizerBase, template: Template, messages: Sequence[Message], place: str
) -> list[Encoded]:
    try:
        return encode(tokenizer, template, messages)
    except DocutuneError as error:
        raise DocutuneError(f"{place}: {error.message}", error.hint) from None


def read_conversations(path: Path) -> Iterator[tuple[Message, ...]]:
    """The conversations of a JSON Lines file, one by one; DocutuneError names the line that holds none."""
    return (messages for _, messages in _numbered(path))


def _numbered(path: Path) -> Iterator[tuple[int, tuple[Message, ...]]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _conversation(line, f"{path}:{number}")


def _conversation(line: str, place: str) -> tuple[Message, ...]:
    try:
        value: Any = json.loads(line)
        messages = tuple(from_json(Message, message) for message in value["messages"])
    except (ValueError, KeyError, TypeError) as error:
        cause = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise DocutuneError(f"{place}: not a conversation: {cause}", 'write {"messages": [...]} on each line') from None
    return messages


def _check(path: Path, encoding: Encoding, max_length: int, max_left_out: float) -> None:
    if encoding.samples == 0:
        raise DocutuneError(f"{path}: no samples to train on")
    left_out, samples = encoding.left_out, encoding.samples
    if left_out > max_left_out * samples or left_out == samples:
        fewer = "" if left_out == samples else f", or allow it with max_left_out (here {max_left_out:g})"
        raise DocutuneError(
            f"{path}: {left_out} of {samples} samples are longer than max_length {max_length} tokens",
            f"raise max_length (the longest has {encoding.longest}), make shorter samples{fewer}",
        )


def _check_taught(path: Path, lines: Sequence[int]) -> None:
    """A sample without a reply would be counted as trained and teach nothing."""
    if lines:
        more = f" (so have lines {', '.join(map(str, lines[1:_NAMED]))}" if lines[1:] else ""
        rest = f" and {len(lines) - _NAMED:,} more" if len(lines) > _NAMED else ""
        raise DocutuneError(
            f"{path}:{lines[0]}: the sample has no assistant message, so nothing to learn{more}{rest}{more and ')'}",
            "end each conversation with an assistant message, or take the sample out",
        )


def _bears_loss(rows: Iterable[Encoded]) -> bool:
    return any(label != IGNORED for row in rows for label in row.labels)
