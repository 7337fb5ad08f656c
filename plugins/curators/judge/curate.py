"""The curator `judge`: which samples a language model holds for bad.

An LLM as judge, one answer graded by itself with the reason before the score: L. Zheng et al., "Judging LLM-as-a-Judge
with MT-Bench and Chatbot Arena", NeurIPS 2023. Training data filtered by such scores: L. Chen et al., "AlpaGasus:
Training a Better Alpaca with Fewer Data", ICLR 2024.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from string import Template
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from docutune.errors import Rejected, Unanswered
from docutune.records import Made, Message, Sample
from docutune.sensitive import cleaned

if TYPE_CHECKING:
    from docutune.contracts import Context
    from docutune.plugins.curators.judge.plugin import Config

BEST = 5
_LONGEST_REASON = 200
_LANGUAGES = ("en", "zh")


class Judgement(BaseModel):
    """What the model replies: the reason first, so that the score follows from it."""

    reason: Annotated[str, Field(description="one short sentence")]
    score: Annotated[int, Field(ge=1, le=BEST, description="1 is wrong or useless, 5 has nothing to improve")]


class Judge:
    """Asks about each sample once, and once more where the reply cannot be used; a sample without a score stays."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """Samples with a score below `threshold`, each with what the model said of it."""
        chosen = [index for index, made in enumerate(samples) if self._is_chosen(made.sample)]
        panel = _Panel(self._config, samples, context, len(chosen))
        await panel.judge(iter(chosen))
        for reason, count in panel.unusable.most_common():
            context.note(f"{count:,} samples could not be judged and stay: {reason}")
        return sorted(panel.rejected.items())

    def _is_chosen(self, sample: Sample) -> bool:
        """By chance that the sample alone decides, so that no other sample changes who is judged."""
        place = int(hashlib.sha256(f"judge {sample.id}".encode()).hexdigest()[:8], 16)
        return place < self._config.share * 16**8


class _Panel:
    """The judgement of some samples: as many at a time as there are slots, each as soon as another is done."""

    def __init__(self, config: Config, samples: Sequence[Made], context: Context, total: int) -> None:
        self._config = config
        self._samples = samples
        self._context = context
        self._total = total
        self._done = 0
        self.rejected: dict[int, str] = {}
        self.unusable: Counter[str] = Counter()

    async def judge(self, waiting: Iterator[int]) -> None:
        """Judge the samples with these indexes; the first error that is no missing reply ends it."""
        self._context.progress(0, self._total)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._config.concurrency, self._total)):
                    group.create_task(self._work(waiting))
        except ExceptionGroup as failures:
            first = failures.exceptions[0]  # it stopped the others
            raise first from first.__cause__

    async def _work(self, waiting: Iterator[int]) -> None:
        for index in waiting:
            judgement = await self._judged(self._samples[index].sample)
            if judgement is not None and judgement.score < self._config.threshold:
                self.rejected[index] = _told(judgement)
            self._done += 1
            self._context.progress(self._done, self._total)

    async def _judged(self, sample: Sample) -> Judgement | None:
        """None: no reply could be had, of which core keeps count, or none that can be used."""
        try:
            try:
                return await self._ask(sample, None)
            except Rejected as error:
                return await self._ask(sample, error.reason)
        except Unanswered:
            return None
        except Rejected as error:
            self.unusable[error.reason.partition(":")[0]] += 1
            return None

    async def _ask(self, sample: Sample, complaint: str | None) -> Judgement:
        asked = _prompt(self._config, sample, complaint)
        return await self._context.chat.ask((Message("user", asked),), Judgement)


def _prompt(config: Config, sample: Sample, complaint: str | None) -> str:
    """The question in the sample's language; nothing that is filled in acts as a template."""
    language = sample.language if sample.language in _LANGUAGES else _LANGUAGES[0]
    said = "\n\n".join(f"[{message.role}]\n{message.content.strip()}" for message in sample.messages)
    asked = Template(config.prompts[f"{language}/judge"]).substitute(conversation=said)
    if complaint is None:
        return asked
    return f"{asked.rstrip()}\n\n{Template(config.prompts[f'{language}/repair']).substitute(complaint=complaint)}"


def _told(judgement: Judgement) -> str:
    """The reason in one line; the model may quote what must not be spread."""
    why = cleaned(" ".join(judgement.reason.split())) or "no reason given"
    return (
        f"judged {judgement.score} of {BEST}: {why if len(why) <= _LONGEST_REASON else f'{why[:_LONGEST_REASON]} ...'}"
    )
