"""The parser on documents as people write them, and on bytes as nobody does."""

from __future__ import annotations

import random

import pytest
from docutune_asciidoc.parse import AsciiDoc
from docutune_asciidoc.plugin import Config, docutune_parsers

from docutune.records import Parsed, Section

GUIDE = """= Parcel {version}
Jo Doe <jo@example.org>
v1, 2026
:version: 2.1
:source-language: python

Acme *sends* parcels, see <<send,Sending>> and https://example.org[the site^].

[#send]
== Sending

NOTE: Weigh it first. It is {version} times `{version}`, not `+{version}+`.

Then call `parcel.send` with the weight. Like this:

.send.py
[source,python]
----
import parcel  # <1>
// no comment in here

parcel.send(500)
----
<1> The library.

=== Back

It comes back.

== Empty
"""


def parse(text: str, **options: object) -> Parsed:
    return AsciiDoc(Config.model_validate(options)).parse(text.encode(), "guide.adoc")


def only(text: str, **options: object) -> Section:
    (section,) = parse(text, **options).sections
    return section


def test_sections_have_their_headings_their_lines_and_markdown() -> None:
    found = parse(GUIDE)
    assert [(section.heading, section.span.first_line, section.span.last_line) for section in found.sections] == [
        (("Parcel 2.1",), 1, 7),
        (("Parcel 2.1", "Sending"), 9, 24),
        (("Parcel 2.1", "Sending", "Back"), 26, 28),
    ]
    first, second, _ = found.sections
    assert first.text == "# Parcel 2.1\n\nAcme **sends** parcels, see Sending and the site."
    assert "Note: Weigh it first. It is 2.1 times `2.1`, not `{version}`." in second.text
    assert "Jo Doe" not in "".join(section.text for section in found.sections)
    assert found.problems == ()


def test_code_is_verbatim_with_its_language_its_lines_and_the_sentence_before_it() -> None:
    (example,) = parse(GUIDE).sections[1].examples
    assert example.code == "import parcel\n// no comment in here\n\nparcel.send(500)"
    assert (example.language, example.lead) == ("python", "Like this:")
    assert (example.span.first_line, example.span.last_line) == (16, 23)
    assert GUIDE.split("\n")[15] == ".send.py" and GUIDE.split("\n")[22] == "----"


@pytest.mark.parametrize(
    ("block", "language", "code"),
    [
        ("[source,ruby]\n----\nputs 1\n----", "ruby", "puts 1"),
        ("[source%linenums,python]\n....\nx = 1\n....", "python", "x = 1"),
        ("[,js]\n----\nlet x\n----", "javascript", "let x"),
        ("[source,language=sh]\n----\nls\n----", "bash", "ls"),
        ("```python\nx = 1\n```", "python", "x = 1"),
        (":source-language: c\n\n[source]\n----\nint x;\n----", "c", "int x;"),
        ("----\nplain\n----", "", "plain"),
        ("....\nplain\n....", "", "plain"),
        ("  indented\n    deeper", "", "indented\n  deeper"),
        ("[source,python]\nx = 1", "python", "x = 1"),
        (":v: 3\n\n[source,python,subs=attributes+]\n----\nx = {v}\n----", "python", "x = 3"),
        (":v: 3\n\n[source,python]\n----\nx = {v}\n----", "python", "x = {v}"),
        (
            "[source,pycon]\n----\n>>> def f():\n...     return 1\n>>> f()\n1\n----",
            "python",
            "def f():\n    return 1\nf()",
        ),
        ("* Item:\n+\n[source,python]\n----\nx = 1\n----", "python", "x = 1"),
    ],
)
def test_every_form_of_a_code_block(block: str, language: str, code: str) -> None:
    (example,) = only(block).examples
    assert (example.language, example.code) == (language, code)


@pytest.mark.parametrize("block", ["++++\n<b>\n++++", "[plantuml]\n....\na -> b\n....", "////\nsecret\n////"])
def test_what_is_no_text_and_no_code_is_left_out(block: str) -> None:
    section = only(f"Before.\n\n{block}\n\nAfter.")
    assert (section.text, section.examples) == ("Before.\n\nAfter.", ())


def test_lists_are_nested_and_keep_what_is_attached_to_them() -> None:
    bullets = "* one\n  goes on\n** two\n* three\n+\n----\nx\n----\n"
    text = f"{bullets}\n// apart\n\n. first\n. second\n\nCPU:: The brain.\nDisk::\n  Holds."
    assert only(text).text == (
        "- one goes on\n   - two\n- three\n\n  ```\n  x\n  ```\n\n"
        "1. first\n2. second\n   - CPU: The brain.\n   - Disk: Holds."
    )


def test_a_table_keeps_its_cells_and_is_never_cut() -> None:
    table = '[cols="1,2"]\n|===\n|Name |Meaning\n\n|a\n|b `x\\|y`\nand more\n2+|wide |z\n|===\n'
    section = only(table, max_section_chars=1)
    head = "| Name | Meaning |\n| --- | --- |\n"
    assert section.text == head + "| a | b `x\\|y` and more |\n| wide | z |"
    assert (section.span.first_line, section.span.last_line) == (1, 9)
    assert only(',===\na,"b,c"\n,===\n').text == "| a | b,c |\n| --- | --- |"


def test_long_sections_are_cut_between_blocks_only() -> None:
    code = "----\n" + "x = 1\n\n" * 50 + "----"
    found = parse(f"= T\n\n== S\n\n{'One. ' * 30}\n\n{code}\n\n{'Two. ' * 30}\n", max_section_chars=200).sections
    assert [section.heading for section in found] == [("T", "S")] * 3
    assert [(section.span.first_line, section.span.last_line) for section in found] == [(3, 5), (7, 108), (110, 110)]
    assert [len(section.examples) for section in found] == [0, 1, 0]
    assert found[0].text.startswith("## S\n\nOne.")


