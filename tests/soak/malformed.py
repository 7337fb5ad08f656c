"""Replies of every broken shape, made by Hypothesis, through core's reading and the generator `langchain`.

Each is tried as core tries a task: read, checked, told what was wrong, tried once more. Whatever comes in, no error
comes out, and a sample holds nothing but what a reply said in words and what the library knows.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from docutune.chat.reading import read
from docutune.config.prompts import packaged
from docutune.contracts import Reply
from docutune.plugins.generators.langchain.generate import LangChain
from docutune.plugins.generators.langchain.kinds import KINDS
from docutune.plugins.generators.langchain.plugin import Config
from docutune.plugins.parsers.markdown.parse import Markdown
from docutune.plugins.parsers.markdown.plugin import Config as MarkdownConfig
from docutune.plugins.parsers.python.parse import Python
from docutune.plugins.parsers.python.plugin import Config as PythonConfig
from docutune.records import Message, Sample, from_json
from docutune.steps.base import StepContext
from docutune.steps.task import Attempts, Declared
from docutune.symbols import SymbolTable, link

PROMPTS = "docutune.plugins.generators.langchain.prompts"
Value = TypeVar("Value")

# ---- what is asked about

CODE = b'''"""Parcels for everyone."""


def send(grams: int, *, city: str = "Bergen") -> str:
    """Send one parcel and return its number."""
    return city


class Parcel:
    """One parcel on its way."""

    def weigh(self) -> int:
        """Tell how heavy it is, in grams."""
        return 1
'''
GUIDE = b"""# Guide

Acme sends parcels to every city of the country within two days. Nothing is lost, for every parcel has a number. Call
`acme.send` with the weight in grams, and `acme.Parcel.weigh` to see what a parcel on its way weighs at that moment.

