"""Jinja for the report: the environment its templates are rendered in, and the helpers that they call."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from docutune.evaluation import Comparison
from docutune.records import JsonValue, finite
from docutune.report import charts
from docutune.report.answers import SHOWN
from docutune.report.charts import Chart, bars, is_share, line_chart
from docutune.report.facts import CurvePoint, FailureFacts, ModelReport, Report, TrainingFacts
from docutune.report.verdict import lead, overall
from docutune.report.words import flat, moment, plain

_CODE = re.compile(r"```[^\n`]*\n(?P<block>.*?)\n?(?:```|\Z)|`(?P<inline>[^`\n]+)`", re.DOTALL)
_LINE = 120
_BACKTICKS = re.compile(r"`+")


@cache
def environment(escape: bool) -> Environment:
    """Templates of the package, escaped for HTML or not; a name they do not know is an error, never empty text."""
    made = Environment(
        loader=PackageLoader("docutune.report", "templates"),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {helper.__name__: helper for helper in _HELPERS} | {"chart": charts, "SHOWN": SHOWN}
    return made


def loss_chart(model: ModelReport) -> Chart | None:
    """The loss over the optimizer steps, that of training and that of validation."""
    return line_chart(
        loss=((point.step, point.loss) for point in model.curve),
        validation_loss=((point.step, point.validation_loss) for point in model.curve),
    )


def entries(report: Report) -> Iterator[tuple[TrainingFacts, int, ModelReport | None]]:
    """Every training with its model and the place of that among the models, from 1 on."""
    places = {model.name: (place, model) for place, model in enumerate(report.models, 1)}
    made = (TrainingFacts(model.name, model.trainer, model.base, "made") for model in report.models)
    for training in report.trainings or made:
        yield training, *places.get(training.name, (0, None))


def failure_of(report: Report, training: TrainingFacts) -> FailureFacts | None:
    """Why a training gave no model, or its model was not evaluated."""
    return next((failure for failure in report.failures if failure.step == training.failed), None)


def rate_chart(model: ModelReport) -> Chart | None:
    """The learning rate over the optimizer steps."""
    return line_chart(learning_rate=((point.step, point.learning_rate) for point in model.curve))


def few(curve: Sequence[CurvePoint], count: int = 12) -> Sequence[CurvePoint]:
    """At most `count` points of a curve at equal distances, the first and the last among them."""
    if len(curve) <= count:
        return curve
    return [curve[index * (len(curve) - 1) // (count - 1)] for index in range(count)]


def pretty(value: JsonValue, indent: str = "") -> str:
    """JSON as one reads it: what fits into a line is not spread over many."""
    short = json.dumps(finite(value), ensure_ascii=False)
    if len(indent) + len(short) <= _LINE or not isinstance(value, (list, Mapping)):
        return short
    inner = f"{indent}  "
    if isinstance(value, Mapping):
        lines = [f"{json.dumps(key, ensure_ascii=False)}: {pretty(item, inner)}" for key, item in value.items()]
        return f"{{\n{inner}" + f",\n{inner}".join(lines) + f"\n{indent}}}"
    return f"[\n{inner}" + f",\n{inner}".join(pretty(item, inner) for item in value) + f"\n{indent}]"


def shares(comparisons: Iterable[Comparison]) -> bool:
    """Whether all of them are drawn from 0 to 1."""
    return all(map(is_share, comparisons))


def percent(part: float, whole: float) -> float:
    """A share of the width of a drawing."""
    return round(100 * part / whole, 2) if whole > 0 and math.isfinite(part) else 0.0


def fragments(text: str) -> Iterator[tuple[str, str]]:
    """An answer cut into ("text" | "inline" | "block", content): code in back quotes and fences is set as code.

    Line breaks around a block go: it stands on lines of its own anyway.
    """
    end, after = 0, ""
    for match in _CODE.finditer(text):
        kind = match.lastgroup or "text"
        yield "text", _trimmed(text[end : match.start()], after, kind)
        yield kind, match[kind]
        end, after = match.end(), kind
    yield "text", _trimmed(text[end:], after, "")


def _trimmed(text: str, after: str, before: str) -> str:
    text = text.lstrip("\n") if after == "block" else text
    return text.rstrip("\n") if before == "block" else text


def shown_token(text: str) -> str:
    """The text of a token with signs for what one does not see: line ends and tabs; a token without text is a dot."""
    return text.replace("\n", "\u21b5").replace("\t", "\u21e5") or "\u00b7"


def pieces(text: str) -> list[str]:
    """A long name cut where a line may break: after dots, slashes, colons, hyphens and underscores."""
    return re.findall(r"[^./:_-]*[./:_-]+|[^./:_-]+$", text) or [text]


def cell(text: object) -> str:
    """Text for one cell of a Markdown table, or one line: nothing in it is markup."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", line)


def fence(text: str) -> str:
    """Text as a Markdown code block whose fence is longer than any run of back quotes inside."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}text\n{text}\n{marks}"


_HELPERS = (
    *(bars, is_share, shares, loss_chart, rate_chart, entries, failure_of, percent, few),
    *(lead, overall, moment, plain, flat, pretty, pieces, fragments, cell, fence, shown_token),
)
