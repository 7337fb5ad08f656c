"""The Markdown parser, through the registry as a pipeline reaches it."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

from docutune.contracts import Parser
from docutune.records import Parsed, fingerprint, to_json
from docutune.registry import Registry


def parser(**options: int) -> Parser:
    registry = Registry.load()
    entry = registry.get("parser", "markdown")
    made: Parser = registry.create(entry, entry.registration.config(**options))
    return made


MARKDOWN = parser()


def parse(text: str, **options: int) -> Parsed:
    return (parser(**options) if options else MARKDOWN).parse(text.encode(), "guide.md")


def test_sections_follow_headings_from_the_title_down() -> None:
    text = "# Guide\n\nIntro.\n\nInstall\n-------\n\nRun `pip`.\n\n### On *Linux*\n\nApt.\n\n## Use\n\nCall it.\n"
    found = parse(text)
    assert [(section.heading, str(section.span)) for section in found.sections] == [
        (("Guide",), "guide.md:1-3"),
        (("Guide", "Install"), "guide.md:5-8"),
        (("Guide", "Install", "On Linux"), "guide.md:10-12"),
        (("Guide", "Use"), "guide.md:14-16"),
    ]
    assert found.sections[1].text == "Install\n-------\n\nRun `pip`."
    assert found.problems == ()


def test_front_matter_titles_a_document_without_one_and_text_before_headings_is_kept() -> None:
    found = parse("---\ntitle: Acme SDK\n---\n\nWelcome.\n\n## Start\n\nGo.\n")
    assert [(section.heading, section.text) for section in found.sections] == [
        (("Acme SDK",), "Welcome."),
        (("Acme SDK", "Start"), "## Start\n\nGo."),
    ]
    assert parse("---\ntitle: Other\n---\n# Own\n\nText.\n").sections[0].heading == ("Own",)
    assert parse("Badge\n\n# Own\n\nText.\n").sections[0].heading == ("Own",)
    assert parse("Only text.\n").sections[0].heading == ()


def test_broken_front_matter_is_one_problem_with_its_line_and_the_text_counts() -> None:
    found = parse("---\ntitle: ok\nkey: [1,\n---\n# Title\n\nText.\n")
    assert len(found.problems) == 1
    assert re.match(r"line [34]: the front matter is not valid YAML", found.problems[0])
    assert [section.heading for section in found.sections] == [("Title",)]


def test_headings_inside_other_blocks_open_no_section() -> None:
    quoted, fenced = "> ## quoted\n\n- ## listed\n\n", "```\n## code\n```\n\n"
    text = f"# T\n\n{quoted}{fenced}!!! note\n    ## admonition\n\n:::{{tip}}\n## colon\n:::\n"
    assert [section.heading for section in parse(text).sections] == [("T",)]


@pytest.mark.parametrize(
    "block",
    [
        "```python\nfirst = 1\n\n# not a heading\n\nlast = 2\n```",
        "| a | b |\n| - | - |\n| 1 | 2 |\n| 3 | 4 |",
        "1. one\n\n   more of one\n\n   ```\n   code\n   ```\n\n2. two",
        "> quote\n>\n> goes on",
        "!!! warning\n    First.\n\n    Second.",
        ":::{note}\nFirst.\n\nSecond.\n:::",
        "```{eval-rst}\n.. note::\n\n   First.\n\n   Second.\n```",
        "    indented = 1\n\n    code = 2",
        "Term\n: Meaning.\n\n: Another.",
        "[^1]: Footnote.\n\n    Its second paragraph.",
    ],
)
def test_long_sections_are_cut_between_blocks_only(block: str) -> None:
    text = f"# Title\n\n{'Word. ' * 9}\n\n{block}\n\nTail of the section.\n"
    pieces = [section.text for section in parse(text, max_section_chars=20).sections]
    assert len(pieces) == 3
    assert block in pieces[1]
    assert pieces[0].startswith("# Title\n\nWord.") and pieces[2] == "Tail of the section."


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("`run()` *now* ##", "run() now"),
        ("See [the docs](x.md) {#anchor}", "See the docs"),
        ("{func}`acme.run` <a name='x'></a>", "acme.run"),
        ("a &amp; b {literal}", "a & b {literal}"),
    ],
)
def test_headings_are_plain_text(written: str, title: str) -> None:
    assert parse(f"# {written}\n\nText.\n").sections[0].heading == (title,)


def test_the_same_revision_gives_the_same_result() -> None:
    registration = Registry.load().get("parser", "markdown").registration
    found = parse("---\ntitle: T\n---\nIntro.\n\n## A\n\n| a |\n| - |\n\n" + EXAMPLES, max_section_chars=300)
    # Another result from the same input is another revision: stored results are keyed by it.
    assert (registration.revision, fingerprint(to_json(found))[:16]) == (2, "202746bc32bee4e2")


def test_a_table_right_below_a_line_is_a_block_of_its_own() -> None:
    table = "| a | b |\n| - | - |\n| 1 | 2 |"
    pieces = [section.text for section in parse(f"A line before it.\n{table}\n", max_section_chars=20).sections]
    assert pieces == ["A line before it.", table]


def test_pieces_hold_every_line_once_and_keep_to_the_limit() -> None:
    lines = ["# Title", ""] + [f"Paragraph {number} of the text.\n" for number in range(40)]
    text = "\n".join(lines)
    sections = parse(text, max_section_chars=200).sections
    assert all(len(section.text) <= 200 for section in sections)
    assert len(sections) < 10
    joined = "\n".join(section.text for section in sections)
    assert [line for line in joined.split("\n") if line] == [line for line in text.split("\n") if line]
    assert all(section.heading == ("Title",) for section in sections)


EXAMPLES = """\
# Use

