"""Two models' greedy answers to the same questions, token by token, with the logits behind each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from docutune.hf.encode import prompt_ids, render, template_of
from docutune.hf.load import Device, free_memory, load_adapter, load_base, load_tokenizer
from docutune.models import is_whole
from docutune.parity import NEW_TOKENS, TIES, Difference, Parity
from docutune.records import Message, ModelRef
from docutune.template import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Questions = Sequence[Sequence[Message]]
_ROOM = 1.3  # memory for the weights in float32, and for what is computed
_ANOTHER_PROMPT = "the chat template, as other programs use it, gives another prompt to {} of {} questions"


@dataclass(frozen=True, slots=True)
class Said:
    """A prompt as tokens and the answer to it; `logits` has one row for each token of the answer."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    logits: torch.Tensor


@dataclass(frozen=True, slots=True)
class _Shell:
    """What is left of a model that was unloaded."""

    config: Any


@dataclass(frozen=True, slots=True)
class _Speaker:
    model: Any
    tokenizer: PreTrainedTokenizerBase
    template: Template

    def say(self, messages: Sequence[Message]) -> Said:
        prompt = prompt_ids(self.tokenizer, self.template, messages)
        ids = torch.tensor([prompt], device=self.model.device)
        with torch.inference_mode():
            made = self.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=NEW_TOKENS,
                do_sample=False,
                repetition_penalty=1.0,
                eos_token_id=self._ends(),
                pad_token_id=self.tokenizer.pad_token_id,
                return_dict_in_generate=True,
                output_logits=True,
            )
        answer = tuple(map(int, made.sequences[0, len(prompt) :].tolist()))
        return Said(tuple(prompt), answer, torch.cat(list(made.logits)).float().cpu())

    def _ends(self) -> list[int]:
        vocabulary = self.tokenizer.get_vocab()
        names = (self.template.end_token, str(self.tokenizer.eos_token))
        return sorted({vocabulary[name] for name in names if name in vocabulary})


def unreadable(result: Path | None) -> str | None:
    """Why nothing here reads a result; None when it can be read."""
    if result is None:
        return "nothing here reads this form"
    if result.suffix == ".gguf" and find_spec("gguf") is None:
        return "to read a GGUF file here takes the package gguf: pip install 'docutune[gguf]'"
    return None


def compare(source: ModelRef, result: Path, bits: int, questions: Questions, tell: Callable[[], None]) -> Parity:
    """Ask both, one after the other, the source as its base with the adapter on top, both in float32 as they are read.

    `bits` of a weight of the result decide what is a tie; `tell` is called after each answer. One model is in memory at
    a time.
    """
    asked = _speaker_of(source)
    wanted = list(_answers(asked, questions, tell))
    tokenizer = asked.tokenizer
    asked = replace(asked, model=_Shell(asked.model.config))
    free_memory()
    try:
        answering = _result(result, asked)
    except (ImportError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError) as error:
        if result.is_dir():
            raise
        cause = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Parity(len(questions), unread=f"transformers does not read this file: {cause}")
    tie = TIES[bits]
    differences: list[Difference] = []
    apart: list[float] = []
    for messages, one, other in zip(questions, wanted, _answers(answering, questions, tell), strict=True):
        apart += _apart(one, other)
        if difference := _difference(messages, one, other, tie, tokenizer):
            differences.append(difference)
    notes = tuple(_notes(answering, result, questions))
    equal = len(questions) - len(differences)
    return Parity(len(questions), equal, max(apart, default=None), tie, tuple(differences), notes=notes)


def _answers(speaker: _Speaker, questions: Questions, tell: Callable[[], None]) -> Iterator[Said]:
    for messages in questions:
        yield speaker.say(messages)
        tell()


def _speaker_of(source: ModelRef) -> _Speaker:
    assert source.adapter is not None
    whole = is_whole(source.adapter)
    folder = source.adapter if whole else source.folder
    loaded: Any = load_base(folder, "none", _device(folder))
    if not whole:
        loaded = load_adapter(loaded, source.adapter)
    loaded.eval()
    tokenizer = load_tokenizer(folder)
    return _Speaker(loaded, tokenizer, template_of(tokenizer, source.adapter))


def _result(result: Path, asked: _Speaker) -> _Speaker:
    """A folder with its own tokenizer and template; of a file the weights alone."""
    if result.is_dir():
        loaded: Any = load_base(result, "none", _device(result))
        loaded.eval()
        return _Speaker(loaded, load_tokenizer(result), Template.load(result))
    return replace(asked, model=_gguf(result, asked.model.config))


def _gguf(file: Path, config: Any) -> Any:
    """The weights of a file in a model of this config, for transformers reads weights better than their sizes."""
    from transformers import AutoModelForCausalLM

    loaded: Any = AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        config=config,
        dtype=torch.float32,
        local_files_only=True,
        trust_remote_code=False,
    )
    return loaded.eval()


def _notes(answering: _Speaker, result: Path, questions: Questions) -> Iterator[str]:
    if not result.is_dir():
        yield "tokenizer and chat template in the file were not compared, its weights were"
        return
    tokenizer: Any = answering.tokenizer
    others = [
        messages
        for messages in questions
        if tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in messages],
            add_generation_prompt=True,
            tokenize=False,
        )
        != render(tokenizer, answering.template, messages)
    ]
    if others:
        yield _ANOTHER_PROMPT.format(len(others), len(questions))


def _apart(one: Said, other: Said) -> Iterator[float]:
    """The largest difference of a logit at each place where both had read the same."""
    if one.prompt != other.prompt:
        return
    for place, (a, b) in enumerate(zip(one.answer, other.answer, strict=False)):
        width = min(one.logits.shape[1], other.logits.shape[1])
        yield (one.logits[place, :width] - other.logits[place, :width]).abs().max().item()
        if a != b:
            return


def _difference(
    messages: Sequence[Message], one: Said, other: Said, tie: float, tokenizer: PreTrainedTokenizerBase
) -> Difference | None:
    if (one.prompt, one.answer) == (other.prompt, other.answer):
        return None
    said, got = (str(tokenizer.decode(list(item.answer))) for item in (one, other))
    question = messages[-1].content
    if one.prompt != other.prompt:
        return Difference(question, said, got, "prompt")
    place = next(
        (place for place, (a, b) in enumerate(zip(one.answer, other.answer, strict=False)) if a != b),
        min(len(one.answer), len(other.answer)) - 1,
    )
    row, token = one.logits[place], other.answer[place]
    gap = (row.max() - row[token]).item() if token < len(row) else float("inf")
    return Difference(question, said, got, "tie" if 0 < gap <= tie else "answer", round(gap, 4))


def _device(folder: Path) -> Device:
    """In float32 on the GPU where the weights have room there, else on the CPU: what is compared is not rounded twice.

    The bytes of the files are those of 16 bits at most twice over in float32.
    """
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        if 2 * _ROOM * sum(file.stat().st_size for file in folder.glob("*.safetensors")) < free:
            return Device(f"cuda:{torch.cuda.current_device()}", torch.float32)
    return Device("cpu", torch.float32)
