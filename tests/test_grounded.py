"""The generator `grounded`, on a small library read by the real parsers."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest
from pydantic import ValidationError

from docutune.grounding import complaints
from docutune.plugins.curators.duplicates.curate import Duplicates
from docutune.plugins.curators.duplicates.plugin import Config as DuplicatesConfig
from docutune.plugins.generators.grounded.blocks import blocks, fit
from docutune.plugins.generators.grounded.generate import Grounded
from docutune.plugins.generators.grounded.inline import plain
from docutune.plugins.generators.grounded.plugin import Config, docutune_generators
from docutune.plugins.generators.grounded.verbs import imperative
from docutune.plugins.parsers.markdown.parse import Markdown
from docutune.plugins.parsers.markdown.plugin import Config as MarkdownConfig
from docutune.plugins.parsers.python.parse import Python
from docutune.plugins.parsers.python.plugin import Config as PythonConfig
from docutune.records import Made, Origin, Sample, canonical, fingerprint, from_json, to_json
from docutune.symbols import SymbolTable, link

DATA = Path(__file__).parent / "data" / "parcel"

REVISIONS = {3: "aa978a0a0f125cfa"}
"""Fingerprint of everything made from the small library, by revision: another output needs another revision."""


class Context:
    """Nothing of it is used."""

    seed = 0
    folder = Path()

    def progress(self, done: int, total: int | None = None, **figures: float) -> None: ...


def read(*, before: str = "") -> SymbolTable:
    """The small library; `before` is put in front of every document."""
    python, markdown = Python(PythonConfig()), Markdown(MarkdownConfig())
    sources = [path for path in sorted(DATA.rglob("*")) if path.suffix in (".py", ".md")]
    return link(
        (python if path.suffix == ".py" else markdown).parse(before.encode() + path.read_bytes(), _source(path))
        for path in sources
    )


def of(max_section_chars: int = 4000, **files: str) -> SymbolTable:
    """A library of a few files; names that begin with "doc" are Markdown, the others Python modules."""
    python, markdown = Python(PythonConfig()), Markdown(MarkdownConfig(max_section_chars=max_section_chars))
    return link(
        markdown.parse(text.encode(), f"{name}.md")
        if name.startswith("doc")
        else python.parse(text.encode(), f"{name}.py")
        for name, text in files.items()
    )


def _source(path: Path) -> str:
    return str(path.relative_to(DATA / ("src" if path.suffix == ".py" else "docs")))


def make(library: SymbolTable, config: Config | None = None) -> list[Sample]:
    generator = Grounded(config or Config(languages=("en", "zh")))
    return [sample for task in generator.tasks(library) for sample in asyncio.run(generator.run(task, Context()))]


@pytest.fixture(scope="module")
def library() -> SymbolTable:
    return read()


@pytest.fixture(scope="module")
def samples(library: SymbolTable) -> list[Sample]:
    return make(library)


def question(sample: Sample) -> str:
    return sample.messages[0].content


def answer(sample: Sample) -> str:
    return sample.messages[1].content


def answers(samples: list[Sample], fact: str, language: str = "en") -> set[str]:
    return {answer(sample) for sample in samples if sample.fact == fact and sample.language == language}


def test_same_output_as_this_revision_always_gave(samples: list[Sample]) -> None:
    revision = docutune_generators()[0].revision
    made = fingerprint([to_json(sample) for sample in samples])[:16]
    assert REVISIONS[revision] == made, "the output has changed: raise `revision` in plugin.py and note the new hash"


def test_every_kind_is_made(samples: list[Sample]) -> None:
    kinds = {sample.kind for sample in samples}
    assert kinds == {
        "purpose", "signature", "parameters", "returns", "usage", "lookup", "explanation", "inheritance", "members",
        "negative",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("purpose:parcel.Locker", "`parcel.Locker`: A depot without staff, opened with a code."),
        ("purpose:parcel.ParcelError", "`parcel.ParcelError`: A parcel could not be sent."),
        (
            "purpose:parcel.send",
            "`parcel.send`: Send a parcel to an address. Use `track_parcel` to follow it, e.g. every hour.",
        ),
        (
            "signature:parcel.Depot.accept",
            "`parcel.Depot.accept` is declared as:\n\n```python\n"
            "accept(parcel: str, *, force: bool = False) -> bool\n```",
        ),
        ("parameters:parcel.send", "`parcel.send` takes `address`, `weight`, `express` and `note`."),
        ("parameters:parcel.send:express", "`express`: Deliver on the next working day. Its default is `False`."),
        ("parameters:parcel.Depot:slots:default", "In `parcel.Depot`, `slots` defaults to `40`."),
        ("returns:parcel.track_parcel", "`parcel.track_parcel` returns `list[str]`."),
        (
            "returns:parcel.Depot.accept",
            "`parcel.Depot.accept` returns: `True` if the parcel was taken in. Its return type is `bool`.",
        ),
        ("lookup:parcel.Depot.accept", "Use `parcel.Depot.accept`: Accepts a parcel unless the depot is full."),
        ("inheritance:parcel.Locker", "`parcel.Locker` inherits from `parcel.Depot`."),
        ("members:parcel.Depot", "`parcel.Depot` has `accept`, `city`, `close`, `load` and `slots`."),
    ],
)
def test_answers_say_what_the_source_says(samples: list[Sample], fact: str, expected: str) -> None:
    assert answers(samples, fact) == {expected}


def test_chinese_wraps_the_original_text(samples: list[Sample]) -> None:
    fact = "lookup:parcel.Depot.accept"
    assert answers(samples, fact, "zh") == {"可以用 `parcel.Depot.accept`：Accepts a parcel unless the depot is full."}
    asked = {question(sample) for sample in samples if sample.fact == fact and sample.language == "zh"}
    assert "用 `parcel` 怎样实现“accept a parcel unless the depot is full”？" in asked


def test_usage_comes_from_docstrings_and_documents(samples: list[Sample]) -> None:
    (own,) = answers(samples, "usage:parcel.send")
    assert own.endswith('```python\nimport parcel\nnumber = parcel.send("Main Street 1, Springfield", 2.5)\n```')
    (shown,) = answers(samples, "usage:parcel.track_parcel")
    assert shown == (
        "An example of `parcel.track_parcel`:\n\n```python\nfrom parcel import track_parcel\n\n"
        'for station in track_parcel("P-1"):\n    print(station)\n```'
    )


def test_sections_are_explained_without_markup(samples: list[Sample]) -> None:
    (text,) = answers(samples, "explanation:Parcel Guide")
    assert text == (
        "Parcel is a small library for everything that is packed in boxes. "
        "It knows `parcel.Depot` objects and lockers, and it needs nothing else."
    )
    (sending,) = answers(samples, "explanation:Parcel Guide > Sending")
    assert sending.startswith("A parcel is sent with `parcel.send`. The address stands in one line:\n\n```python")
    assert sending.endswith("```\n\nParcels above 30 kilograms are refused.")


def test_headings_that_occur_twice_are_asked_for_with_their_parents(samples: list[Sample]) -> None:
    topics = {
        sample.fact: question(sample) for sample in samples if sample.kind == "explanation" and sample.language == "en"
    }
    assert '"Parcel Guide: Sending"' in topics["explanation:Parcel Guide > Sending"]
    assert '"Questions: Sending"' in topics["explanation:Questions > Sending"]
    assert '"Sending: Example"' in topics["explanation:Parcel Guide > Sending > Example"]
    assert '"Depots: Example"' in topics["explanation:Parcel Guide > Depots > Example"]


def test_what_says_nothing_is_left_out(samples: list[Sample]) -> None:
    facts = {sample.fact for sample in samples}
    assert "purpose:parcel.weigh" not in facts
    assert "explanation:Parcel Guide > License" not in facts
    assert not any("This page" in answer(sample) for sample in samples)


def test_no_question_has_two_answers_and_no_fact_either(samples: list[Sample]) -> None:
    by_question: dict[str, set[str]] = defaultdict(set)
    by_fact: dict[tuple[str, str], set[str]] = defaultdict(set)
    for sample in samples:
        by_question[question(sample)].add(sample.fact)
        by_fact[(sample.fact, sample.language)].add(answer(sample))
    assert all(len(found) == 1 for found in by_question.values())
    assert all(len(found) == 1 for found in by_fact.values())


def test_each_fact_has_the_phrasings_that_were_asked_for(library: SymbolTable) -> None:
    for count in (1, 6):
        asked: dict[tuple[str, str], set[str]] = defaultdict(set)
        for sample in make(library, Config(languages=("en", "zh"), phrasings=count)):
            asked[(sample.fact, sample.language)].add(question(sample))
        assert {len(questions) for questions in asked.values()} == {count}


CHINESE = '''
def send(box: bytes, retries: int = 3) -> str:
    """寄出一个包裹；失败时会重试。返回它的单号。还会写日志。

    Args:
        box: 包裹的内容，不超过三十公斤
        retries: 失败后重试的次数。
    """
'''


def test_chinese_sources() -> None:
    document = "# 快递库\n\n## 用法\n\n只有当服务器可用时才能寄送，否则会抛出异常，\n调用者需要稍后再试。\n"
    samples = make(of(kuaidi=CHINESE, doc=document), Config(languages=("zh",)))
    assert answers(samples, "purpose:kuaidi.send", "zh") == {
        "`kuaidi.send` 的用途：寄出一个包裹；失败时会重试。返回它的单号。"
    }
    assert answers(samples, "parameters:kuaidi.send:box", "zh") == {"`box`：包裹的内容，不超过三十公斤。"}
    assert answers(samples, "parameters:kuaidi.send:retries", "zh") == {"`retries`：失败后重试的次数。默认值为 `3`。"}
    assert answers(samples, "explanation:快递库 > 用法", "zh") == {
        "只有当服务器可用时才能寄送，否则会抛出异常，调用者需要稍后再试。"
    }
    assert "请解释一下“快递库：用法”。" in {question(sample) for sample in samples}


def test_facts_that_would_share_a_question_are_dropped() -> None:
    same = 'def {0}() -> None:\n    """Write the whole table to a file."""\n'
    facts = {sample.fact for sample in make(of(acme=same.format("save") + same.format("store")))}
    assert {"purpose:acme.save", "purpose:acme.store"} < facts
    assert not any(fact.startswith("lookup:") for fact in facts)


def test_facts_that_would_share_a_key_are_dropped() -> None:
    text = "Pipes carry sentences that are long enough to be worth explaining to somebody who asks for it.\n\n"
    library = of(doc1=f"# A > B\n\n{text}# C\n\n{text}", doc2=f"# A\n\n## B\n\nFurthermore. {text}")
    assert {sample.fact for sample in make(library)} == {"explanation:C"}


PIPES = "Pipes carry sentences that are long enough to be worth explaining to somebody who asks for it.\n\n"


def explained(library: SymbolTable) -> dict[str, list[str]]:
    """What is kept of each explanation after contradictions were left out, with its places."""
    generator = Grounded(Config(kinds=("explanation",)))
    made = [
        Made(sample, Origin(task.spans, "", ""))
        for task in generator.tasks(library)
        for sample in asyncio.run(generator.run(task, Context()))
    ]
    left_out = dict(asyncio.run(Duplicates(DuplicatesConfig()).reject(made, Context())))
    assert all(reason.startswith("its sources give several answers: explanation:") for reason in left_out.values())
    kept = [item for index, item in enumerate(made) if index not in left_out]
    return {item.sample.fact: list(map(str, item.origin.spans)) for item in kept}


def test_the_same_text_in_two_documents_counts_once_with_both_places() -> None:
    page = f"# Setup\n\n{PIPES}## Valves\n\nMore. {PIPES}"
    once, twice = of(doc1=page), of(doc1=page, doc2=f"\n\n{page}")
    assert {sample.id for sample in make(once)} == {sample.id for sample in make(twice)} != set()
    assert explained(twice) == {
        "explanation:Setup": ["doc1.md:1-3", "doc2.md:3-5"],
        "explanation:Setup > Valves": ["doc1.md:5-7", "doc2.md:7-9"],
    }


def test_different_texts_under_the_same_headings_are_left_out_by_name() -> None:
    page, other = f"# Setup\n\n{PIPES}## Valves\n\n", f"# Setup\n\n{PIPES}{PIPES}## Valves\n\n"
    library = of(doc1=f"{page}{PIPES}", doc2=f"{other}{PIPES}", doc3=f"# Teardown\n\n{PIPES}", doc4="# Teardown\n\nNo.")
    assert explained(library) == {
        "explanation:Setup > Valves": ["doc1.md:5-7", "doc2.md:7-9"],
        "explanation:Teardown": ["doc3.md:1-3"],
    }
    clash = [
        task for task in Grounded(Config()).tasks(library) if task.spans[0].first_line == 1 and len(task.spans) > 1
    ]
    assert [list(map(str, task.spans)) for task in clash] == [["doc1.md:1-3", "doc2.md:1-5"]]
    assert "doc1" not in json.dumps(to_json(clash[0].payload))


def test_the_same_heading_twice_in_one_place_has_no_topic() -> None:
    text = f"# Pipes\n\n{PIPES}## Closing Time\n\n{PIPES}## Closing Time\n\nFurthermore. {PIPES}"
    assert explained(of(doc=text)) == {"explanation:Pipes": ["doc.md:1-3"]}


def test_a_limit_counts_a_fact_once_however_many_texts_it_has() -> None:
    documents = {f"doc{number}": f"# Setup\n\nNumber {number}. {PIPES}" for number in range(5)}
    for limit in (1, 2, 3):
        tasks = Grounded(Config(max_facts=limit)).tasks(of(**documents, doc7=f"# Teardown\n\n{PIPES}"))
        assert len(list(tasks)) == min(limit, 2)


def test_a_section_cut_into_parts_is_one_topic() -> None:
    text = "Pipes carry sentences that are long enough to be worth explaining to somebody who asks for it.\n\n"
    library = of(200, doc=f"# Setup\n\n{text * 9}")
    assert len(list(library.sections())) > 1
    assert {sample.fact for sample in make(library)} == {"explanation:Setup"}


def test_headings_that_say_little_come_with_their_parents() -> None:
    text = "Pipes carry sentences that are long enough to be worth explaining to somebody who asks for it.\n\n"
    asked = {
        question(sample)
        for sample in make(of(doc=f"# Pipes\n\n## Overview\n\n{text}## … big valves?\n\n{text}## Joints\n\n{text}"))
    }
    assert {'Explain "Pipes: Overview".', 'Explain "Pipes: big valves".', 'Explain "Pipes: Joints".'} < asked


SHOWN = """\
# Pipes