Read this first. Then call it like so:

```python title="app.py" hl_lines="2"
import acme
acme.run()
```

In a session:

```pycon
>>> x = 1  # doctest: +SKIP
>>> for i in range(2):
...     print(i)
0
1
>>> boom()
Traceback (most recent call last):
ValueError
```

```{code-block} python
:linenos:

print("directive")
```

- In a list:

  ```{.bash .annotate}
  acme run
  ```

:::{note}
Inside an admonition:

```js
let a
```
:::

```{eval-rst}
Then in reStructuredText:

.. code-block:: python

    acme.stop()
```

Plain:

    indented = True

```
no language
```
"""


def test_examples_carry_language_lead_and_exact_lines() -> None:
    (section,) = parse(EXAMPLES).sections
    found = [(example.language, example.code, example.lead) for example in section.examples]
    assert found == [
        ("python", "import acme\nacme.run()", "Then call it like so:"),
        ("python", "x = 1\nfor i in range(2):\n    print(i)", "In a session:"),
        ("python", 'print("directive")', ""),
        ("bash", "acme run", "In a list:"),
        ("javascript", "let a", "Inside an admonition:"),
        ("python", "acme.stop()", "Then in reStructuredText:"),
        ("", "indented = True", "Plain:"),
        ("", "no language", ""),
    ]
    lines = EXAMPLES.split("\n")
    for example in section.examples:
        shown = "\n".join(lines[example.span.first_line - 1 : example.span.last_line])
        assert example.code.split("\n")[-1].strip() in shown
    assert [example.span.first_line for example in section.examples[:2]] == [5, 12]
    assert lines[section.examples[1].span.last_line - 1] == "```"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_count_them(end: str) -> None:
    text = "\ufeff# Title\n\nForm\x0cfeed and \u2028 separator \x85 here.\n\n\tcode\ttab\n\n## Next\n\nEnd.".replace(
        "\n", end
    )
    sections = MARKDOWN.parse(text.encode(), "a.md").sections
    assert [(section.span.first_line, section.span.last_line) for section in sections] == [(1, 5), (7, 9)]
    assert sections[0].text.split("\n")[2] == "Form\x0cfeed and \u2028 separator \x85 here."
    assert sections[0].examples[0].span.first_line == 5


def test_bytes_that_are_no_text_cost_one_line() -> None:
    found = MARKDOWN.parse(b"# T\n\nfine\n\ncaf\xe9 here\n", "a.md")
    assert found.problems == ("line 5: not valid UTF-8; such bytes are shown as U+FFFD",)
    assert found.sections[0].text.endswith("caf\ufffd here")
    assert MARKDOWN.parse("# T\n\n正文。\n".encode("utf-16"), "a.md").sections[0].text == "# T\n\n正文。"


@pytest.mark.parametrize(
    "content", [b"", b"\n\n \n", b"\xef\xbb\xbf", b"---\ntitle: x\n---\n", b"# Only\n\n## Headings\n"]
)
def test_documents_without_text_have_no_sections(content: bytes) -> None:
    assert MARKDOWN.parse(content, "a.md") == Parsed()


def test_unclosed_colons_do_not_swallow_the_document() -> None:
    found = parse("# API\n\n::: acme.Client\n\n## Next\n\nText.\n")
    assert [section.heading for section in found.sections] == [("API",), ("API", "Next")]


def test_hostile_documents_take_no_long_time() -> None:
    started = time.perf_counter()
    for text in ("::: x\n" * 20_000, "[" * 50_000, "> " * 5_000 + "x", "*a " * 20_000 + "\n\n    code\n", "- " * 5_000):
        parse(text)
    assert time.perf_counter() - started < 20
    assert parse('---\ntitle: "\\uD800"\n---\nText.\n').sections[0].heading == ("?",)


def test_labels_and_comments_alone_are_no_section() -> None:
    assert [section.heading for section in parse("(label)=\n<!-- note -->\n# T\n\nText.\n").sections] == [("T",)]


def test_random_and_truncated_documents_never_crash_and_keep_exact_spans() -> None:
    rng = random.Random(7)
    marks = [
        "`",
        "```",
        ":::",
        "{",
        "}",
        "[",
        "](",
        "#",
        ">",
        "- ",
        "1. ",
        "|",
        "---",
        "!!! ",
        "\t",
        "\r\n",
        "\x00",
        "^",
    ]
    base = EXAMPLES + Path(__file__).read_text("utf-8")
    for _ in range(300):
        start = rng.randrange(len(base))
        pieces = list(base[start : start + rng.randrange(600)])
        for _ in range(rng.randrange(40)):
            pieces.insert(rng.randrange(len(pieces) + 1), rng.choice(marks))
        content = "".join(pieces).encode() + rng.randbytes(rng.randrange(8))
        lines = re.split(r"\r\n|\r|\n", content.decode("utf-8", "replace").removeprefix("\ufeff"))
        last = 0
        for section in MARKDOWN.parse(content, "f.md").sections:
            span = section.span
            assert last < span.first_line <= span.last_line <= len(lines)
            assert section.text == "\n".join(lines[span.first_line - 1 : span.last_line])
            assert all(span.first_line <= example.span.first_line <= span.last_line for example in section.examples)
            last = span.last_line