def test_admonitions_say_what_they_are() -> None:
    text = "WARNING: Hot.\n\n[TIP]\n====\nBe kind.\n\nAlways.\n====\n\n[NOTE]\nIt is late."
    assert only(text).text == "Warning: Hot.\n\nTip: Be kind.\n\nAlways.\n\nNote: It is late."


def test_a_discrete_heading_begins_no_section_and_a_part_stands_below_the_title() -> None:
    assert only("== S\n\n[discrete]\n=== Aside\n\nText.").text == "## S\n\n### Aside\n\nText."
    found = parse("= Book\n\nFore.\n\n= Part\n\n== Chapter\n\nText.").sections
    assert [section.heading for section in found] == [("Book",), ("Book", "Part", "Chapter")]


def test_headings_may_be_underlined_but_not_inside_a_container() -> None:
    (section,) = parse("Title\n-----\n\nText.\n").sections
    assert (section.heading, section.span.last_line) == (("Title",), 4)
    assert only("[[id]]\nTitle\n~~~~~\n\nText.\n").heading == ("Title",)
    assert only("====\nEver.\n====\n").heading == ()


def test_conditions_hold_or_not_and_includes_are_reported() -> None:
    text = (
        ":a:\n\nifdef::a[]\nyes\nendif::[]\nifndef::a[]\nno\ninclude::no.adoc[]\nendif::[]\nifdef::a[inline]\n"
        "\ninclude::other.adoc[]\n\\include::kept[]\n"
    )
    found = parse(text)
    assert found.sections[0].text == "yes\ninline"
    assert found.problems == ("line 12: 'other.adoc' is not included here; name it in `sources:` to have it read",)


def test_attributes_from_outside_win() -> None:
    assert only(":v: 1\n\n{v} {w} {unknown}", attributes={"v": "2", "w": "x"}).text == "2 x {unknown}"


def test_what_is_never_closed_is_reported_and_read() -> None:
    found = parse("ifdef::a[]\nendif::[]\nText.\n\n----\ncode\n\nifeval::[1 == 1]\nmore\n")
    assert [problem.partition(":")[0] for problem in found.problems] == ["line 8", "line 5", "line 8"]
    assert found.sections[0].examples[0].code == "code\n\nmore"


def test_bytes_that_are_no_text_are_shown_and_reported() -> None:
    found = AsciiDoc(Config()).parse(b"One.\n\nTwo \xff.\n", "a.adoc")
    assert found.sections[0].text == "One.\n\nTwo \ufffd."
    assert found.problems == ("line 3: not valid text; such bytes are shown as U+FFFD",)
    assert AsciiDoc(Config()).parse("\ufeffÜ".encode("utf-16"), "a.adoc").sections[0].text.endswith("Ü")


PIECES = """= T~== S~----~....~====~--~* a~** b~+~. c~1. d~,===~|===~|a |b~a::~a:: b~~~text~NOTE: x~[source,python]
[NOTE]~.Title~include::x[]~ifdef::a[]~endif::[]~:a: {a}b~////~// c~```py~++++~  code~image::x[]~{a} `x` *y* <<z,q>> #r#
<1> co~>>> x~^^^^~'''~[[x]]~[discrete]~end.~-----""".replace("\n", "~").split("~")


@pytest.mark.parametrize("seed", range(600))
def test_nothing_crashes_it_and_every_line_is_in_range_and_in_order(seed: int) -> None:
    chance = random.Random(seed)
    content = [
        chance.randbytes(chance.randrange(300)),
        bytes(chance.choice(b"=-.*+/`|[]:{}<>_# \nabc\xff\x00") for _ in range(chance.randrange(300))),
        "\n".join(chance.choice(PIECES) for _ in range(chance.randrange(40))).encode(),
    ][seed % 3].removeprefix(b"\xff\xfe")
    count = len(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    last = 0
    for section in AsciiDoc(Config(max_section_chars=chance.choice([1, 60, 4000]))).parse(content, "a.adoc").sections:
        assert last < section.span.first_line <= section.span.last_line <= count
        last = section.span.last_line
        assert section.text.strip()
        for example in section.examples:
            inner = example.span
            assert section.span.first_line <= inner.first_line <= inner.last_line <= section.span.last_line
            assert example.code.strip()


HOSTILE = ["*a ", '"`', "xref:", "[[", "((", "<<", "* a\n+\n", " ", "|a", "a::b", ":a: {a}{a}x\n", "{a", "pass:["]


@pytest.mark.parametrize("before", ["", "a", "|===\n", "["])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_read_in_time(before: str, text: str) -> None:
    """Its time grows with its length: with its square this would take minutes."""
    for section in parse(before + text * 10000, max_section_chars=100).sections:
        assert section.span.source == "guide.adoc"


def test_the_output_of_this_revision_is_known() -> None:
    """When this fails the output has changed: raise `revision` in plugin.py, or kept results are not made anew."""
    (registration,) = docutune_parsers()
    texts = [section.text for section in parse(GUIDE).sections]
    assert registration.revision == 1
    assert texts == [
        "# Parcel 2.1\n\nAcme **sends** parcels, see Sending and the site.",
        "## Sending\n\nNote: Weigh it first. It is 2.1 times `2.1`, not `{version}`.\n\n"
        "Then call `parcel.send` with the weight. Like this:\n\nsend.py:\n\n"
        "```python\nimport parcel\n// no comment in here\n\nparcel.send(500)\n```\n\n1. The library.",
        "### Back\n\nIt comes back.",
    ]