So that this works, the pipe is opened with the function open_pipe:

```python
acme.open_pipe(handle)
handle.close()
```

To open a pipe use `open_pipe`:

```python
import acme

pipe = acme.open_pipe("/tmp")
```

Then close that one with `close_pipe` as well:

```python
import acme

acme.close_pipe()
```
"""


def test_examples_are_chosen_that_can_be_understood_alone() -> None:
    source = 'def open_pipe(path: str) -> None:\n    """."""\n\n\ndef close_pipe() -> None:\n    """."""\n'
    samples = make(of(acme=source, doc=SHOWN))
    (opened,) = answers(samples, "usage:acme.open_pipe")
    assert opened.startswith("To open a pipe use `open_pipe`:\n\n```python\nimport acme\n\npipe =")
    (closed,) = answers(samples, "usage:acme.close_pipe")
    assert closed.startswith("An example of `acme.close_pipe`:\n\n```python")


TUBES = """\
def tube(cls=None):
    \"\"\"Make a tube.\"\"\"


def flatten(tube):
    \"\"\"Flatten a tube.\"\"\"


def end(default=None):
    \"\"\"Give a tube an end.\"\"\"


def inspect(tube):
    \"\"\"Inspect a tube.\"\"\"
"""
AROUND = "@tube\nclass T:\n    x = {0}\n\nprint(inspect.signature(T))\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "from acme import flatten\n" + AROUND.format("flatten(end())"),
            "from acme import flatten, end, tube\n" + AROUND.format("flatten(end())"),
        ),
        (
            "def close(end):\n    return end.x\n\n" + AROUND.format("acme.flatten(close, end())"),
            "import acme\nfrom acme import end, tube\n\ndef close(end):\n    return end.x\n\n"
            + AROUND.format("acme.flatten(close, end())"),
        ),
        (
            AROUND.format("1") + "from acme import flatten as flat  # late\n\nflat(1)\n",
            "from acme import tube\n\n" + AROUND.format("1") + "from acme import flatten as flat  # late\n\nflat(1)\n",
        ),
        ("from acme import *\nacme.flatten(tube())\n", "from acme import *\nacme.flatten(tube())\n"),
        ("import acme\nacme.flatten(1)\n", "import acme\nacme.flatten(1)\n"),
    ],
)
def test_examples_import_what_they_use_of_the_library(code: str, expected: str) -> None:
    samples = make(of(acme=TUBES, doc=f"# Tubes\n\n```python\n{code}```\n"))
    assert answers(samples, "usage:acme.flatten") == {answer_with(expected)}


def answer_with(code: str) -> str:
    named = "An example of `acme.flatten`:\n\n"
    return f"{named}```python\n{code}```"


def test_an_example_under_another_name_says_so() -> None:
    source = "from tools.inner import run\n"
    inner = 'def run() -> None:\n    """Run everything that is waiting."""\n'
    document = "# Runs\n\nTo start call `run` once:\n\n```python\nfrom tools.inner import run\n\nrun()\n```\n"
    library = of(**{"tools/__init__": source, "tools/inner": inner, "doc": document})
    (shown,) = answers(make(library), "usage:tools.run")
    assert shown.startswith("An example of `tools.run`, here under its other name `tools.inner.run`:\n\n```python")


@pytest.mark.parametrize(
    ("summary", "task"),
    [
        ("Print a line", "print a line"),
        ("Copies every file", "copy every file"),
        ("Attaches an option", "attach an option"),
        ("Creates a command and uses the function as callback", ""),
        ("Creates a command and returns it", ""),
        ("The current context", ""),
        ("This function prints", ""),
        ("Print", ""),
    ],
)
def test_tasks_are_asked_for_only_where_the_sentence_stays_right(summary: str, task: str) -> None:
    assert imperative(summary) == task


def test_negatives_never_name_what_exists_in_private() -> None:
    """Each wrong name, once it exists without being public, gives way to another one."""
    hidden: list[str] = []
    for _ in range(4):
        body = "".join(f"\n\ndef {name}() -> None: ...\n" for name in hidden)
        source = f'__all__ = ["fetch"]\n\n\ndef fetch() -> None:\n    """Fetch all that is there."""\n{body}'
        (fact,) = {sample.fact for sample in make(of(acme=source), Config(kinds=("negative",)))}
        name = fact.removeprefix("negative:acme.")
        assert name not in hidden
        hidden.append(name)


def test_negatives_suggest_the_nearest_name() -> None:
    names = [
        f"{verb}_{noun}" for verb in ("read", "open", "load", "loads") for noun in ("file", "files", "item", "all")
    ]
    source = "".join(f'def {name}() -> None:\n    """This is what {name} is for."""\n\n\n' for name in names)
    library = of(acme=source)
    samples = make(library, Config(kinds=("negative",), phrasings=1))
    assert len(samples) > 10
    for sample in samples:
        wrong, meant = re.findall(r"`([^`]+)`", answer(sample))[:2]
        assert library.nearest(wrong, 1)[0].name == meant


def test_negatives_name_what_does_not_exist_and_suggest_what_does(samples: list[Sample], library: SymbolTable) -> None:
    negatives = [sample for sample in samples if sample.kind == "negative" and sample.language == "en"]
    assert len({sample.fact for sample in negatives}) >= 6
    for sample in negatives:
        wrong, meant = re.findall(r"`([^`]+)`", answer(sample))[:2]
        assert library.find(wrong) is None
        assert wrong in question(sample)
        assert library.nearest(wrong, 1)[0].name == meant
        assert sample.symbols == (meant,)


def test_nothing_is_said_of_names_in_a_class_with_a_foreign_base(samples: list[Sample]) -> None:
    """`parcel.depot.Hook` inherits from dict: what it lacks cannot be known."""
    negatives = {sample.fact for sample in samples if sample.kind == "negative"}
    assert not any(fact.startswith("negative:parcel.depot.Hook.") for fact in negatives)


def test_answers_are_grounded(samples: list[Sample], library: SymbolTable) -> None:
    assert [found for sample in samples for found in complaints(sample, library)] == []


def test_lines_and_files_decide_nothing(library: SymbolTable) -> None:
    moved = read(before="\n\n\n")
    generator = Grounded(Config())
    first, second = list(generator.tasks(library)), list(generator.tasks(moved))
    assert [canonical(to_json(task.payload)) for task in first] == [canonical(to_json(task.payload)) for task in second]
    assert [task.spans for task in first] != [task.spans for task in second]
    assert not any(".md" in json.dumps(to_json(task.payload)) for task in first)


def test_a_task_is_what_its_payload_says(library: SymbolTable) -> None:
    task = next(iter(Grounded(Config(phrasings=2)).tasks(library)))
    again = from_json(type(task), json.loads(json.dumps(to_json(task))))
    other = Grounded(Config())
    assert asyncio.run(other.run(task, Context())) == asyncio.run(other.run(again, Context()))


def test_spans_lead_to_the_lines_that_say_it(library: SymbolTable) -> None:
    tasks = list(Grounded(Config(kinds=("explanation", "usage"))).tasks(library))
    for task in tasks:
        (span,) = task.spans
        folder = DATA / ("docs" if span.source.endswith(".md") else "src")
        lines = (folder / span.source).read_text(encoding="utf-8").splitlines()
        assert any(line.strip() for line in lines[span.first_line - 1 : span.last_line])
    assert {task.spans[0].source for task in tasks} == {"guide.md", "faq.md", "parcel/shipping.py"}


def test_limits_keep_the_most_useful_facts_of_every_kind(library: SymbolTable) -> None:
    few = make(library, Config(max_facts=12, phrasings=1))
    assert len({sample.fact for sample in few}) == 12
    kinds = {sample.kind for sample in few}
    assert {"purpose", "signature", "usage", "lookup", "explanation", "parameters", "negative"} <= kinds
    everything = {to_json_text(sample) for sample in make(library, Config(phrasings=1))}
    assert {to_json_text(sample) for sample in few} < everything


def to_json_text(sample: Sample) -> bytes:
    return canonical(to_json(sample))


FURTHER = '''
__all__ = ["Pipe", "pipe", "tube", "_hidden"]

class Pipe:
    """A pipe of any length."""

    #: Whether the pipe is `bent <bent pipes>` or :term:`straight <straight pipes>`.
    bent: bool
    #: Runs `pipe --into <path of a file>` at once.
    command: str

    def copy(self) -> "list['Pipe']": ...
    def mode(self) -> Literal["a"]: ...

    def same(self) -> _T:
        """Give it back.

        :returns: The pipe with nothing changed at all.
        """

def make():
    """Make a pipe."""

pipe = tube = make
'''


def test_members_bear_the_names_that_all_lists() -> None:
    samples = make(of(acme=FURTHER))
    assert answers(samples, "members:acme") == {"`acme` has `Pipe`, `pipe` and `tube`."}


def test_types_are_unquoted_and_private_ones_left_out() -> None:
    samples = make(of(acme=FURTHER))
    assert answers(samples, "returns:acme.Pipe.copy") == {"`acme.Pipe.copy` returns `list[Pipe]`."}
    assert answers(samples, "returns:acme.Pipe.mode") == {'`acme.Pipe.mode` returns `Literal["a"]`.'}
    assert answers(samples, "returns:acme.Pipe.same") == {
        "`acme.Pipe.same` returns: The pipe with nothing changed at all."
    }


def test_descriptions_that_are_looked_up_hold_no_markup() -> None:
    samples = make(of(acme=FURTHER))
    assert answers(samples, "lookup:acme.Pipe.bent") == {
        "That is `acme.Pipe.bent`: Whether the pipe is bent or straight."
    }
    assert answers(samples, "purpose:acme.Pipe.command") and not answers(samples, "lookup:acme.Pipe.command")


def test_long_answers_are_left_out_and_never_cut(library: SymbolTable) -> None:
    short = make(library, Config(max_answer_chars=120))
    assert max(len(answer(sample)) for sample in short) <= 120
    for sample in short:
        assert answer(sample).count("```") % 2 == 0
        assert answer(sample).endswith((".", "```", "。"))


def test_only_the_kinds_that_were_asked_for(library: SymbolTable) -> None:
    assert {sample.kind for sample in make(library, Config(kinds=("lookup",)))} == {"lookup"}


def test_options_are_checked() -> None:
    for wrong in ({"phrasings": 7}, {"languages": ["fr"]}, {"languages": []}, {"kind": ["usage"]}, {"max_facts": 0}):
        with pytest.raises(ValidationError):
            Config.model_validate(wrong)


@pytest.mark.parametrize(
    ("marked_up", "expected"),
    [
        (":func:`~click.echo` and :meth:`!run`", "`click.echo` and `run`"),
        ("{func}`echo <click.echo>` of {ref}`the guide <guide>`", "`echo` of the guide"),
        ("decorated :func:`option`\\s are ``kept`` \nhere", "decorated `option`s are `kept` here"),
        (
            "see [the *docs*](https://example.org/a_(b)) or <https://example.org>",
            "see the *docs* or https://example.org",
        ),
        ("`a link <https://example.org>`_ and `x[0](1)`", "a link and `x[0](1)`"),
        ("`slotted <slotted classes>`, `git add <path of a file>`", "slotted, `git add <path of a file>`"),
        ("中文一行\n接着写 text\nhere", "中文一行接着写 text here"),
        ("a footnote [1]_ and another[^note].", "a footnote and another."),
    ],
)
def test_inline_markup_becomes_plain_markdown(marked_up: str, expected: str) -> None:
    assert plain(marked_up) == expected


RST = """\
Some text::

    code(1)

.. versionadded:: 2.0
    Long ago.

.. note:: Mind the gap.

- one item that goes
  on
  - inner

    more
- two

:param x: dropped

.. code-block:: python

    done()
"""


def test_blocks_of_restructured_text() -> None:
    assert [(block.kind, block.text) for block in blocks(RST)] == [
        ("prose", "Some text:"),
        ("code", "```\ncode(1)\n```"),
        ("prose", "Mind the gap."),
        ("list", "- one item that goes on\n  - inner\n    more\n- two"),
        ("code", "```python\ndone()\n```"),
    ]


def test_what_announces_something_left_out_goes_too() -> None:
    parts = blocks("First sentence. Second one:\n\n```python\n" + "x = 1\n" * 50 + "```\n")
    assert fit(parts, 100) == "First sentence."
    assert fit(blocks("It is so. The table below shows more."), 100) == "It is so."
    assert fit(blocks("It is so.\n\nTherefore the following is\n\n    code()\n"), 40) == "It is so."
    assert fit(blocks("Too long to fit at all and without an end"), 20) == ""
