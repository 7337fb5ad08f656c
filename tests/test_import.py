"""`docutune dataset import`, `add` and `validate`: question-answer files into the samples of a pipeline."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from installed import Installed
from openpyxl import Workbook

COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]
PIPELINE = """# ours
version: 1
project: acme
sources:                  # what to read
  - samples: own.jsonl    # typed long ago

  # the end
split: {seed: 0}
"""
THINGS = ("parcel", "pallet", "crate", "letter", "barrel", "basket", "bottle", "drum", "sack", "tube")
ROWS = [
    {"question": f"Where does the {thing} go in {month}?", "answer": f"In {month} each {thing} goes to hall {n}{m}."}
    for n, thing in enumerate(THINGS)
    for m, month in enumerate(("January", "May", "August", "December"))
]


def lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def table(rows: Sequence[Mapping[str, Any]], delimiter: str = ",") -> str:
    body = [rows[0].keys(), *(row.values() for row in rows)]
    return "".join(delimiter.join(f'"{cell}"' for cell in row) + "\n" for row in body)


def workbook(rows: Sequence[Mapping[str, Any]]) -> bytes:
    book, content = Workbook(), io.BytesIO()
    book.active.title = "Notes"
    book.active.append(["made by hand"])
    sheet = book.create_sheet("Pairs")
    for row in (list(rows[0]), *(list(row.values()) for row in rows)):
        sheet.append(row)
    book.save(content)
    return content.getvalue()


def put(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def project(environment: Installed) -> Installed:
    own = {"question": "What is the own one?", "answer": "It is the one that was there first."}
    put(environment.work, {"pipeline.yaml": PIPELINE, "own.jsonl": lines([own])})
    return environment


def imported(project: Installed, name: str = "samples/imported.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project.work / name).read_text("utf-8").splitlines()]


def import_files(project: Installed, *arguments: str) -> Any:
    return project.answer("dataset", "import", *arguments, "--yes")


def texts(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(row["messages"][-2]["content"], row["messages"][-1]["content"]) for row in rows]


EXPECTED = [(row["question"], row["answer"]) for row in ROWS]
SHARED = [{"from": who, "value": text} for who, text in zip(["human", "gpt"], EXPECTED[0], strict=True)]
FILES: dict[str, tuple[str, str | bytes]] = {
    "qa.csv": ("question/answer", table(ROWS)),
    "excel.csv": ("question/answer", "\ufeff".encode() + table(ROWS, ";").encode()),
    "old.tsv": ("question/answer", table(ROWS, "\t").encode("utf-16")),
    "bare.csv": ("question/answer", table(ROWS).encode("utf-16-le")),
    "book.xlsx": ("question/answer", workbook(ROWS)),
    "prompt.jsonl": (
        "prompt/completion",
        lines([{"prompt": row["question"], "completion": row["answer"]} for row in ROWS]),
    ),
    "alpaca.json": (
        "Alpaca (instruction/output)",
        json.dumps([{"instruction": row["question"], "input": "", "output": row["answer"]} for row in ROWS]),
    ),
    "share.json": (
        "ShareGPT (conversations)",
        json.dumps(
            [
                {
                    "conversations": [
                        {"from": "human", "value": row["question"]},
                        {"from": "gpt", "value": row["answer"]},
                    ]
                }
                for row in ROWS
            ]
        ),
    ),
    "messages.jsonl": (
        "messages",
        lines(
            [
                {
                    "messages": [
                        {"role": "user", "content": row["question"]},
                        {"role": "assistant", "content": row["answer"]},
                    ]
                }
                for row in ROWS
            ]
        ),
    ),
}


def test_every_shape_and_format_gives_the_same_samples_with_the_same_splits(project: Installed) -> None:
    put(project.work, {name: content for name, (_, content) in FILES.items()})
    (project.work / "out").mkdir()
    first: list[dict[str, Any]] = []
    for name, (shape, _) in FILES.items():
        to = f"out/{name}.jsonl"
        facts = project.answer("dataset", "import", name, "--yes", "--to", to, "--pipeline", "none/pipeline.yaml")
        (file,) = facts["files"]
        assert (file["shape"], file["rows"], facts["listed"]) == (shape, len(ROWS) + (name == "book.xlsx"), "")
        rows = imported(project, to)
        assert texts(rows) == EXPECTED
        assert [row["source"].partition(":")[0] for row in rows] == [name] * len(rows)
        marks = [{"split": row["split"]} for row in rows]
        first = first or marks
        assert marks == first
    assert Counter(row["split"] for row in first) == {"train": 34, "validation": 4, "test": 2}


def test_what_was_seen_is_shown_before_it_is_asked_for(project: Installed) -> None:
    put(project.work, {"qa.csv": table(ROWS) + '"no answer here",""\n'})
    done = project.docutune("dataset", "import", "qa.csv")
    assert done.returncode == 2
    assert "qa.csv: question/answer, UTF-8, 41 rows; fields: question, answer" in done.stdout
    assert "Where does the parcel go in January? → In January each parcel goes to hall 00." in done.stdout
    assert done.stdout.count("→") == 3
    assert "  qa.csv:42: no answer\n" in done.stdout
    assert "40 rows to add to samples/imported.jsonl: 34 train, 4 validation, 2 test" in done.stdout
    assert done.stderr.endswith("nothing was written\n  --yes writes without asking\n")
    assert sorted(path.name for path in project.work.iterdir()) == ["own.jsonl", "pipeline.yaml", "qa.csv"]


def test_the_pipeline_reads_it_afterwards_and_keeps_every_other_line(project: Installed) -> None:
    put(project.work, {"qa.csv": table(ROWS)})
    facts = import_files(project, "qa.csv", "--test", "0.1", "--seed", "3")
    assert (facts["listed"], facts["to"]) == ("added", "samples/imported.jsonl")
    was = PIPELINE.splitlines()
    now = (project.work / "pipeline.yaml").read_text().splitlines()
    assert now == [*was[:5], "  - samples: samples/imported.jsonl", *was[5:]]
    sizes = project.answer("run", "--until", "dataset")["dataset"]
    assert (sizes["train"], sizes["validation"], sizes["test"]) == (33, 4, 4)


@pytest.mark.parametrize(
    "text",
    ["version: 1\nproject: p\nsources: [{samples: own.jsonl}]\n", "{version: 1, sources: [{samples: own.jsonl}]}\n"],
)
def test_where_a_line_cannot_be_added_safely_it_is_told_what_to_write(project: Installed, text: str) -> None:
    put(project.work, {"qa.csv": table(ROWS), "pipeline.yaml": text})
    done = project.docutune("dataset", "import", "qa.csv", "--yes")
    assert done.returncode == 0
    assert done.stdout.endswith("write in its file:\nsources:\n  - samples: samples/imported.jsonl\n")
    assert (project.work / "pipeline.yaml").read_text() == text
    assert len(imported(project)) == 40


@pytest.mark.parametrize(("end", "rest"), [("\n", ""), ("\r\n", "# last"), ("\n", "\ntrain: []\n")])
def test_an_entry_is_added_at_any_end_of_the_list(project: Installed, end: str, rest: str) -> None:
    text = f"sources:\n- path: docs   # of old\n  include: ['*.md']\n- samples: own.jsonl{rest and chr(10)}{rest}"
    put(project.work, {"qa.csv": table(ROWS), "pipeline.yaml": text.replace("\n", end)})
    assert import_files(project, "qa.csv")["listed"] == "added"
    now = (project.work / "pipeline.yaml").read_bytes().decode()
    expected = text.rstrip("\n") if not rest else text
    lines_then = expected.split("\n")
    assert [line for line in now.split(end) if line] == [
        *lines_then[:4],
        "- samples: samples/imported.jsonl",
        *(line for line in lines_then[4:] if line),
    ]


def test_the_same_file_twice_adds_nothing_and_says_so(project: Installed) -> None:
    put(project.work, {"qa.csv": table(ROWS)})
    import_files(project, "qa.csv")
    before = (project.work / "samples/imported.jsonl").read_bytes()
    done = project.docutune("dataset", "import", "qa.csv", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "40 rows in files of the pipeline already\nnothing to add\n" in done.stdout
    assert (project.work / "samples/imported.jsonl").read_bytes() == before
    apart = ("--pipeline", "none/pipeline.yaml", "--to", "samples/imported.jsonl")
    assert project.answer("dataset", "import", "qa.csv", "--yes", *apart)["already"] == 40
    more = {"question": "What is new?", "answer": "This row alone is new to us."}
    put(project.work, {"qa.csv": table([*ROWS, more])})
    facts = import_files(project, "qa.csv")
    assert (facts["already"], sum(facts["add"].values())) == (40, 1)
    assert (project.work / "samples/imported.jsonl").read_bytes().startswith(before)


def test_what_is_left_out_is_listed_with_its_place_and_kept(project: Installed) -> None:
    again = {**ROWS[0], "answer": "Something else entirely, for nobody knows it."}
    held = {"question": "Who opens the gate at night?", "answer": "The guard of hall nine opens it."}
    files = {
        "train.jsonl": lines(
            [*ROWS[:20], {**held, "answer": "Nobody opens it, ever."}, ROWS[3], {"question": "What?"}]
        ),
        "test.jsonl": lines([held]),
        "valid.csv": table([again, ROWS[30]]),
    }
    put(project.work, {f"data/{name}": text for name, text in files.items()})
    facts = import_files(project, "data", "--system", "Be brief.")
    told = {(item["file"], item["line"]): item["reason"] for item in facts["left_out"]}
    assert told.keys() == {
        ("data/train.jsonl", 1),
        ("data/train.jsonl", 21),
        ("data/train.jsonl", 22),
        ("data/train.jsonl", 23),
    }
    assert "data/valid.csv:2" in told["data/train.jsonl", 1]
    assert "data/test.jsonl:1" in told["data/train.jsonl", 21]
    assert told["data/train.jsonl", 22] == "duplicate: the same row as data/train.jsonl:4"
    assert told["data/train.jsonl", 23] == "no answer"
    assert facts["add"] == {"train": 19, "validation": 2, "test": 1, "none": 0}
    kept = imported(project, facts["kept"])
    assert [(row["file"], row["line"], row["reason"]) for row in kept] == [
        (*place, reason) for place, reason in told.items()
    ]
    assert texts([row["row"] for row in kept[:3]])[1] == (held["question"], "Nobody opens it, ever.")
    assert kept[3]["row"] == '{"question": "What?"}'
    rows = imported(project)
    assert {row["messages"][0]["content"] for row in rows} == {"Be brief."}


def test_a_new_row_never_drives_out_one_that_is_there(project: Installed) -> None:
    old = [{**row, "split": "train"} for row in ROWS]
    put(project.work, {"own.jsonl": lines(old)})
    new = [{"question": row["question"].lower(), "answer": f"{row['answer']} Or not."} for row in ROWS]
    put(project.work, {"new.jsonl": lines(new), "test.jsonl": lines(new)})
    for name in ("new.jsonl", "test.jsonl"):
        facts = import_files(project, name)
        assert sum(facts["add"].values()) == 0
        assert [item["reason"].rpartition("own.jsonl:")[2].partition(",")[0] for item in facts["left_out"]] == [
            str(number) for number in range(1, 41)
        ]


def test_chinese_files_of_windows_are_read_and_others_are_not_guessed(project: Installed) -> None:
    chinese = table([{"问题": "包裹什么时候到？", "答案": "两天之内送到。"}])
    put(
        project.work,
        {
            "zh.csv": chinese.encode("gb18030"),
            "fr.csv": table([{"question": "Où donc?", "answer": "Là-bas."}]).encode("cp1252"),
        },
    )
    assert import_files(project, "zh.csv")["files"][0]["encoding"] == "GB18030"
    assert texts(imported(project)) == [("包裹什么时候到？", "两天之内送到。")]
    done = project.docutune("dataset", "import", "fr.csv", "--yes")
    assert done.returncode == 2
    assert "fr.csv: line 2: neither UTF-8 nor UTF-16 nor GB18030" in done.stderr
    assert import_files(project, "fr.csv", "--encoding", "cp1252")["files"][0]["encoding"] == "CP1252"
    assert texts(imported(project))[1] == ("Où donc?", "Là-bas.")


def test_what_no_row_is_read_by_is_shown(project: Installed) -> None:
    put(project.work, {"qa.csv": table([{**ROWS[0], "系统": "Be brief.", "备注": "x", "id": "7"}])})
    done = project.docutune("dataset", "import", "qa.csv", "--yes")
    assert "not used: 备注, id\n" in done.stdout
    assert imported(project)[0]["messages"][0] == {"role": "system", "content": "Be brief."}


def test_a_named_column_that_is_not_there_is_an_error(project: Installed) -> None:
    put(project.work, {"faq.csv": "问题,答案\n你好吗？,好\n"})
    done = project.docutune("dataset", "import", "--question", "没有", "--answer", "答案", "faq.csv", "--yes")
    assert done.returncode == 2
    assert "no column '没有'; columns: 问题, 答案" in done.stderr


def test_rows_count_alike_in_every_format_and_those_of_one_line_have_numbers(project: Installed) -> None:
    bad = [{"question": "Who is it?", "answer": ""}, {"question": "", "answer": "Nobody."}]
    rows = [ROWS[0], bad[0], ROWS[11], bad[1], ROWS[22], ROWS[0]]
    put(project.work, {"a.json": json.dumps(rows), "b.json": json.dumps(rows, indent=1), "c.csv": table(rows)})
    for name in ("a.json", "b.json", "c.csv"):
        facts = import_files(project, name, "--to", f"{name[0]}.jsonl")
        assert facts["files"][0]["rows"] == 6
        assert len(facts["left_out"]) == 3
        assert facts["remarks"] == []
        put(project.work, {"pipeline.yaml": PIPELINE})
    done = project.docutune("dataset", "import", "a.json", "--dry-run", "--to", "other.jsonl")
    assert "3 rows left out:\n  a.json:1 (row 2): no answer\n  a.json:1 (row 4): no question\n" in done.stdout
    assert "  a.json:1 (row 6): duplicate: the same row as a.json:1 (row 1)\n" in done.stdout
    done = project.docutune("dataset", "validate", "a.json")
    assert "a.json:1 (row 4): no question\n" in done.stdout
    assert "a.json:1 (row 6): duplicate: the same row as a.json:1 (row 1)\n" in done.stdout


def test_one_empty_file_of_a_folder_costs_no_other(project: Installed) -> None:
    put(project.work, {"data/good.csv": table(ROWS[:9]), "data/empty.csv": ""})
    done = project.docutune("dataset", "import", "data", "--yes")
    assert done.returncode == 0
    assert "  data/empty.csv:1: nothing can be read: no rows\n" in done.stdout
    assert len(imported(project)) == 9
    done = project.docutune("dataset", "import", "data", "data/empty.csv", "--yes")
    assert done.returncode == 2
    assert "data/empty.csv: no rows" in done.stderr


def test_columns_of_any_name_can_be_named(project: Installed) -> None:
    put(project.work, {"odd.csv": table([{"Frage": "Wo denn?", "Antwort": "Dort drüben.", "Rolle": "Sei kurz."}])})
    done = project.docutune("dataset", "import", "odd.csv", "--yes")
    assert done.returncode == 2
    assert "columns found: Frage, Antwort, Rolle" in done.stderr
    assert "--question COLUMN --answer COLUMN" in done.stderr
    import_files(project, "odd.csv", "--question", "Frage", "--answer", "antwort", "--system-column", "Rolle")
    (row,) = imported(project)
    assert [turn["content"] for turn in row["messages"]] == ["Sei kurz.", "Wo denn?", "Dort drüben."]


def test_rows_of_docutune_itself_keep_what_they_are_about(project: Installed) -> None:
    turns = [{"role": "user", "content": "What sends?"}, {"role": "assistant", "content": "acme.send does."}]
    row = {"messages": turns, "kind": "lookup", "fact": "lookup:acme.send", "symbols": ["acme.send"], "language": "en"}
    put(project.work, {"samples.jsonl": lines([{**row, "split": "test"}])})
    import_files(project, "samples.jsonl")
    assert imported(project) == [
        {"messages": turns, "split": "test", "kind": "lookup", "fact": "lookup:acme.send"}
        | {"symbols": ["acme.send"], "language": "en", "source": "samples.jsonl:1"}
    ]


def test_an_exported_version_comes_back_as_that_version(project: Installed) -> None:
    put(project.work, {"own.jsonl": lines(ROWS)})
    version = project.answer("run", "--until", "dataset")["dataset"]["version"]
    form = ("--format", "messages", "--output", "all.jsonl")
    assert project.docutune("dataset", "export", version, *form).returncode == 0
    facts = project.answer("dataset", "import", "all.jsonl", "--yes")
    assert (facts["versions"], facts["listed"]) == ([version], "")
    assert not (project.work / "samples").exists()


def test_several_at_once_lose_nothing_and_add_nothing_twice(project: Installed) -> None:
    put(project.work, {f"part{n}.jsonl": lines(ROWS[n % 2 :: 2]) for n in range(4)})
    path = os.pathsep.join([str(project.site), os.environ.get("PYTHONPATH", "")])
    running = [
        subprocess.Popen(
            [*COMMAND, "dataset", "import", f"part{n}.jsonl", "--yes"],
            cwd=project.work,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.DEVNULL,
        )
        for n in range(4)
    ]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    assert sorted(texts(imported(project))) == sorted(EXPECTED)
    assert (project.work / "pipeline.yaml").read_text().count("imported.jsonl") == 1


# ---- typing


def test_a_pair_is_added_once_and_read_by_the_pipeline(project: Installed) -> None:
    pair = ("--question", "Where is the key?", "--answer", "Under the mat,\nas ever.")
    done = project.docutune("dataset", "add", *pair, "--system", "Be brief.", "--split", "test")
    assert done.stdout.startswith("added: samples/added.jsonl:1\nthe pipeline reads samples/added.jsonl now")
    (row,) = imported(project, "samples/added.jsonl")
    assert row == {"system": "Be brief.", "question": pair[1], "answer": pair[3], "split": "test"}
    again = project.docutune("dataset", "add", *pair, "--system", "Be brief.")
    assert again.returncode == 1
    assert again.stderr.startswith("error: not added: the same stands in samples/added.jsonl:1 already")
    other = project.docutune("dataset", "add", "--question", "What is the own one?", "--answer", "Nobody knows that.")
    assert "own.jsonl:1" in other.stderr
    assert project.docutune("dataset", "add", "--question", "x", "--answer", " ").stderr.startswith(
        "error: what was typed: no answer"
    )
    assert len(imported(project, "samples/added.jsonl")) == 1


class Typist:
    """A terminal at which somebody types."""

    def __init__(self, project: Installed, *arguments: str) -> None:
        path = os.pathsep.join([str(project.site), os.environ.get("PYTHONPATH", "")])
        self._here, there = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=project.work,
            env={**os.environ, "PYTHONPATH": path},
            preexec_fn=partial(os.login_tty, there),
            pass_fds=(there,),
        )
        os.close(there)
        self.seen = ""

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 90
        while text not in self.seen and time.monotonic() < deadline:
            if select.select([self._here], [], [], 0.2)[0]:
                with suppress(OSError):
                    self.seen += os.read(self._here, 10_000).decode("utf-8", "replace")
        assert text in self.seen, self.seen

    def type(self, after: str, *texts: str) -> None:
        self.wait_for(after)
        self.seen = self.seen.partition(after)[2]
        for text in texts:
            os.write(self._here, f"{text}\n".encode())

    def end(self) -> int:
        code = self.process.wait(timeout=90)
        os.close(self._here)
        return code


def test_what_is_typed_stays_whatever_ends_the_typing(project: Installed) -> None:
    user = Typist(project, "dataset", "add")
    user.type("Question: ", "Where is the key,", "and why?", "")
    user.type("Answer: ", "Under the mat.", "")
    user.wait_for("added: samples/added.jsonl:1")
    user.type("Question: ", "What is the own one?", "")
    user.type("Answer: ", "Nobody knows that.", "")
    user.type("[y/N]: ", "n")
    user.type("Question: ", "half a question")
    user.wait_for("half a question")
    user.process.send_signal(signal.SIGINT)
    user.wait_for("the pipeline reads samples/added.jsonl now")
    assert user.end() == 130
    (row,) = imported(project, "samples/added.jsonl")
    assert row == {"question": "Where is the key,\nand why?", "answer": "Under the mat."}
    assert "Traceback" not in user.seen
    assert "- samples: samples/added.jsonl" in (project.work / "pipeline.yaml").read_text()


def test_at_a_terminal_it_asks_before_it_writes(project: Installed) -> None:
    put(project.work, {"qa.csv": table(ROWS)})
    for answers, written in ((["perhaps", "否"], False), (["是"], True)):
        user = Typist(project, "dataset", "import", "qa.csv")
        for answer in answers:
            user.type("Add them? [Y/n]: ", answer)
            if answer == "perhaps":
                user.wait_for("type y or n")
        user.wait_for("added 40 rows" if written else "nothing was written")
        assert user.end() == 0
        assert (project.work / "samples/imported.jsonl").exists() == written


# ---- looking at every row


def test_every_problem_is_told_with_file_and_line(project: Installed) -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    bad: list[dict[str, Any]] = [
        {"messages": [{"role": "robot", "content": "a"}]},
        {"messages": turns},
        {"messages": [turns[0], {"role": "assistant", "content": ""}]},
        {"question": "What is it?", "anwser": "A slip of the pen."},
    ]
    held = {"question": ROWS[5]["question"], "answer": "Another answer, which is asked for.", "split": "test"}
    put(project.work, {"own.jsonl": lines([*ROWS, ROWS[7], *bad, held])})
    checked = project.docutune("dataset", "validate", "--json")
    assert checked.returncode == 1
    facts = json.loads(checked.stdout)
    told = {item["line"]: item["reason"] for item in facts["problems"]}
    assert told.keys() == {6, 41, 42, 43, 44, 45}
    assert "own.jsonl:46" in told[6]
    assert told[41] == "duplicate: the same row as own.jsonl:8"
    assert told[42] == "unknown role: turn 1 is from 'robot'"
    assert told[43] == "ends with a question"
    assert told[44] == "no answer"
    assert {item["reason"] for item in facts["problems"] if item["line"] == 45} == {
        "no answer",
        "unknown field 'anwser'; did you mean 'answer'?; 1 row with such fields",
    }
    assert facts["rows"] == {"own.jsonl": {"": 41, "test": 1}}
    shown = project.docutune("dataset", "validate")
    assert shown.returncode == 1
    assert "own.jsonl:42: unknown role: turn 1 is from 'robot'\n" in shown.stdout
    assert shown.stdout.endswith("7 problems\n")


def test_named_files_are_looked_at_and_good_ones_pass(project: Installed) -> None:
    put(project.work, {"more.csv": table(ROWS), "fr.csv": "Où,là\nà,b\n".encode("cp1252")})
    done = project.docutune("dataset", "validate", "more.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "more.csv: 40 without a split\nno problem found\n"
    done = project.docutune("dataset", "validate", "more.csv", "fr.csv")
    assert done.returncode == 1
    assert "fr.csv:1: nothing can be read: not UTF-8" in done.stdout


WORDS = json.dumps(
    {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "?": 2}, "unk_token": "?"},
    }
)


def test_a_row_longer_than_a_training_takes_is_told(project: Installed) -> None:
    base = {"base/config.json": '{"model_type": "qwen3"}', "base/model.safetensors": "", "base/tokenizer.json": WORDS}
    train = "train:\n  - uses: trl\n    with: {model: ./base, max_length: 64}\n"
    rows = [ROWS[0], {**ROWS[1], "answer": "a b " * 99}]
    put(project.work, {**base, "pipeline.yaml": PIPELINE + train, "own.jsonl": lines(rows)})
    done = project.docutune("dataset", "validate")
    assert done.returncode == 1
    assert "own.jsonl:2: too long: " in done.stdout
    assert "own.jsonl:1" not in done.stdout
