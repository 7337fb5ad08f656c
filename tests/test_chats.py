"""Chats: typed at a real terminal and piped in, kept whatever comes, found again, learned from."""

from __future__ import annotations

import io
import json
import random
import re
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from installed import Installed
from parrot import LONGEST, Screen, chats, workspace
from rich.console import Console

from docutune.api import Workspace
from docutune.chats.choosing import split_words
from docutune.chats.files import ChatFile
from docutune.cli.chat.render import Page
from docutune.errors import DocutuneError, UsageError
from docutune.workspace import Store

END = "That is all."


@pytest.fixture
def store(environment: Installed) -> Path:
    return workspace(environment)


def said(lines: Sequence[dict[str, Any]], kind: str) -> list[str]:
    return [line.get("text", "") for line in lines if line["kind"] == kind]


# ---- at the terminal


def test_a_conversation_is_streamed_kept_and_learned_from(environment: Installed, store: Path) -> None:
    screen = Screen(environment)
    screen.see("/help shows what may be typed")
    screen.ask("one")
    assert "**" not in screen.see(END), "Markdown is drawn"
    screen.ask("/hlep")
    screen.see("no command '/hlep'; did you mean '/help'?")
    screen.ask("/compare base")
    screen.see("polly (base) ──")
    screen.see("base heard one")
    screen.see("polly (as above) ──")
    screen.see("tuned heard one")
    screen.ask("/system Be short.")
    screen.see("system prompt: Be short.")
    screen.ask("two")
    assert "after system Be short." in screen.see(END)
    screen.ask("/good")
    assert "added: samples/added.jsonl:1" in screen.see("  - samples: samples/added.jsonl")
    screen.ask("/bad it is wrong")
    screen.see("rated bad")
    screen.ask("please fail")
    screen.see("no room")
    screen.ask("/save chat.md")
    screen.see("wrote chat.md")
    screen.ask("/save chat.jsonl")
    screen.see("left out: 1 question without a whole answer")
    screen.ask("/save chat.md")
    screen.see("chat.md is there already")
    screen.see("\n>")
    screen.type("\x03")
    screen.see("Ctrl-C again leaves")
    screen.type("\x03")
    assert screen.end() == 130

    (lines,) = chats(store)
    assert said(lines, "question") == ["one", "two", "please fail"]
    assert said(lines, "comparison") == [f"base heard **one**\n\n{END}"]
    heard = "- after system Be short.\n- after user one\n- after assistant tuned heard **one**"
    two = f"tuned heard **two**\n{heard}\n\n{END}"
    assert said(lines, "answer") == [f"tuned heard **one**\n\n{END}", f"{two}\n\n{END}"]
    row = {"system": "Be short.", "question": "two", "answer": f"{two}\n\n{END}"}
    assert json.loads((environment.work / "samples/added.jsonl").read_text()) == row
    (rating,) = Workspace(environment.work).datasets.ratings.all()
    assert (rating.verdict, rating.note, rating.question, rating.model) == ("bad", "it is wrong", "two", "polly")
    (line,) = (environment.work / "chat.jsonl").read_text().splitlines()
    roles = [message["role"] for message in json.loads(line)["messages"]]
    assert roles == ["system", "user", "assistant", "user", "assistant"]
    assert "*No answer: " in (environment.work / "chat.md").read_text()


def test_a_sample_that_was_rated_bad_is_left_out_by_its_rating(environment: Installed, store: Path) -> None:
    """The rating names the sample that the pipeline reads."""
    file = environment.work / "pipeline.yaml"
    file.write_text("version: 1\nproject: acme\nsources:\n  - path: acme.py\n  - samples: samples/added.jsonl\n")
    screen = Screen(environment)
    screen.ask("one")
    screen.see(END)
    screen.ask("/good")
    assert "does not read" not in screen.see("added: samples/added.jsonl:1")
    screen.ask("/good")
    screen.see("already. Add it all the same?")
    screen.type("n\r")
    screen.ask("/bad wrong")
    screen.see("rated bad")
    screen.ask("/exit")
    assert screen.end() == 0
    assert len((environment.work / "samples/added.jsonl").read_text().splitlines()) == 1
    assert environment.docutune("dataset", "rate", "--export", "ratings.jsonl").returncode == 0
    file.write_text(file.read_text() + "ratings: ratings.jsonl\nsplit: {rephrased: 0}\n")
    assert "wrong" in environment.docutune("run", "--until", "dataset").stderr + rejected(store)


def rejected(store: Path) -> str:
    return "".join(path.read_text() for path in store.glob("runs/*/rejected.jsonl"))


