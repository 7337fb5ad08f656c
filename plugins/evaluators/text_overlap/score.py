"""Asks every held-out question and measures how close each answer comes to the expected one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from docutune import DocutuneError
from docutune.contracts import Context, Library
from docutune.plugins.evaluators.text_overlap.metrics import metrics_for
from docutune.plugins.evaluators.text_overlap.plugin import Config
from docutune.plugins.evaluators.text_overlap.tokens import normalise
from docutune.records import Answer, Made, Measure, Message, Probe

BATCH = 64
"""Answers measured between two reports of progress."""


class TextOverlap:
    """One probe per held-out sample: its messages up to the last assistant turn, which is the expected answer."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def probes(self, held_out: Sequence[Made], library: Library) -> Iterator[Probe]:
        """A probe for each distinct sample, under the sample's id; a sample without question or answer asks nothing."""
        asked = {made.sample.id: prompt for made in held_out if (prompt := _split(made)[0])}
        yield from _evenly([Probe(*item) for item in asked.items()], self._config.max_probes)

    async def measure(
        self, answers: Sequence[Answer], held_out: Sequence[Made], library: Library, context: Context
    ) -> list[Measure]:
        """Every configured metric for every answer, metrics in the configured order.

        DocutuneError when an answer belongs to no held-out sample.
        """
        expected = {made.sample.id: _expected(made) for made in held_out}
        _check_known(answers, expected)
        metrics = metrics_for(self._config.metrics, context.folder)
        found: list[Measure] = []
        for start in range(0, len(answers), BATCH):
            context.progress(start, len(answers))
            batch = answers[start : start + BATCH]
            texts = {
                "predictions": [normalise(answer.text) for answer in batch],
                "references": [normalise(expected[answer.probe]) for answer in batch],
            }
            values = {name: column for metric in metrics for name, column in metric.compute(**texts).items()}
            for name in self._config.metrics:
                found += map(partial(_measure, name), batch, values[name])
        context.progress(len(answers), len(answers))
        return found


def _measure(metric: str, answer: Answer, value: float) -> Measure:
    return Measure(metric, answer.probe, answer.variant, value)


def _split(made: Made) -> tuple[tuple[Message, ...], str]:
    """The messages before the last assistant turn, and what that turn says; nothing where there is none."""
    messages = made.sample.messages
    turns = [index for index, message in enumerate(messages) if message.role == "assistant"]
    return (messages[: turns[-1]], messages[turns[-1]].content) if turns else ((), "")


def _expected(made: Made) -> str:
    return _split(made)[1]


def _check_known(answers: Sequence[Answer], expected: Mapping[str, str]) -> None:
    unknown = [answer.probe for answer in answers if answer.probe not in expected]
    if unknown:
        raise DocutuneError(
            f"text-overlap: {len(unknown)} answer(s) belong to no held-out sample, the first to {unknown[0]}",
            "the dataset changed after the model was asked: evaluate again",
        )


def _evenly(items: Sequence[Probe], limit: int | None) -> Sequence[Probe]:
    """At most `limit` items, at equal distances, the first among them."""
    if limit is None or limit >= len(items):
        return items
    return [items[index * len(items) // limit] for index in range(limit)]