```python
import acme
acme.send(500, city="Oslo")
```
"""
INVENTED = ("acme.send_all", "acme.fly", "acme.Parcel.burn")
_INVENTED = re.compile(rf"(?<![\w./@\\-])(?:{'|'.join(map(re.escape, INVENTED))})(?![\w/@\\-])")


def library() -> SymbolTable:
    """The library of all tasks."""
    python, markdown = Python(PythonConfig()), Markdown(MarkdownConfig())
    return link([python.parse(CODE, "acme.py"), markdown.parse(GUIDE, "guide.md")])


# ---- what comes back

_NAMES = st.sampled_from(["acme.send", "acme.Parcel.weigh", *INVENTED])
_WORDS = st.sampled_from(
    ["What is", "How does one send", "a parcel", "weighs", "two days", "包裹", "\n\n", "é", "\u202e", "\x00"]
)
_SNIPPETS = st.sampled_from(
    [
        "from acme import send\n\nprint(send(5))",
        "```python\nimport acme\n\nacme.send(5)\n```",
        "```python\nacme.send_all(\n```",
        "import acme\nacme.fly()",
        "```\nacme.Parcel.burn\n",
        "def f(:",
        "`acme.send`",
    ]
)
_PROSE = st.lists(st.one_of(_WORDS, _NAMES, _SNIPPETS, st.text(max_size=12)), max_size=5).map(" ".join)
_PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
_ANYTHING = st.recursive(
    _PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
)
_BROKEN = st.sampled_from(
    [
        "",
        "{",
        '{"pairs": ' * 3000,
        "[" * 50_000,
        '{"answer": ' + "9" * 5000 + "}",
        '{"answer": "\\ud800"}',
        '{"questions": NaN, "answer": -Infinity}',
        "<think>{" * 100,
        "\ufeff{}",
        "I'm sorry, but I can't help with that.",
    ]
)
_FINISHES = st.sampled_from([*["stop"] * 16, "", "length", "content_filter", "MAX_TOKENS", "tool_calls"])


_QUESTIONS = [f"{word} a parcel go?" for word in ("How does", "When does", "Where to does", "Why may", "能否告诉我")]
_CODES = [
    "import acme\n\nprint(acme.send(5))",
    "from acme import send\n\nsend(500, city='Oslo')",
    "import acme\n\nacme.send_all(5)",
    "from acme import Parcel\n\nParcel().weigh()",
]


@cache
def replies(schema: type[BaseModel], subject: str) -> st.SearchStrategy[str]:
    """Replies to a request for that schema: right in form, damaged, of another form, or nothing like it."""
    described = schema.model_json_schema()
    texts = [
        _fitting(described, described, fields).map(lambda value: json.dumps(value, ensure_ascii=False))
        for fields in ({}, _plausible(subject))
    ]
    right = st.one_of(*texts)
    damaged = st.tuples(right, st.integers(0, 10_000), st.text(max_size=3), st.integers(0, 20)).map(_damage)
    wrapped = st.tuples(st.sampled_from(["", "Here it is:\n", "<think>{a}</think>", "```json\n", "{}"]), texts[1])
    other = _ANYTHING.map(lambda value: json.dumps(value, ensure_ascii=False))
    broken = st.one_of(other, st.text(max_size=40), _BROKEN)
    return st.one_of(texts[1], texts[1], texts[1], texts[0], damaged, damaged, wrapped.map("".join), broken)


def _plausible(subject: str) -> Mapping[str, st.SearchStrategy[Any]]:
    """By the name of a field: what a model may well say there, half of it with a name that does not exist."""
    names = st.one_of(st.just(subject), st.just(subject), _NAMES)
    answer = st.tuples(st.sampled_from(["Call", "先调用", "It is done by"]), names, st.integers(0, 9)).map(
        lambda parts: f"{parts[0]} `{parts[1]}`, {parts[2]} times."
    )
    questions = st.lists(st.sampled_from(_QUESTIONS), min_size=1, max_size=3, unique=True)
    code = st.sampled_from(_CODES)
    prose = dict.fromkeys(("answer", "explanation", "problem", "opening", "meaning"), answer)
    of_code = dict.fromkeys(("code", "fixed", "broken"), code)
    return {"questions": questions, "tasks": questions, "question": questions.map(" ".join), **prose, **of_code}


def _fitting(
    schema: Mapping[str, Any], root: Mapping[str, Any], fields: Mapping[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[Any]:
    """Values of a JSON Schema, those of these `fields` by their own strategy, else with some that do not fit."""
    if "$ref" in schema:
        return _fitting(root["$defs"][schema["$ref"].rpartition("/")[2]], root, fields)
    match schema.get("type"):
        case "object":
            items = schema["properties"].items()
            own = ((name, _fitting(item, root, fields)) for name, item in items if name not in fields)
            known = ((name, fields[name]) for name, _ in items if name in fields)
            return st.fixed_dictionaries({**dict(known), **dict(own)})
        case "array":
            return st.lists(_fitting(schema["items"], root, fields), min_size=1 if fields else 0, max_size=3)
        case "string":
            return st.one_of(_PROSE, _PROSE, _PROSE, _SNIPPETS, _PLAIN)
    return _ANYTHING


def _damage(parts: tuple[str, int, str, int]) -> str:
    """A text with something else in one place, or cut off there."""
    text, place, other, length = parts
    place %= len(text) + 1
    return text[:place] + other + (text[place + length :] if length else "")


# ---- what is done with it


@dataclass
class Says:
    """contracts.Chat whose replies Hypothesis makes."""

    data: st.DataObject
    subject: str
    said: list[str] = field(default_factory=list)

    async def ask(self, messages: Sequence[Message], schema: type[Reply]) -> Reply:
        """A reply, read as core reads it."""
        text = self.data.draw(replies(schema, self.subject))
        self.said.append(text)
        return read(text, self.data.draw(_FINISHES), schema)


@dataclass
class Tally:
    """What was done and found."""

    replies: int = 0
    samples: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        shown = ", ".join(f"{count:,} {reason}" for reason, count in self.reasons.most_common(8))
        kinds = ", ".join(sorted(self.kinds))
        return (
            f"malformed: {self.replies:,} replies ({kinds}) gave {self.samples:,} samples and"
            f" {self.reasons.total():,} rejections ({shown})"
        )


def check(declared: Declared, attempts: Attempts, says: Says, tally: Tally) -> None:
    """One task; AssertionError says what must not be."""
    context = StepContext(0, Path("nowhere"), lambda done, total=None, **figures: None, lambda text: None, says)
    value: Any = _finished(attempts.do(declared, context, None)).value
    payload: Any = declared.task.payload
    samples = [from_json(Sample, sample) for sample in value["samples"]]
    reasons = [reason for _, reason, _ in value["rejected"]]
    assert samples or reasons, "a task without samples and without a reason"
    assert all(isinstance(reason, str) and reason.strip() for reason in reasons)
    known = _words(" ".join([*says.said, *map(_decoded, says.said), json.dumps(payload, ensure_ascii=False), _LABELS]))
    for sample in samples:
        _check_sample(sample, payload, known)
    tally.replies += len(says.said)
    tally.samples += len(samples)
    tally.kinds[str(payload["kind"])] += 1
    tally.reasons.update(reason.partition(":")[0].partition("`")[0].strip()[:50] for reason in reasons)


def _check_sample(sample: Sample, payload: Mapping[str, Any], known: set[str]) -> None:
    roles = [message.role for message in sample.messages]
    assert roles == ["user", "assistant"] * (len(roles) // 2), roles
    assert all(message.content.strip() for message in sample.messages), "an empty message"
    for message in sample.messages:
        assert not (strange := _words(message.content) - known), f"nobody said {strange}"
        if message.role == "assistant" and sample.kind != "negative":
            found = _INVENTED.search(message.content)
            assert found is None, f"{found and found[0]} in an answer: {message.content!r}"


_LABELS = "python py bash text zh en"


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _decoded(text: str) -> str:
    """All strings of the JSON values that begin anywhere in a text, in words."""
    try:
        return text.encode().decode("unicode_escape", errors="ignore")
    except ValueError:
        return ""


def _finished(work: Coroutine[Any, Any, Value]) -> Value:
    """The result of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        found: Value = end.value
        return found
    raise AssertionError("it waits for something")


def main(is_short: bool, seed_: int) -> list[str]:
    """Run one form, print its counts, and return what is wrong."""
    table, tally = library(), Tally()
    options = {"model": "openai:any", "kinds": tuple(KINDS), "languages": ("en", "zh")}
    generator = LangChain(Config(**options, phrasings=1, min_section_chars=50, prompts=packaged(PROMPTS)))
    tasks = [Declared(str(place), task) for place, task in enumerate(generator.tasks(table))]
    attempts = Attempts(generator, "generator 'langchain'", table)
    limits = settings(
        max_examples=1_000 if is_short else 20_000,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )

    @seed(seed_)
    @limits
    @given(st.data(), st.sampled_from(tasks))
    def holds(data: st.DataObject, declared: Declared) -> None:
        check(declared, attempts, Says(data, str(declared.task.payload["subject"])), tally)

    try:
        holds()
    except Exception as error:
        notes = " ".join(getattr(error, "__notes__", []))
        return [f"malformed: {type(error).__name__}: {error} {notes}"]
    print(tally, flush=True)
    return [] if tally.samples else ["malformed: no reply was taken: nothing was shown"]
