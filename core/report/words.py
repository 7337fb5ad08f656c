"""How the report speaks: texts, numbers and times in its language."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from docutune.evaluation import Comparison, Interval
from docutune.records import JsonValue
from docutune.report.charts import is_share, number
from docutune.report.facts import Changes, Score, Spending
from docutune.report.texts import TEXTS

_UNITS = ((1e9, "B"), (1e6, "M"), (1e3, "K"))


@dataclass(frozen=True, slots=True)
class Words:
    """The texts and number forms of one language; any language but Chinese reads English."""

    language: str

    @property
    def tag(self) -> str:
        """The language the report is in, for the page's `lang`."""
        return "zh" if self.language.lower().startswith("zh") else "en"

    def say(self, key: str, **parts: object) -> str:
        """The text of that key with its parts filled in."""
        return TEXTS[self.tag][key].format(**parts)

    def known(self, group: str, name: str) -> str:
        """The text of "group.name", or the name itself where there is none: plugins bring names of their own."""
        return TEXTS[self.tag].get(f"{group}.{name}", name)

    def note(self, metric: str) -> str:
        """What a metric measures, in a few words; empty for an unknown one."""
        return TEXTS[self.tag].get(f"note.{metric}", "")

    def value(self, amount: float, share: bool) -> str:
        """A metric's value: 61.3% for a share, else a plain number."""
        return f"{100 * amount:.1f}%" if share else number(amount)

    def change(self, amount: float, share: bool) -> str:
        """A signed difference without unit: +59.2 for shares, counted in points of a hundred."""
        scaled = round(100 * amount, 1) if share else amount
        sign = "+" if scaled > 0 else "−" if scaled < 0 else ""
        return sign + (f"{abs(scaled):.1f}" if share else number(abs(scaled)))

    def points(self, amount: float, share: bool) -> str:
        """A signed difference with its unit."""
        return f"{self.change(amount, share)} {self.say('points')}" if share else self.change(amount, share)

    def shifts(self, scores: Sequence[Score]) -> list[str]:
        """How the values of one answer moved: "no match → matches", then the first graded metric beside it."""
        spelled = [self._shift(score) for score in scores if self._is_spelled(score.metric)]
        graded = [self._shift(score) for score in scores if not self._is_spelled(score.metric)]
        return [*spelled[:1], *graded[:1]]

    def _is_spelled(self, metric: str) -> bool:
        return f"score.{metric}.1" in TEXTS[self.tag]

    def _shift(self, score: Score) -> str:
        sides = [self._one(score.metric, amount) for amount in (score.base, score.tuned)]
        name = "" if self._is_spelled(score.metric) else f"{self.known('metric', score.metric)} "
        return name + " → ".join(dict.fromkeys(sides))

    def _one(self, metric: str, amount: float | None) -> str:
        """One answer's value, in words where it is yes or no; a dash where there is none."""
        if amount is None or not math.isfinite(amount):
            return "—"
        spelled = TEXTS[self.tag].get(f"score.{metric}.{amount:g}")
        return spelled or self.value(amount, 0 <= amount <= 1)

    def title(self, metric: str) -> str:
        """A metric's name where it stands alone: words take a capital, "chrF" and names of plugins stay."""
        name = self.known("metric", metric)
        return name[0].upper() + name[1:] if name != metric and name.replace(" ", "").islower() else name

    def span(self, interval: Interval, share: bool) -> str:
        """The ends of an interval of values."""
        return self.say("range", low=self.value(interval.low, share), high=self.value(interval.high, share))

    def change_span(self, interval: Interval, share: bool) -> str:
        """The ends of an interval of differences, without the unit."""
        low, high = (self.change(end, share) for end in (interval.low, interval.high))
        return self.say("range", low=low, high=high)

    def evidence(self, comparison: Comparison) -> str:
        """The difference of a comparison with its interval, as half a sentence."""
        share, difference = is_share(comparison), comparison.difference
        low, high = self.change(difference.low, share), self.change(difference.high, share)
        points = self.points(difference.mean, share)
        return self.say("head.evidence", difference=points, low=low, high=high, count=comparison.count)

    def chosen(self, changes: Changes, count: int) -> str:
        """How the answers that are shown were chosen."""
        first, *rest = (self.known("metric", metric) for metric in changes.metrics)
        said = self.say("chosen.changed", first=first, count=count)
        return f"{said} {self.say('chosen.ties', rest=self.say('comma').join(rest))}" if rest else said

    def counted(self, group: str, counts: Mapping[str, int]) -> list[tuple[str, int]]:
        """Names with their numbers, the largest first; a name reads as "group.name" says."""
        return sorted(((self.known(group, name), count) for name, count in counts.items()), key=lambda pair: -pair[1])

    def spent(self, spending: Spending) -> list[tuple[str, str]]:
        """What chat models cost, without what is not known."""
        cost = None if spending.cost_usd is None else f"${spending.cost_usd:,.4f}"
        counts = (
            ("requests", spending.requests),
            ("reused replies", spending.reused),
            ("input tokens", spending.input_tokens),
            ("output tokens", spending.output_tokens),
        )
        known = [(self.say(name), f"{count:,}") for name, count in counts if count is not None]
        return [*known, (self.say("cost"), cost)] if cost else known

    def size(self, figures: Mapping[str, JsonValue]) -> str:
        """The number of a model's parameters: 596 M; empty where the trainer did not say it."""
        count = figures.get("parameters")
        if not isinstance(count, (int, float)) or not math.isfinite(count):
            return ""
        unit, name = next(((unit, name) for unit, name in _UNITS if count >= unit), (1, ""))
        return f"{count / unit:.3g} {name}".strip()

    def memory(self, figures: Mapping[str, JsonValue]) -> str:
        """The most memory that a training took: 3.52 GiB; empty where the trainer did not say it.

        On a CPU it is that of the whole process, and says so.
        """
        if told := _gib(figures.get("memory_gib")):
            return told
        told = _gib(figures.get("process_memory_gib"))
        return self.say("whole process", memory=told) if told else ""

    def took(self, figures: Mapping[str, JsonValue]) -> str:
        """How long a training took; empty where that is not known."""
        seconds = figures.get("seconds")
        return self.duration(seconds) if isinstance(seconds, (int, float)) and math.isfinite(seconds) else ""

    def duration(self, seconds: float) -> str:
        """A time span: 0.4 s, 12 s, 3 min 5 s, 1 h 12 min."""
        if seconds < 10:
            return f"{seconds:.1f} {self.say('s')}"
        minutes, rest = divmod(round(seconds), 60)
        if not minutes:
            return f"{rest} {self.say('s')}"
        hours, minutes_left = divmod(minutes, 60)
        if not hours:
            return f"{minutes} {self.say('min')} {rest} {self.say('s')}"
        return f"{hours} {self.say('h')} {minutes_left} {self.say('min')}"


def moment(iso: str) -> str:
    """An ISO 8601 time to the second, with its zone; text that is none stays as it is."""
    try:
        time = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{time:%Y-%m-%d %H:%M:%S} {time.tzname() or ''}".strip()


def flat(value: JsonValue, name: str = "") -> Iterator[tuple[str, str]]:
    """Names and values of nested JSON, one row each: ("lora.rank", "16"); a list of plain values is one row."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, (list, Mapping)) for item in value):
        for index, item in enumerate(value):
            yield from flat(item, f"{name}[{index}]")
    elif isinstance(value, list):
        yield name, ", ".join(plain(item) for item in value) or "—"
    else:
        yield name, plain(value)


def plain(value: JsonValue) -> str:
    """One plain value as text: numbers short, nothing as a dash."""
    if value is None or value == "":
        return "—"
    if isinstance(value, float):
        return number(value) if math.isfinite(value) else "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _gib(value: JsonValue) -> str:
    return f"{value:.2f} GiB" if isinstance(value, (int, float)) and math.isfinite(value) else ""
