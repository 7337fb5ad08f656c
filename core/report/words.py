"""How the report speaks: texts, numbers and times in its language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from docutune.evaluation import Comparison, Interval
from docutune.records import JsonValue
from docutune.report.charts import is_share, number
from docutune.report.texts import TEXTS


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

    def score(self, metric: str, amount: float | None) -> str:
        """One answer's value with the metric's name, or in words where it is yes or no; empty where there is none."""
        if amount is None:
            return ""
        spelled = TEXTS[self.tag].get(f"score.{metric}.{amount:g}")
        return spelled or f"{self.known('metric', metric)} {self.value(amount, 0 <= amount <= 1)}".strip()

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
        return self.say("head.evidence", difference=self.points(difference.mean, share), low=low, high=high)

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
        return number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
