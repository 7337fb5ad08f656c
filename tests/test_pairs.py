"""Question-answer files: what is read from them, row by row, and what is said of the rest."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from installed import Installed
from openpyxl import Workbook

from docutune.contracts import Parser
from docutune.corpus import assemble, row_lines
from docutune.records import Given, Made, Message, Origin, Parsed, Sample, Span
from docutune.registry import Registry


def parser(**options: str) -> Parser:
    registry = Registry.load()
    entry = registry.get("parser", "pairs")
    made: Parser = registry.create(entry, entry.registration.config(**options))
    return made


PAIRS = parser()


def parse(content: str | bytes, name: str, **options: str) -> Parsed:
    data = content if isinstance(content, bytes) else content.encode()
    return (parser(**options) if options else PAIRS).parse(data, name)


def turns(given: Given) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in given.sample.messages]


def lines(*rows: object) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def table(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue()


ASKED = [("user", "Why?"), ("assistant", "So.")]
FLAT: list[tuple[dict[str, str], list[tuple[str, str]]]] = [
    ({"question": "Why?", "answer": "So."}, ASKED),
    ({"Question ": "Why?", " ANSWER": "So.", "id": "7"}, ASKED),
    ({"system_prompt": "Be brief.", "question": "Why?", "response": "So."}, [("system", "Be brief."), *ASKED]),
    ({"prompt": "Why?", "completion": "So."}, ASKED),
    ({"prompt": "Why?", "response": "So."}, ASKED),
    ({"input": "Why?", "output": "So."}, ASKED),
    ({"query": "Why?", "response": "So."}, ASKED),
    ({"问题": "Why?", "答案": "So."}, ASKED),
    ({"提问": "Why?", "回答": "So."}, ASKED),
    ({"问": "Why?", "答": "So."}, ASKED),
    ({"instruction": "Why?", "output": "So.", "system": "Be brief."}, [("system", "Be brief."), *ASKED]),
    ({"instruction": "Add.", "input": "1 and 2", "output": "3"}, [("user", "Add.\n\n1 and 2"), ("assistant", "3")]),
    ({"instruction": "Add.", "input": " ", "output": "3"}, [("user", "Add."), ("assistant", "3")]),
    ({"instruction": "", "input": "1 + 2", "output": "3"}, [("user", "1 + 2"), ("assistant", "3")]),
    ({"instruction": "Add.", "context": "1, 2", "response": "3"}, [("user", "Add.\n\n1, 2"), ("assistant", "3")]),
]
NESTED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"messages": [{"role": role, "content": text} for role, text in ASKED]}, ASKED),
    ({"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}, ASKED),
    (
        {"conversations": [{"role": role, "content": text} for role, text in ASKED], "system": "S"},
        [("system", "S"), *ASKED],
    ),
    ({"messages": [{"role": "system", "content": None}, *({"role": r, "content": t} for r, t in ASKED)]}, ASKED),
    ({"messages": [{"role": r, "content": t} for r, t in ASKED * 2]}, ASKED * 2),
    (
        {"instruction": "c", "output": "d", "history": [["a", "b"]]},
        [*zip(["user", "assistant"] * 2, "abcd", strict=True)],
    ),
    ({"question": 7, "answer": 1.50}, [("user", "7"), ("assistant", "1.5")]),
    ({"question": "Is it?", "answer": True}, [("user", "Is it?"), ("assistant", "true")]),
]


@pytest.mark.parametrize(
    ("row", "expected"), [*FLAT, *NESTED], ids=lambda value: "-".join(value) if isinstance(value, dict) else ""
)
def test_every_shape_becomes_a_conversation_from_json_and_json_lines(
    row: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    wrapped = json.dumps({"version": 1, "samples": [row]}, ensure_ascii=False)
    for text, name in ((lines(row), "a.jsonl"), (json.dumps([row]), "a.json"), (wrapped, "a.json")):
        found = parse(text, name)
        assert [turns(given) for given in found.samples] == [expected]
        assert found.problems == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("row", "expected"), FLAT, ids=lambda value: "-".join(value) if isinstance(value, dict) else ""
)
def test_every_flat_shape_is_read_from_a_table(
    row: dict[str, str], expected: list[tuple[str, str]], delimiter: str
) -> None:
    text = table([list(row), list(row.values())], delimiter)
    for name in ("a.csv", *(["A.TSV"] if delimiter == "\t" else [])):
        assert [turns(given) for given in parse(text, name).samples] == [expected]


def test_the_names_of_the_columns_say_what_parts_them() -> None:
    text = "question;answer;a,b,c,d,e,f;note;note\nx, y;z;1\n"
    assert [turns(given) for given in parse(text, "a.csv").samples] == [[("user", "x, y"), ("assistant", "z")]]


def test_numbers_stay_as_they_are_written_and_text_is_not_changed() -> None:
    found = parse(
        '{"question": "How much?", "answer": 1.10}\n{"question": " a	b ", "answer": "\\n  c\\n"}\n', "a.jsonl"
    )
    assert [turns(given) for given in found.samples] == [
        [("user", "How much?"), ("assistant", "1.10")],
        [("user", " a\tb "), ("assistant", "\n  c\n")],
    ]


def test_what_docutune_wrote_comes_back_as_it_was(tmp_path: Path) -> None:
    def made(number: int) -> Made:
        messages = (Message("user", f"What is acme.f{number}? ({number})"), Message("assistant", f"It is {number}."))
        sample = Sample(messages, "purpose", f"purpose:{number // 4}", (f"acme.f{number // 4}",), "zh")
        return Made(sample, Origin((Span("a.py", number + 1, number + 2),), "task", "grounded@1"))

    class Options:
        rephrased, unseen_symbols, validation, test, seed = 0.3, 0.2, 0.3, 0.1, 0

    dataset = assemble(map(made, range(80)), Options())
    found = parse(row_lines(dataset).encode(), "samples.jsonl")
    kept = [row for row in dataset.rows if row.split]
    assert [(given.sample, given.split) for given in found.samples] == [(row.made.sample, row.split) for row in kept]
    left_out = len(dataset.rows) - len(kept)
    first = next(number for number, row in enumerate(dataset.rows, 1) if row.split is None)
    assert left_out > 1
    assert found.problems == (
        f"line {first}: {left_out} rows with split null left out, as in the dataset they come from",
    )


@pytest.mark.parametrize("indent", [None, 0, 1, 4])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_spans_are_the_lines_of_each_row_in_json(indent: int | None, end: str) -> None:
    rows = [{"question": f"q {n}\nmore", "answer": "a", "tags": [1] * (n % 3)} for n in range(7)]
    for value in (rows, {"name": "x", "data": rows[:3], "rows": rows[3:], "n": [{}]}):
        text = json.dumps(value, indent=indent)
        found = parse("\n\n" + text.replace("\n", end), "a.json")
        shown = [
            "\n".join(["", "", *text.split("\n")][given.span.first_line - 1 : given.span.last_line])
            for given in found.samples
        ]
        assert len(shown) == len(rows)
        if indent is not None:
            assert [json.loads(piece.rstrip(",")) for piece in shown] == rows


def test_spans_are_the_lines_of_each_row_in_a_table_and_in_json_lines() -> None:
    text = 'question,answer\n"a\nb",c\n\n,\nd,"e\r\n\nf"\ng,h\n'
    found = parse(text, "a.csv")
    assert [(str(given.span), turns(given)[0][1], turns(given)[1][1]) for given in found.samples] == [
        ("a.csv:2-3", "a\nb", "c"),
        ("a.csv:6-8", "d", "e\n\nf"),
        ("a.csv:9-9", "g", "h"),
    ]
    assert found.problems == ()
    spans = [str(given.span) for given in parse("\n" + lines({"问": "a", "答": "b"}) * 2, "b.jsonl").samples]
    assert spans == ["b.jsonl:2-2", "b.jsonl:3-3"]


def test_json_is_recognised_whatever_the_suffix_says() -> None:
    row = {"question": "a", "answer": "b"}
    assert len(parse(lines(row, row, row), "a.json").samples) == 3
    assert len(parse(json.dumps([row, row], indent=2), "a.jsonl").samples) == 2
    printed = "".join(json.dumps(row, indent=2) + "\n" for _ in range(3))
    assert [given.span.first_line for given in parse(printed, "a.jsonl").samples] == [1, 5, 9]
    assert len(parse(json.dumps(row, indent=2), "a.json").samples) == 1
    assert len(parse(json.dumps({"rows": [row, row]}), "a.jsonl").samples) == 2
    assert len(parse(json.dumps({**row, "data": {"rows": []}}), "a.json").samples) == 1
    found = parse(f"{lines(row)}{{\n{lines(row)}", "a.json")
    assert (len(found.samples), len(found.problems)) == (2, 1)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ('{"question": "a"}', "no answer"),
        ('{"question": "a", "answer": null}', "no answer"),
        ('{"question": " \\n", "answer": "b"}', "no question"),
        ('{"question": "a", "answer": ["b"]}', "not text: answer is a list"),
        ('{"question": "a", "answer": NaN}', "no answer"),
        ('{"question": "a" "answer": "b"}', "not JSON: Expecting ',' delimiter (column 18)"),
        ("nothing", "not JSON: Expecting value (column 1)"),
        ('["a", "b"]', "not an object: a list"),
        ("[" * 100_000, "not JSON: nested too deeply"),
        ('{"messages": []}', "no messages"),
        ('{"messages": "a"}', "messages is not a list of turns: text or a number"),
        ('{"messages": ["a"]}', "not a turn: turn 1 is text or a number"),
        ('{"messages": [{"role": "user", "content": "a"}]}', "ends with a question"),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', "no question"),
        ('{"messages": [{"role": "gpt", "content": "a"}, {"role": "user", "content": "b"}]}', "starts with an answer"),
        ('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""}]}', "no answer"),
        ('{"messages": [{"role": "tool", "content": "a"}]}', "unknown role: turn 1 is from 'tool'"),
        ('{"messages": [{"role": "user", "content": "a"}, {"role": "user"}]}', "a turn without text: turn 2"),
        ('{"messages": [{"role": "user", "content": [{"type": "text"}]}]}', "not text: turn 1 is a list"),
        (
            '{"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"},'
            ' {"role": "assistant", "content": "c"}]}',
            "a system turn that is not the first",
        ),
        (
            '{"instruction": "a", "output": "b", "history": [["c", ""]]}',
            "history is not a list of questions with answers",
        ),
        (
            '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "kind": "k",'
            ' "fact": "f", "symbols": "s"}',
            "symbols is not a list of names",
        ),
    ],
)
def test_a_bad_row_is_one_problem_with_its_line_and_stops_nothing(row: str, problem: str) -> None:
    good = lines({"question": "What?", "answer": "This."})
    found = parse(f"{good}\n{good}{row}\n{good}", "a.jsonl")
    assert [given.span.first_line for given in found.samples] == [1, 3, 5]
    assert found.problems == (f"line 4: {problem}",)


def test_a_file_nested_too_deeply_costs_no_more_than_its_row() -> None:
    deep = '{"question": ' + "[" * 100_000
    assert len(parse(f"{deep}\n{lines({'问': 'a', '答': 'b'})}", "a.jsonl").samples) == 1
    found = parse('[{"question": "a", "answer": "b"},\n' + deep, "a.json")
    assert len(found.samples) == 1
    assert found.problems == ("line 2: not JSON: nested too deeply; nothing from here on is read",)


def test_files_may_mix_shapes_and_most_rows_say_what_is_missing_in_the_others() -> None:
    conversation = {"messages": [{"role": role, "content": text} for role, text in ASKED]}
    pair = {"question": "a", "answer": "b"}
    found = parse(lines(conversation, *[pair] * 3, {**conversation, **pair}, {"question": "c"}), "a.jsonl")
    assert [turns(given)[0][1] for given in found.samples] == ["Why?", "a", "a", "a", "a"]
    assert found.problems == ("line 6: no answer",)


def test_many_bad_rows_are_summed_up() -> None:
    rows = [{"question": "a"}] * 25 + [{"question": "a", "answer": "b"}] + [7] * 3 + [{"answer": "b"}] * 4
    found = parse(json.dumps(rows, indent=0), "a.json")
    assert len(found.samples) == 1
    assert found.problems[19] == "lines 59-61: no answer"
    assert found.problems[20:] == ("and 12 more rows: no answer (5), no question (4), not an object (3)",)
    assert parse(lines(*rows[:22], rows[25]), "a.jsonl").problems[-1] == "and 2 more rows: no answer (2)"
    assert parse(lines(*rows[:21], rows[25]), "a.jsonl").problems[-1] == "and 1 more row: no answer (1)"


def test_a_mistake_in_json_costs_only_what_comes_after_it() -> None:
    whole = json.dumps([{"question": "a", "answer": "b"}] * 3, indent=1)
    for text in (whole.replace(" {", " [", 2).replace(" [", " {", 1), whole[: whole.rindex("}")]):
        found = parse(text, "a.json")
        assert [given.span.first_line for given in found.samples] == [2, 6][: len(found.samples)]
        assert len(found.samples) in (1, 2)
        (problem,) = found.problems
        assert problem.startswith("line ")
        assert "not JSON: " in problem
        assert problem.endswith("nothing from here on is read")


def test_broken_rows_of_a_table() -> None:
    text = 'question,answer\na,b,c\n"a,"b"\nd,e,\nf\n"g,h\ni,j\n'
    found = parse(text, "a.csv")
    assert [turns(given)[0][1] for given in found.samples] == ["d"]
    assert found.problems == (
        "line 2: too many cells: 3 for 2 columns (one that holds ',' must stand in quotes)",
        "line 3: not CSV: text after a closing quote, or a quote in a cell that is not doubled",
        "line 5: no answer",
        "lines 6-7: not CSV: a quote is opened here and closed nowhere",
    )


def test_a_cell_may_be_of_any_size() -> None:
    limit = csv.field_size_limit()
    answer = "word " * 100_000
    (given,) = parse(table([["question", "answer"], ["a", answer]]), "a.csv").samples
    assert turns(given)[1][1] == answer
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("", "a.csv", "no rows"),
        ("question,answer\n", "a.csv", "no rows"),
        ("[]", "a.json", "no rows"),
        ("1\n2\n", "a.jsonl", "no row can be read: line 1: not an object: text or a number"),
        (
            "Frage;Antwort\na;b\n",
            "a.csv",
            "columns found: Frage, Antwort; name yours with the options question and answer",
        ),
        ('{"train": [{"question": "a", "answer": "b"}]}', "a.json", "columns found: train; "),
        (lines({f"c{n}": "" for n in range(20)}), "a.jsonl", "c10, c11, …; "),
        (lines({"text": "a", "x" * 99: 1}), "a.jsonl", f"columns found: text, {'x' * 40}…; "),
        ("question,answer,Answer\na,b,c\n", "a.csv", "two columns are called 'answer': rename one of them"),
        ('"question,answer\na,b\n', "a.csv", "the row of names cannot be read: lines 1-2: not CSV: a quote is opened"),
    ],
)
def test_a_file_without_samples_says_why_and_what_to_do(text: str, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        parse(text, name)
    assert reason in str(error.value)


def test_columns_can_be_named() -> None:
    text = "Nr;Frage;Antwort;Rolle\n1;a;b;Be brief.\n2;c;d;\n"
    options = {"question": "frage", "answer": "Antwort", "system_column": "Rolle", "system": "Be kind."}
    found = parse(text, "a.csv", **options)
    assert [turns(given) for given in found.samples] == [
        [("system", "Be brief."), ("user", "a"), ("assistant", "b")],
        [("system", "Be kind."), ("user", "c"), ("assistant", "d")],
    ]
    both = lines({"question": "a", "answer": "b", "gold": "c"}, {"question": "d", "answer": "e"})
    assert [turns(given)[-1][1] for given in parse(both, "a.jsonl", answer="gold").samples] == ["c", "e"]
    own = lines({"question": "a", "answer": "b", "system": "c", "role": "d"})
    assert turns(parse(own, "a.jsonl", system_column="role").samples[0])[0] == ("system", "d")
    beside = lines({"question": "a", "answer": "b", "context": "c"})
    assert turns(parse(beside, "a.jsonl", system_column="context").samples[0])[:2] == [("system", "c"), ("user", "a")]


def test_the_system_prompt_of_the_options_replaces_none() -> None:
    own = {"messages": [{"role": "system", "content": "Own."}, *({"role": r, "content": t} for r, t in ASKED)]}
    found = parse(lines(own, {"question": "Why?", "answer": "So."}), "a.jsonl", system="Be kind.")
    assert [turns(given)[0] for given in found.samples] == [("system", "Own."), ("system", "Be kind.")]


def test_a_row_may_name_its_split() -> None:
    names = ["train", "Validation", "valid", "val", "dev", " TEST ", "", "easy"]
    rows = [["question", "answer", "subset"], *(["a", "b", name] for name in names)]
    table_found = parse(table(rows), "a.csv")
    assert table_found.problems == ()
    assert [item.split for item in table_found.samples] == ["train", *["validation"] * 4, "test", None, None]
    found = parse(
        lines(*({"问": "a", "答": "b", "split": name} for name in ["test", None, 3, "holdout", "x"])), "a.jsonl"
    )
    assert [item.split for item in found.samples] == ["test", None, None, None, None]
    assert found.problems == (
        "line 3: split '3' is not train, validation or test; 3 rows with such a split count as having none",
    )


def test_rows_that_ask_the_same_have_one_fact() -> None:
    asked = ["What is ＣＵＤＡ?", " what  is\ncuda? ", "What is cuda"]
    rows = [{"system": str(n), "question": text, "answer": str(n)} for n, text in enumerate(asked)]
    multi = {"messages": [{"role": r, "content": t} for r, t in [("user", asked[1]), ("assistant", "x"), *ASKED]]}
    first, second, other, conversation = (given.sample for given in parse(lines(*rows, multi), "a.jsonl").samples)
    assert first.fact == second.fact == conversation.fact != other.fact
    assert first.fact == "pair:51c6c7caf16ab103"
    assert (first.kind, first.symbols) == ("question-answer", ())
    assert len({first.id, second.id, other.id}) == 3


@pytest.mark.parametrize(
    ("text", "language"),
    [("什么是CUDA的warp调度器？", "zh"), ("What does 流 mean in CUDA here?", "en"), ("12 + 3", "en"), ("𠀀𠀁", "zh")],
)
def test_the_language_is_that_of_most_words(text: str, language: str) -> None:
    (given,) = parse(lines({"question": text, "answer": text, "system": "请" * 99}), "a.jsonl").samples
    assert given.sample.language == language


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_encodings_and_the_first_line_of_excel(encoding: str) -> None:
    for text in (
        "问题;答案\n你好吗？;好\n",
        "sep=;\r\n问题;答案\r\n你好吗？;好\r\n",
        '"sep=|"\n问题|答案\n你好吗？|好',
    ):
        (given,) = parse(text.encode(encoding), "a.csv", encoding="gb18030").samples
        assert turns(given) == [("user", "你好吗？"), ("assistant", "好")]
        assert given.span.first_line == 2 + ("sep" in text)


def test_rows_with_bytes_of_another_encoding_are_not_learned() -> None:
    found = parse("question,answer\nà,là\na,b\n".encode("cp1252"), "a.csv")
    assert [turns(given)[0][1] for given in found.samples] == ["a"]
    assert found.problems == ("line 2: bytes that are not UTF-8: save the file as UTF-8, or name its `encoding`",)
    assert len(parse("question,answer\n\ufffd,b\n", "a.csv").samples) == 1
    with pytest.raises(ValueError, match=r"^not UTF-8 "):
        parse("Où,là\nà,b\n".encode("cp1252"), "a.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_the_encoding_is_found_out(encoding: str) -> None:
    asked = "Know it?" if encoding == "gb18030" else "Know it\0?"
    (given,) = parse(f"问题,答案\n{asked},好\n".encode(encoding), "a.csv").samples
    assert turns(given) == [("user", asked), ("assistant", "好")]


def test_rows_of_one_line_are_numbered() -> None:
    rows = [{"question": "a", "answer": "b"}, {"question": "c", "answer": ""}, {"question": "d", "anwser": "e"}]
    found = parse(json.dumps(rows), "a.json")
    assert [given.row for given in found.samples] == [1]
    assert found.problems == (
        "line 1 (row 2): no answer",
        "line 1 (row 3): no answer",
        "line 1 (row 3): unknown field 'anwser'; did you mean 'answer'?; 1 row with such fields",
    )
    assert [given.row for given in parse(lines(*rows[:2]), "a.jsonl").samples] == [0]


@pytest.mark.parametrize("name", ["系统", "系统提示", "system"])
def test_the_system_prompt_has_a_chinese_name_too_and_what_is_not_used_is_named(name: str) -> None:
    found = parse(f"问题,答案,{name},备注\na,b,c,d\n", "a.csv")
    assert turns(found.samples[0])[0] == ("system", "c")
    assert found.unused == ("备注",)


def test_dates_and_formulas_of_a_workbook() -> None:
    book, content = Workbook(), io.BytesIO()
    days = [datetime(2026, 1, 1), datetime(2026, 1, 1, 9, 30)]
    for row in (("question", "answer"), *(("When?", day) for day in days), ("How many?", "=1+1")):
        book.active.append(row)
    book.save(content)
    found = parse(content.getvalue(), "a.xlsx")
    assert [turns(given)[1][1] for given in found.samples] == ["2026-01-01", "2026-01-01 09:30:00"]
    (problem,) = found.problems
    assert problem.startswith("line 4: formula without a saved value: answer")


def test_lone_surrogates_become_storable_text() -> None:
    (given,) = parse('{"question": "a\\ud800b", "answer": "c"}', "a.jsonl").samples
    assert turns(given)[0][1] == "a?b"
    assert given.sample.id


def test_duplicate_rows_are_kept() -> None:
    found = parse(lines(*[{"question": "a", "answer": "b"}] * 3), "a.jsonl")
    assert len(found.samples) == 3
    assert len({given.sample.id for given in found.samples}) == 1


SEEDS = [
    (lines(*(row for row, _ in [*FLAT, *NESTED])), "a.jsonl"),
    (json.dumps({"data": [row for row, _ in [*FLAT, *NESTED]]}, indent=1, ensure_ascii=False), "a.json"),
    (table([["question", "answer", "split"], *[["a\nb", 'c"d', "dev"], ["问", "答", ""]] * 3]), "a.csv"),
    (table([["instruction", "input", "output"], *[["a\tb", "c", "d"]] * 5], "\t"), "a.tsv"),
]


@pytest.mark.parametrize(("text", "name"), SEEDS, ids=[name for _, name in SEEDS])
def test_whatever_the_bytes_are_there_is_a_result_or_a_reason(text: str, name: str) -> None:
    chance = random.Random(0)
    outcomes: Counter[str] = Counter()
    pieces = [*(bytes([byte]) for byte in b'"{}[],;\t\n\r\0\\\xff'), b"\xed\xa0\x80", b"null", b"1e9"]
    for _ in range(400):
        content = bytearray(text.encode(chance.choice(["utf-8", "utf-8", "utf-16", "gb18030"])))
        for _ in range(chance.choice([1, 1, 2, 5, 30])):
            place = chance.randrange(len(content) + 1)
            content[place : place + chance.choice([0, 1, 1, 9])] = chance.choice([*pieces, chance.randbytes(3)])
        if chance.random() < 0.1:
            content = bytearray(chance.randbytes(200))
        try:
            found = parse(bytes(content), name)
        except ValueError as error:
            assert type(error) is ValueError
            assert str(error)
            outcomes["reason"] += 1
            continue
        outcomes["problems" if found.problems else "clean"] += 1
        count = content.count(b"\n") + content.count(b"\r") + 1
        for given in found.samples:
            assert 1 <= given.span.first_line <= given.span.last_line <= count
            assert given.sample.messages[-1].role == "assistant"
            assert all(message.content.strip() for message in given.sample.messages)
            assert given.sample.id
        assert len(found.problems) <= 23
    assert min(outcomes[kind] for kind in ("reason", "problems", "clean")) > 5, outcomes


PIPELINE = "version: 1\nproject: acme\nsources:\n  - samples: qa\n"


@pytest.fixture
def project(environment: Installed) -> Installed:
    """Question-answer files of several kinds, and a pipeline that reads nothing else."""
    (environment.work / "qa").mkdir()
    train = [{"question": f"What is part {n}?", "answer": f"Part {n} turns wheel {n}."} for n in range(40)]
    (environment.work / "qa/train.jsonl").write_text(lines(*train[:3], {"question": "Why?"}, *train[3:]))
    (environment.work / "qa/test.csv").write_text("问题,答案\n什么是轮子？,会转的东西。\n", "utf-8")
    rows = [{"prompt": f"Who built {n}?", "response": f"Engineer {n}.", "split": "dev"} for n in range(4)]
    (environment.work / "qa/more.json").write_text(json.dumps(rows, indent=2))
    (environment.work / "pipeline.yaml").write_text(PIPELINE)
    return environment


def test_copies_count_once_with_all_their_places_and_are_told(project: Installed) -> None:
    again = {"question": "What is part 3?", "answer": "Part 3 turns wheel 3."}
    (project.work / "qa/again.jsonl").write_text(lines(again))
    (project.work / "qa/validation.csv").write_text("问题,答案\n什么是轮子？,会转的东西。\n", "utf-8")
    summary = project.answer("run", "--until", "dataset")
    assert summary["dataset"]["train"] == 40
    assert summary["dataset"]["test"] == 1
    report = json.loads((Path(summary["folder"]) / "report.json").read_text())
    assert report["dataset"]["rejected"]["pairs: copy of another row"] == 2
    rows = [json.loads(line) for line in (Path(summary["folder"]) / "samples.jsonl").read_text().splitlines()]
    places = {row["messages"][0]["content"]: row for row in rows}
    assert [span["source"] for span in places["What is part 3?"]["origin"]["spans"]] == [
        "qa/again.jsonl",
        "qa/train.jsonl",
    ]
    assert places["什么是轮子？"]["split"] == "test"
    traced = project.answer("trace", "qa/again.jsonl:1")
    assert [sample["id"] for sample in traced["samples"]] == [places["What is part 3?"]["id"]]


def test_a_file_of_which_nothing_is_read_is_told_at_once(project: Installed) -> None:
    (project.work / "qa/odd.csv").write_text("a,b\n1,2\n")
    done = project.docutune("run", "--until", "parse")
    assert "note  nothing comes from qa/odd.csv: not read: no questions and answers recognised" in done.stderr


def test_a_pipeline_of_samples_alone_makes_a_dataset_with_its_splits_and_origins(project: Installed) -> None:
    summary = project.answer("run", "--until", "dataset")
    assert {split: summary["dataset"][split] for split in ("train", "validation", "test")} == {
        "train": 40,
        "validation": 4,
        "test": 1,
    }
    rows = [json.loads(line) for line in (Path(summary["folder"]) / "samples.jsonl").read_text().splitlines()]
    places = {row["messages"][0]["content"]: (row["split"], row["origin"]["spans"]) for row in rows}
    assert places["What is part 3?"] == ("train", [{"source": "qa/train.jsonl", "first_line": 5, "last_line": 5}])
    assert places["Who built 1?"] == ("validation", [{"source": "qa/more.json", "first_line": 7, "last_line": 11}])
    assert places["什么是轮子？"] == ("test", [{"source": "qa/test.csv", "first_line": 2, "last_line": 2}])


def test_a_question_of_the_test_is_not_trained_because_another_row_asks_it(project: Installed) -> None:
    (project.work / "pipeline.yaml").write_text(PIPELINE.replace("qa", "mixed"))
    (project.work / "mixed").mkdir()
    follow_up = [{"role": r, "content": t} for r, t in [("user", "什么是轮子?"), ("assistant", "圆的。"), *ASKED]]
    (project.work / "mixed/more.jsonl").write_text(
        lines({"messages": follow_up}, {"question": "Who?", "answer": "Ann."})
    )
    (project.work / "qa/test.csv").rename(project.work / "mixed/test.csv")
    sizes = project.answer("run", "--until", "dataset")["dataset"]
    assert (sizes["train"], sizes["validation"], sizes["test"]) == (1, 0, 2)


def test_when_no_sample_is_left_it_says_where_they_went(project: Installed) -> None:
    (project.work / "pipeline.yaml").write_text(
        "version: 1\nproject: p\nsources: [{samples: one.jsonl, split: test}]\n"
    )
    row = {"question": "Where does a parcel wait?", "answer": "It waits in Oslo until it is fetched."}
    (project.work / "one.jsonl").write_text(lines(row, {**row, "answer": row["answer"].replace("fetched", "Fetched")}))
    done = project.docutune("run")
    assert done.returncode == 1
    assert "no sample to train on: 1 held out, 1 left out (1 duplicates: " in done.stderr, done.stderr
    hint = "lower the shares in `split:`, or change what left samples out: runs/latest/rejected.jsonl names each"
    assert hint in done.stderr
    done = project.docutune("run", "--until", "generate")
    assert (done.returncode, "did you mean" in done.stderr) == (2, False)


def test_what_is_wrong_with_the_files_is_shown_with_the_run(project: Installed) -> None:
    (project.work / "qa/strange.csv").write_text("Frage,Antwort\nWo liegt es?,Im Lager.\n")
    project.answer("run", "--until", "dataset")
    shown = " ".join(project.docutune("status", "latest").stdout.split())
    assert "qa/train.jsonl: line 4: no answer" in shown
    assert "qa/strange.csv: not read: no questions and answers recognised; columns found: Frage, Antwort;" in shown
    options = "parse:\n  - uses: pairs\n    with: {question: Frage, answer: Antwort}\n"
    (project.work / "pipeline.yaml").write_text(PIPELINE + options)
    assert project.answer("run", "--until", "dataset")["dataset"]["train"] == 41
    assert "strange.csv: not read" not in project.docutune("status", "latest").stdout


def test_an_encoding_that_does_not_exist_is_a_mistake_of_the_pipeline_file(project: Installed) -> None:
    (project.work / "pipeline.yaml").write_text(f"{PIPELINE}parse:\n  - uses: pairs\n    with: {{encoding: base64}}\n")
    done = project.docutune("validate")
    assert done.returncode == 2
    assert "pipeline.yaml:7: parse[0].with.encoding: " in done.stderr
    assert "no text encoding is called 'base64'" in done.stderr
