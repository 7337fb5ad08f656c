"""What the model in training answers to a few questions: figures alone do not show whether it learns to speak."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.guard import cause
from docutune.hf.encode import prompt_ids, read_conversations
from docutune.hf.load import free_memory
from docutune.plugins.trainers.sft.board import Board
from docutune.plugins.trainers.sft.steady import aside
from docutune.records import Message
from docutune.template import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QUESTIONS = 3
NEW_TOKENS = 48  # the longest answer
_SHARE = 0.05  # of the time of the training so far; where answers take more, they are left out until the end


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt of the data, and the answer that stands there."""

    prompt: tuple[Message, ...]
    expected: str


def questions(data: Path) -> tuple[Question, ...]:
    """The last turns of a few conversations at equal distances, always the same ones of a file."""
    ending = [found for found in read_conversations(data) if len(found) > 1 and found[-1].role == "assistant"]
    count = min(QUESTIONS, len(ending))
    chosen = (ending[place * len(ending) // count] for place in range(count))
    return tuple(Question(found[:-1], found[-1].content) for found in chosen)


class Texts(TrainerCallback):
    """Puts greedy answers on the board at each validation, or where one would be. The training does not notice."""

    def __init__(
        self,
        board: Board,
        asked: Sequence[Question],
        tokenizer: PreTrainedTokenizerBase,
        template: Template,
        longest: int,
        context: Context,
    ) -> None:
        """`longest` is that of a prompt, in tokens: longer ones are not asked."""
        prompts = [(question, prompt_ids(tokenizer, template, question.prompt)) for question in asked]
        self._asked = [(question, ids) for question, ids in prompts if len(ids) <= longest]
        self._board = board
        self._tokenizer = tokenizer
        self._context = context
        self._end = tokenizer.get_vocab()[template.end_token]
        self._began = time.monotonic()
        self._spent = 0.0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """The clock starts."""
        self._began = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        """Answer where a validation follows, unless that took too much of the time already."""
        ends = state.global_step >= state.max_steps
        if not ends and (state.global_step % state.eval_steps or not self._affordable()):
            return
        started = time.monotonic()
        try:
            answers = self._answers(model) if self._asked else ()
            for place, (asked, answer) in enumerate(zip(self._asked, answers, strict=True), 1):
                self._board.text(f"sample {place}", _shown(asked[0], answer), state.global_step)
        except (OSError, DocutuneError):
            raise  # the disk, for the board stands there as the checkpoints do
        except Exception as error:  # texts are for looking at: a library that cannot answer now ends no training
            self._asked = []
            self._context.note(f"no sample texts from step {state.global_step} on: {cause(error)}")
            free_memory()
        self._spent += time.monotonic() - started

    def _affordable(self) -> bool:
        return self._spent <= _SHARE * (time.monotonic() - self._began)

    def _answers(self, model: Any) -> list[str]:
        """To all questions at once, padded on the left."""
        prompts = [ids for _, ids in self._asked]
        longest = max(map(len, prompts))
        pad = self._tokenizer.pad_token_id
        where = model.get_input_embeddings().weight.device
        with aside(model):
            said = model.generate(
                input_ids=torch.tensor([[pad] * (longest - len(ids)) + ids for ids in prompts], device=where),
                attention_mask=torch.tensor(
                    [[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts], device=where
                ),
                max_new_tokens=NEW_TOKENS,
                do_sample=False,
                use_cache=True,
                pad_token_id=pad,
                eos_token_id=[self._end, *_listed(self._tokenizer.eos_token_id)],
            )
        return [str(self._tokenizer.decode(row[longest:], skip_special_tokens=True)) for row in said]


def _listed(token: Any) -> list[int]:
    return [token] if isinstance(token, int) else []


def _shown(question: Question, answer: str) -> str:
    """Markdown: TensorBoard shows code blocks as they are."""
    parts = {"question": question.prompt[-1].content, "answer": answer, "expected": question.expected}
    return "\n\n".join(f"**{name}**\n\n{_block(text)}" for name, text in parts.items())


def _block(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines() or [""])