def test_ctrl_c_breaks_off_the_reply_and_the_chat_goes_on(environment: Installed, store: Path) -> None:
    screen = Screen(environment)
    screen.ask("please wait")
    screen.see("heard please wait")
    screen.type("\x03")
    screen.see("broken off")
    screen.ask("/good")
    screen.see("that answer was broken off")
    screen.ask("/new")
    screen.see("a new chat")
    screen.ask("other")
    assert "after" not in screen.see(END)
    (first, _) = chats(store)
    screen.ask(f"/load {(store / 'chats').glob('*').__next__().stem[:4]}")
    screen.see("may be any of")
    screen.ask(f"/load {sorted(path.stem for path in (store / 'chats').glob('*'))[0]}")
    screen.see("1 questions so far")
    screen.ask("and now?")
    assert "after user please wait" in screen.see(END)
    screen.see("\n>")
    screen.type("\x04")
    assert screen.end() == 0
    assert [(line["kind"], line.get("end")) for line in first[1:]] == [("question", None), ("answer", "broken off")]
    assert first[2]["text"] == "tuned heard **please wait**"


def test_several_lines_are_one_question_and_arrow_keys_bring_it_back(environment: Installed, store: Path) -> None:
    written(store, "20260102-000000", *turn("before?", "yes"))
    written(store, "20260102-000001").write_text("damaged\n")
    screen = Screen(environment)
    screen.see("\n>")
    screen.type("\x1b[A\r")
    screen.see("heard before?")
    screen.ask("/new")
    for typed in ("\x1b[200~a\nb\x1b[201~\r", "c\\\rd\r", '"""e\r\rf"""\r', "\x1b[A\x1b[A\x1b[A\r", " /etc: what?\r"):
        screen.see("\n>")
        screen.type(typed)
        screen.see(END)
        screen.ask("/new")
    screen.ask("/exit")
    assert screen.end() == 0
    (store / "chats/20260102-000001.jsonl").unlink()
    asked = [text for lines in chats(store) for text in said(lines, "question")]
    assert asked[:5] == ["before?", "before?", "a\nb", "c\nd", "e\n\nf"]
    assert asked[6] == " /etc: what?"


def test_what_no_longer_fits_into_the_model_is_left_out_and_told_once(environment: Installed, store: Path) -> None:
    screen = Screen(environment)
    note = "it no longer sees the oldest questions"
    shown = ""
    for number in range(6):
        screen.ask(f"number {number} and five words more here")
        shown += screen.see(f"heard number {number}")
        screen.see(END)
    screen.ask("/exit")
    assert screen.end() == 0
    assert screen.everything.count(note) == 1
    (lines,) = chats(store)
    assert len(said(lines, "question")) == len(said(lines, "answer")) == 6
    assert "number 0" not in said(lines, "answer")[5]
    too_much = environment.docutune("chat", "word " * (LONGEST + 1))
    assert (too_much.returncode, f"longer than {LONGEST}" in too_much.stderr) == (1, True)


def test_a_kill_loses_the_unfinished_reply_and_nothing_else(environment: Installed, store: Path) -> None:
    screen = Screen(environment)
    screen.ask("one")
    screen.see(END)
    screen.ask("please wait")
    screen.see("heard please wait")
    screen.kill(signal.SIGKILL)
    (lines,) = chats(store)
    assert (said(lines, "question"), len(said(lines, "answer"))) == (["one", "please wait"], 1)
    (path,) = (store / "chats").glob("*")
    with path.open("a") as file:
        file.write('{"kind": "ans')
    done = environment.docutune("chat", "--load", "latest", "two")
    assert "after user one" in done.stdout and "please wait" not in done.stdout, done.stderr
    (lines,) = chats(store)
    assert said(lines, "question") == ["one", "please wait", "two"]
    assert [row["turns"] for row in environment.answer("chats", "list")] == [2]


# ---- through pipes, and MODEL beside QUESTION


def test_lines_of_a_pipe_are_questions_of_their_own(environment: Installed, store: Path) -> None:
    done = environment.python(
        "import os, sys; from docutune.cli import main\n"
        "reader, writer = os.pipe(); os.write(writer, '/help\\n\\nzwei 二\\n'.encode()); os.close(writer)\n"
        "os.dup2(reader, 0); sys.exit(main(['chat']))"
    )
    assert done.stdout == f"tuned heard **/help**\n\n{END}\ntuned heard **zwei 二**\n\n{END}\n"
    (lines,) = chats(store)
    assert lines[0]["alone"] is True
    kept = Workspace(environment.work).chats
    assert kept.export("latest", "messages")[0].count("\n") == 2, "each a conversation of its own"
    with pytest.raises(UsageError, match="each asked alone"):
        kept.resume("latest", None)  # type: ignore[arg-type]
    named = environment.answer("chat", "polly", "hello", "you")
    assert named == {"question": "hello you", "answer": f"tuned heard **hello you**\n\n{END}"}
    (other,) = (lines for lines in chats(store) if len(lines) == 3)
    assert other[2]["model"] == "polly"


