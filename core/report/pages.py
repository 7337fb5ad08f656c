"""Jinja for the report: the environment its templates are rendered in, and the helpers that they call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from docutune.report import charts
from docutune.report.charts import Chart, bars, is_share, line_chart
from docutune.report.report import CurvePoint, ModelReport, lead
from docutune.report.words import flat, moment, plain

_CODE = re.compile(r"```[^\n`]*\n(?P<block>.*?)\n?(?:```|\Z)|`(?P<inline>[^`\n]+)`", re.DOTALL)
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
    helpers = (bars, cell, fence, few, flat, fragments, is_share, lead, loss_chart, moment, overall, plain, rate_chart)
    made.globals |= {helper.__name__: helper for helper in helpers} | {"chart": charts}
    return made


def loss_chart(model: ModelReport) -> Chart | None:
    """The loss over the optimizer steps."""
    return line_chart((point.step, point.loss) for point in model.curve)


def rate_chart(model: ModelReport) -> Chart | None:
    """The learning rate over the optimizer steps."""
    return line_chart((point.step, point.learning_rate) for point in model.curve)


def few(curve: Sequence[CurvePoint], count: int = 12) -> Sequence[CurvePoint]:
    """At most `count` points of a curve at equal distances, the first and the last among them."""
    if len(curve) <= count:
        return curve
    return [curve[index * (len(curve) - 1) // (count - 1)] for index in range(count)]


def overall(models: Sequence[ModelReport]) -> str:
    """One verdict for several models: better when one is, worse when all that were measured are."""
    verdicts = {comparison.verdict for model in models if (comparison := lead(model))}
    if not verdicts:
        return "unmeasured"
    if "better" in verdicts:
        return "better"
    return "worse" if verdicts == {"worse"} else "no difference"


def fragments(text: str) -> Iterator[tuple[str, str]]:
    """An answer cut into ("text" | "inline" | "block", content): code in back quotes and fences is set as code."""
    end = 0
    for match in _CODE.finditer(text):
        if match.start() > end:
            yield "text", text[end : match.start()]
        kind = match.lastgroup or "text"
        yield kind, match[kind]
        end = match.end()
    if end < len(text):
        yield "text", text[end:]


def cell(text: object) -> str:
    """Text for one cell of a Markdown table, or one line: nothing in it is markup."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", line)


def fence(text: str) -> str:
    """Text as a Markdown code block whose fence is longer than any run of back quotes inside."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}text\n{text}\n{marks}"