@pytest.mark.parametrize(
    ("words", "model", "meant"),
    [
        ((), None, (None, "")),
        (("polly",), None, ("polly", "")),
        (("polly", "who", "is", "it?"), None, ("polly", "who is it?")),
        (("polly who is it?",), None, (None, "polly who is it?")),
        (("polly", "who?"), "polly", ("polly", "polly who?")),
        (("who", "is", "polly?"), None, (None, "who is polly?")),
        (("./model", "who?"), None, ("./model", "who?")),
        (("Qwen/Qwen3-0.6B",), None, ("Qwen/Qwen3-0.6B", "")),
        (("modelscope:Qwen/Qwen3-0.6B", "who?"), None, ("modelscope:Qwen/Qwen3-0.6B", "who?")),
        (("either/or?",), None, (None, "either/or?")),
        (("pollo", "and", "ham?"), None, (None, "pollo and ham?")),
        (("Was ist 3/4?",), None, (None, "Was ist 3/4?")),
    ],
)
def test_what_is_a_model_and_what_a_question(
    store: Path, words: tuple[str, ...], model: str | None, meant: tuple[str | None, str]
) -> None:
    assert split_words(Store(store.parent), words, model) == meant


@pytest.mark.parametrize("words", [("pollly",), ("poly", "Who is it?")])
def test_a_mistyped_model_is_not_asked_as_a_question(store: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="did you mean 'polly'"):
        split_words(Store(store.parent), words, None)


# ---- kept


def written(store: Path, name: str, *lines: dict[str, Any]) -> Path:
    """A chat's file."""
    head = {"time": "2026-01-02T00:00:00+00:00", "kind": "opened", "version": 1}
    path = store / "chats" / f"{name}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in (head, *lines)))
    return path


def turn(question: str, reply: str, day: int = 2) -> list[dict[str, Any]]:
    time = f"2026-01-{day:02}T00:00:01+00:00"
    return [
        {"time": time, "kind": "question", "text": question},
        {"time": time, "kind": "answer", "text": reply, "model": "polly", "variant": "base"},
    ]


def test_the_catalog_only_repeats_what_the_files_say(store: Path) -> None:
    for number in range(3):
        written(store, f"20260102-00000{number}", *turn(f"q{number}", "a", 2 + number))
    kept = Workspace(store.parent).chats
    before = kept.list()
    assert [(row.title, row.turns, row.models) for row in before.rows] == [
        (f"q{number}", 1, "polly (base)") for number in (2, 1, 0)
    ]
    assert kept.rebuild() == 3
    catalog = store / "catalog.sqlite"
    indexed = catalog.read_bytes()
    assert kept.list() == before
    catalog.write_bytes(b"no database, but long enough to be looked at" * 40)
    assert kept.list() == before
    catalog.unlink()
    with sqlite3.connect(catalog) as database:
        database.execute("pragma user_version = 1")
    database.close()
    assert kept.list() == before
    catalog.write_bytes(indexed)
    written(store, "20260102-000001", *turn("q1", "a", 3), *turn("more", "b", 9))
    (store / "chats/20260102-000000.jsonl").unlink()
    (store / "chats/20260102-000002.jsonl").write_text("{\n")
    found = kept.list()
    assert [(row.title, row.turns) for row in found.rows] == [("q1", 2)]
    assert "20260102-000002.jsonl:1: no line of a chat" in found.notes[0]
    assert Workspace(store.parent).rebuild_catalog() == 1
    with sqlite3.connect(catalog) as database:
        assert database.execute("select id from chats").fetchall() == [("20260102-000001",)]
    database.close()


def test_a_chat_is_shown_exported_and_removed(environment: Installed, store: Path) -> None:
    path = written(store, "20260102-000000", *turn("What?", "**That**\x1b[2J."))
    written(store, "20260103-000000", *turn("Why?", "So."))
    shown = environment.docutune("chats", "show", "20260102").stdout
    assert "## Question\n\nWhat?\n\n## polly (base)\n\n**That**[2J.\n" in shown
    assert "\x1b" not in shown
    assert environment.docutune("chats", "export", "20260102", "--to", "out.jsonl").stdout == "wrote out.jsonl\n"
    messages = json.loads((environment.work / "out.jsonl").read_text())["messages"]
    assert [message["content"] for message in messages] == ["What?", "**That**\x1b[2J."]
    done = environment.docutune("chats", "remove", "2026", "--yes")
    assert (done.returncode, "may be any of" in done.stderr) == (2, True)
    file = ChatFile.open(path)
    with pytest.raises(DocutuneError, match="open in another docutune"):
        Workspace(environment.work).chats.remove("20260102")
    file.close()
    assert environment.docutune("chats", "remove", "20260102", "--yes").stdout == "removed 20260102-000000\n"
    assert [row.id for row in Workspace(environment.work).chats.list().rows] == ["20260103-000000"]


# ---- what the notebook kept before there were chats

OLD = [
    {"time": "2025-12-31T23:59:59+00:00", "model": "polly", "variant": "tuned", "question": "q", "answer": "a\n二"},
    {"time": "2026-01-01T00:00:00+00:00", "model": "other", "variant": "base", "question": "q", "answer": ""},
]


def old_notebook(store: Path) -> Path:
    path = store / "notebook.json"
    tables = {"exchanges": {str(number): item for number, item in enumerate(OLD, 1)}, "wordings": {"1": {"a": 1}}}
    path.write_text(json.dumps(tables))
    return path


def test_an_old_notebook_moves_once_and_without_loss(environment: Installed, store: Path) -> None:
    path = old_notebook(store)
    assert environment.answer("chat", "--history") == OLD
    assert json.loads(path.read_text()) == {"wordings": {"1": {"a": 1}}}
    (lines,) = chats(store)
    kept = Workspace(environment.work).chats
    assert [kept.list().rows[0].title, *(exchange.question for exchange in kept.exchanges())] == ["q", "q", "q"]
    old_notebook(store)  # as a kill between both files leaves it
    assert [exchange.answer for exchange in kept.exchanges()] == ["a\n二", ""]
    assert chats(store) == [lines]


def test_an_old_notebook_is_read_where_nothing_may_be_written(store: Path) -> None:
    before = old_notebook(store).read_bytes()
    (store / "chats").write_text("in the way")
    kept = Workspace(store.parent).chats
    assert [exchange.answer for exchange in kept.exchanges()] == ["a\n二", ""]
    assert [row.title for row in kept.list().rows] == ["q"]
    assert (store / "notebook.json").read_bytes() == before


# ---- drawn

TEXT = """# Title

A paragraph with **bold** and `code`,
over two lines.

- first
- second
  - inner

1. one
2. two

```python
def f():

    return 1
```

| a | b |
| --- | --- |
| 1 | 2 |

> quoted

The \x1b[31mend\x1b]0;title\x07.
"""


def final(pieces: Sequence[str]) -> list[str]:
    """What stands on a terminal of 60 columns in the end, however long it is."""
    out = io.StringIO()
    page = Page(Console(file=out, force_terminal=True, width=60, height=50, color_system=None))
    for piece in pieces:
        page.add(piece)
    page.end()
    lines, at = [""], 0
    for part in re.findall(r"\x1b\[\d*[A-Z]|\r|\n|[^\x1b\r\n]+|.", out.getvalue(), re.DOTALL):
        if part == "\n":
            at += 1
            lines += [""] if at == len(lines) else []
        elif part == "\x1b[1A":
            at -= 1
        elif part == "\x1b[J":
            del lines[at:]
            lines.append("")
        elif part != "\r":
            assert "\x1b" not in part, repr(part)
            lines[at] += part
    return [line.rstrip() for line in lines]


def test_however_a_reply_arrives_it_stands_there_once() -> None:
    expected = final([TEXT])
    assert "The [31mend]0;title." in expected
    lists = expected.index(" • first")
    assert expected[lists - 2 : lists] == ["A paragraph with bold and code, over two lines.", ""]
    for seed in range(20):
        chance = random.Random(seed)
        cuts = sorted(chance.sample(range(len(TEXT)), chance.randint(1, 60)))
        pieces = [TEXT[begin:end] for begin, end in zip([0, *cuts], [*cuts, None], strict=True)]
        assert final(pieces) == expected, f"seed {seed}"


def test_a_block_longer_than_the_screen_stands_there_once() -> None:
    pieces = [f"- item {number}\n" for number in range(70)]
    assert [line for line in final(pieces) if line] == [f" • item {number}" for number in range(70)]
