"""The generator `langchain` through the command line, against a real HTTP server that speaks the OpenAI protocol."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from string import Template
from typing import Any

import pytest
from chat_server import Asked, ChatServer, Sent, said
from installed import Installed

from docutune.config.prompts import packaged

GUIDE = """# Guide

Acme sends parcels to every city of the country within two days. It weighs them, finds the shortest way and tells the
receiver when to be at home. Nothing is lost, for every parcel has a number that costs $2 to print.

## Sending

Call `acme.send` with the weight in grams:

```python
import acme
acme.send(500, city="Oslo")
```
"""
RETURNS = """# Returns

Parcels may be returned within thirty days of their arrival, in the wrapping in which they came. The sender pays for the
way back unless the parcel was damaged on its way to the receiver, as the driver has to say.
"""
CHINESE = """# 退货

包裹送达后三十天内可以退回，必须使用原来的包装。除非包裹在途中损坏，否则退回的费用由寄件人承担，是否损坏以司机的说明为准。
超过三十天的包裹不再接受退回，收件人可以联系 `acme.track` 所显示的营业点。
"""
CODE = '''"""Parcels for everyone."""


def send(grams: int, *, city: str = "Bergen") -> str:
    """Send one parcel and return its number.

    Args:
        grams: The weight in grams.
        city: Where it goes.
    """
    return city


def track(number: str) -> str:
    """Tell where a parcel is at this moment."""
    return number


def hidden(number):
    return number
'''
KINDS = ("question-answer", "explanation", "how-to", "task-to-code")
PROMPTS = (*KINDS, "migration", "bug-fix", "signature", "dialogue", "negative", "repair")
MARKS = {
    "question-answer": ("Write up to", "请写出最多"),
    "explanation": ("Explain the subject", "讲清楚这份素材"),
    "how-to": ("wants to get something done", "想做一件事"),
    "task-to-code": ("small programming task", "小编程题"),
}


def kind_of(content: str) -> str:
    return next(kind for kind, marks in MARKS.items() if any(mark in content for mark in marks))


def is_chinese(content: str) -> bool:
    return "你在为一个模型编写训练数据" in content


def heading(content: str) -> str:
    found = re.search(r'under the heading "(.*?)"|标题为“(.*?)”', content)
    return (found[1] or found[2]) if found else ""


def symbol(content: str) -> str:
    found = re.search(r"(?:source code says of|该库源代码对) `([\w.]+)`", content)
    return found[1] if found else ""


def good(content: str) -> dict[str, Any]:
    """What a capable and obedient model would answer to one of the packaged prompts."""
    about = symbol(content) or heading(content)
    words = ("怎样理解", "请问什么是", "如何说明") if is_chinese(content) else ("What is", "Tell me of", "How about")
    questions = [f"{word} acme {about}?" for word in words]
    sure = "这是确定的知识" if is_chinese(content) else "This is known of"
    if kind_of(content) == "task-to-code":
        last = about.rpartition(".")[2]
        code = f"from acme import {last}\n\nprint({last}(5))"
        return {"tasks": questions, "code": code, "explanation": f"{sure} `{about}`."}
    pair = {"questions": questions, "answer": f"{sure} `{about}`."}
    return {"pairs": [pair]} if kind_of(content) == "question-answer" else pair


@dataclass
class Model:
    """The server and how it answers: well, unless a test puts another function into `reply`."""

    server: ChatServer
    reply: list[Callable[[str], object]] = field(default_factory=lambda: [good])

    @property
    def prompts(self) -> list[str]:
        return [asked.content for asked in self.server.asked]

    def forget(self) -> None:
        self.server.asked.clear()


@pytest.fixture
def model() -> Iterator[Model]:
    replies: list[Callable[[str], object]] = [good]

    def script(asked: Asked) -> Sent:
        found = replies[0](asked.content)
        return found if isinstance(found, Sent) else said(found)

    with ChatServer(script) as server:
        yield Model(server, replies)


@pytest.fixture
def project(environment: Installed, model: Model) -> Installed:
    for name, text in {"docs/guide.md": GUIDE, "docs/returns.md": RETURNS, "src/acme.py": CODE}.items():
        path = environment.work / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    use(environment, model)
    return environment


def use(project: Installed, server: Model, /, top: str = "", **options: object) -> None:
    """Write the pipeline file."""
    wanted = {"model": "openai:any", "base_url": server.server.url, "min_section_chars": 90, "retries": 0, **options}
    (project.work / "pipeline.yaml").write_text(
        f"version: 1\nproject: acme\n{top}sources: [{{path: docs}}, {{path: src}}]\ncurate: []\n"
        f"generate:\n  - uses: langchain\n    with: {json.dumps(wanted)}\n"
    )


def rows(project: Installed) -> list[dict[str, Any]]:
    text = (project.work / ".docutune/runs/latest/samples.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def manifest(project: Installed) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.work / ".docutune/runs/latest/manifest.json").read_text())
    return found


def figures(project: Installed) -> dict[str, Any]:
    found: dict[str, Any] = next(step for step in manifest(project)["steps"] if step["name"].startswith("generate"))
    return dict(found["figures"])


def to_make(project: Installed) -> int:
    """Tasks that the next run would do: those whose keys changed, be their replies kept or not."""
    steps = project.answer("plan")["steps"]
    count = next(step["count"] for step in steps if step["name"] == "generate:langchain")
    return int(count["total"] - count["reused"])


def rejected(project: Installed) -> list[dict[str, Any]]:
    text = (project.work / ".docutune/runs/latest/rejected.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_every_section_and_documented_symbol_gets_samples_of_its_kinds(project: Installed, model: Model) -> None:
    plan = project.answer("plan")
    assert model.prompts == []
    planned = next(step["count"]["total"] for step in plan["steps"] if step["name"] == "generate:langchain")
    project.answer("run")
    assert planned == len(model.prompts) == 9
    made = {(row["kind"], row["fact"].split(":")[1]) for row in rows(project)}
    assert made == {
        ("question-answer", "Guide"),
        ("question-answer", "Guide > Sending"),  # too little prose for an explanation
        ("question-answer", "Returns"),
        ("explanation", "Guide"),
        ("explanation", "Returns"),
        ("how-to", "acme.send"),
        ("how-to", "acme.track"),
        ("task-to-code", "acme.send"),
        ("task-to-code", "acme.track"),
    }
    assert all(len({row["id"] for row in rows(project) if row["fact"] == fact}) == 3 for fact in facts(project))
    code = next(row for row in rows(project) if row["fact"] == "task-to-code:acme.send")
    assert code["messages"][1]["content"].startswith("```python\nfrom acme import send\n\nprint(send(5))\n```\n\n")
    assert code["symbols"] == ["acme.send"]
    assert code["origin"]["spans"] == [{"source": "src/acme.py", "first_line": 4, "last_line": 11}]
    section = next(row for row in rows(project) if row["fact"].startswith("question-answer:Guide > Sending"))
    assert section["origin"]["spans"][0]["source"] == "docs/guide.md"
    assert {"test", "train"} <= {row["split"] for row in rows(project)} | {"test"}


def facts(project: Installed) -> set[str]:
    return {row["fact"] for row in rows(project)}


def test_the_prompt_holds_what_the_sources_say_and_no_place(project: Installed, model: Model) -> None:
    project.answer("run")
    by = {(kind_of(text), symbol(text) or heading(text)): text for text in model.prompts}
    how = by["how-to", "acme.send"]
    assert 'send(grams: int, *, city: str = "Bergen") -> str' in how
    assert "Where it goes." in how
    assert 'acme.send(500, city="Oslo")' in how, "the example of the documents"
    assert all("is to know the software library `acme` by heart" in text for text in model.prompts)
    assert "a number that costs $2 to print" in by["question-answer", "Guide"], "text is no template"
    assert "occur in it: `acme.send`\n" in by["question-answer", "Guide > Sending"]
    assert not any(place in text for text in model.prompts for place in ("guide.md", "acme.py", str(project.work)))


def test_a_made_up_name_is_asked_for_once_more_with_the_complaint(project: Installed, model: Model) -> None:
    def reply(content: str) -> object:
        answer = good(content)
        if kind_of(content) != "how-to" or (symbol(content) == "acme.send" and "could not be used" in content):
            return answer
        return {**answer, "answer": f"Call `{symbol(content)}`, then `acme.send_all`."}

    model.reply[0] = reply
    project.answer("run")
    repairs = [text for text in model.prompts if "could not be used" in text]
    assert len(repairs) == 2
    assert all("`acme.send_all` is not in the library; the nearest name is `acme.send`" in text for text in repairs)
    assert repairs[0].count("`acme.send_all` is not") == 1
    assert any(fact == "how-to:acme.send" for fact in facts(project))
    assert not any(fact == "how-to:acme.track" for fact in facts(project))
    assert figures(project)["rejected"] == 3
    spans = [{"source": "src/acme.py", "first_line": 14, "last_line": 16}]
    left_out = [(row["reason"], row["spans"]) for row in rejected(project)]
    assert left_out == 3 * [("`acme.send_all` is not in the library; the nearest name is `acme.send`", spans)]


BAD: dict[str, tuple[object, str]] = {
    "broken JSON": ('{"pairs": [{"questions": ["a', "no JSON"),
    "empty reply": ("", "no JSON"),
    "another form": ({"text": "hello"}, "does not fit"),
    "no pairs": ({"pairs": []}, "holds no question"),
    "empty answer": ({"pairs": [{"questions": ["What?", "Which?", "Why?"], "answer": " "}]}, "answer is empty"),
    "one wording": (
        {"pairs": [{"questions": ["What is it?", "what is it", "What is it ?"], "answer": "A parcel."}]},
        "too few different wordings of the question: 1 instead of 3",
    ),
    "answer asked": (
        {"pairs": [{"questions": ["Why a parcel?", "A parcel.", "What?"], "answer": "A parcel."}]},
        "the question holds its answer",
    ),
    "a machine": (
        {"pairs": [{"questions": ["a?", "b?", "c?"], "answer": "As an AI language model, I cannot send parcels."}]},
        "it speaks as a machine: “As an AI”",
    ),
    "a reference": (
        {"pairs": [{"questions": ["a?", "b?", "c?"], "answer": "According to the documentation, in two days."}]},
        "a text that the reader does not have: “According to the documentation”",
    ),
    "code": (
        {"pairs": [{"questions": ["a?", "b?", "c?"], "answer": "So:\n```python\nacme.send(\n```\n"}]},
        "the code is no Python: line 1",
    ),
    "another language": (
        {"pairs": [{"questions": ["包裹多久送到？", "b?", "c?"], "answer": "Two days."}]},
        "not in the language asked for (en)",
    ),
}


def test_replies_that_cannot_be_used_are_asked_for_once_more_and_rejected_with_the_reason(
    project: Installed, model: Model
) -> None:
    sections = "".join(f"## About {name}\n\n{GUIDE.split(chr(10))[2] * 2}\n\n" for name in BAD)
    (project.work / "docs/guide.md").write_text(f"# Guide\n\n{sections}")
    (project.work / "docs/returns.md").unlink()
    use(project, model, kinds=["question-answer"])
    model.reply[0] = lambda content: BAD[heading(content).rpartition("About ")[2]][0]
    done = project.docutune("run", "--until", "generate")
    assert done.returncode == 0, done.stderr
    assert figures(project) | {"samples": 0, "rejected": len(BAD) + 2} == figures(project)
    for name, (_, reason) in BAD.items():
        first, second = sorted((text for text in model.prompts if f"About {name}" in text), key=len)
        assert "could not be used" not in first
        assert reason in second.partition("could not be used, for this reason:")[2], name
    found = Counter(row["reason"] for row in rejected(project))
    assert found.total() == len(BAD) + 2, "code is read by core, for each wording"
    assert all(any(reason in text for text in found) for _, reason in BAD.values())
    model.forget()
    done = project.docutune("run")
    assert done.returncode == 1, "there is nothing to train on"
    assert f"0 held out, {len(BAD) + 2} left out" in done.stderr
    assert "runs/latest/rejected.jsonl names each with its places" in done.stderr
    assert len(rejected(project)) == len(BAD) + 2
    assert model.prompts == [], "a rejected task is kept"


def test_code_is_read_and_an_answer_about_a_symbol_uses_it(project: Installed, model: Model) -> None:
    def reply(content: str) -> object:
        if kind_of(content) == "how-to":
            return {**good(content), "answer": "Just send it."}
        code = "```python\nfrom acme import track\n\ntrack(\n```" if symbol(content) == "acme.track" else "print(5)"
        return {**good(content), "code": code, "explanation": "It sends a parcel."}

    use(project, model, kinds=["how-to", "task-to-code"])
    model.reply[0] = reply
    project.answer("run", "--until", "generate")
    unused = "the answer does not use the symbol that it is about"
    assert sorted(row["reason"] for row in rejected(project)) == [
        f"{unused}: `acme.send`",
        f"{unused}: `acme.send`",
        f"{unused}: `acme.track`",
        *["the code is no Python: line 3: '(' was never closed"] * 3,  # one for each wording
    ]


def test_a_good_second_reply_is_taken(project: Installed, model: Model) -> None:
    model.reply[0] = lambda content: good(content) if "could not be used" in content else "Of course! I think"
    project.answer("run")
    assert len(model.prompts) == 18
    assert figures(project)["rejected"] == 0
    assert len(facts(project)) == 9


def test_of_a_second_reply_the_right_pairs_are_taken(project: Installed, model: Model) -> None:
    def reply(content: str) -> object:
        (pair,) = good(content)["pairs"]
        return {"pairs": [pair, {"questions": ["a?", "b?", "c?"], "answer": "The text says so."}]}

    use(project, model, kinds=["question-answer"])
    model.reply[0] = reply
    project.answer("run")
    assert len(model.prompts) == 6
    assert len(rows(project)) == 9
    assert not any("The text says" in json.dumps(row) for row in rows(project))


def test_an_edited_section_asks_only_for_its_own_tasks(project: Installed, model: Model) -> None:
    project.answer("run")
    before = {row["id"] for row in rows(project)}
    model.forget()
    returns = project.work / "docs/returns.md"
    returns.write_text("\n\n" + RETURNS.replace("thirty days", "forty days"))
    assert project.docutune("run").returncode == 0
    assert sorted((kind_of(text), heading(text)) for text in model.prompts) == [
        ("explanation", "Returns"),
        ("question-answer", "Returns"),
    ]
    assert all("forty days" in text for text in model.prompts)
    model.forget()
    returns.write_text(RETURNS)
    project.answer("run")
    assert model.prompts == []
    assert {row["id"] for row in rows(project)} == before


def test_options_that_change_no_task_cost_no_request(project: Installed, model: Model) -> None:
    use(project, model, kinds=["how-to"])
    project.answer("run", "--until", "generate")
    model.forget()
    use(project, model, kinds=["how-to"], languages=["en"], concurrency=2, timeout=9.0, questions_per_section=1)
    project.answer("run", "--until", "generate")
    assert model.prompts == []
    use(project, model, kinds=["task-to-code", "how-to"])
    assert to_make(project) == 2
    project.answer("run", "--until", "generate")
    assert [kind_of(text) for text in model.prompts] == ["task-to-code"] * 2


def test_a_prompt_of_ones_own_is_used_pinned_and_makes_only_its_kind_anew(project: Installed, model: Model) -> None:
    project.answer("run")
    model.forget()
    own = project.work / "prompts/langchain/en/how-to.md"
    own.parent.mkdir(parents=True)
    text = packaged("docutune.plugins.generators.langchain.prompts")["en/how-to"]
    own.write_text(f"Write like a pirate, for $$2.\n\n{text}")
    assert to_make(project) == 2
    project.answer("run")
    assert sorted(symbol(text) for text in model.prompts) == ["acme.send", "acme.track"]
    assert all(text.startswith("Write like a pirate, for $2.") for text in model.prompts)
    run = project.work / ".docutune/runs/latest"
    pinned = (run / "prompts/langchain/en/how-to.md").read_text()
    assert pinned == own.read_text()
    digests = manifest(project)["prompts"]
    assert digests["langchain/en/how-to"] == hashlib.sha256(pinned.encode()).hexdigest()
    assert set(digests) == {f"langchain/en/{name}" for name in PROMPTS}
    written = {
        path.relative_to(run / "prompts").as_posix().removesuffix(".md") for path in run.glob("prompts/*/*/*.md")
    }
    assert written == set(digests)


def test_chinese_samples_are_asked_for_in_chinese(project: Installed, model: Model) -> None:
    (project.work / "docs/returns.md").write_text(CHINESE)
    use(project, model, top="language: [en, zh]\n")
    project.answer("run")
    assert [is_chinese(text) for text in model.prompts].count(True) == 9
    chinese = [row for row in rows(project) if row["language"] == "zh"]
    assert {row["kind"] for row in chinese} == set(KINDS)
    assert next(row for row in chinese if row["fact"].startswith("explanation:退货"))["messages"][1]["content"]
    model.forget()
    use(project, model, languages=["zh"], temperature=0.5)
    model.reply[0] = lambda content: {**good(content), "answer": "English, all of it."}
    use(project, model, languages=["zh"], temperature=0.5, kinds=["explanation"])
    assert project.docutune("run", "--until", "generate").returncode == 0
    assert len(model.prompts) == 4
    assert all("not in the language asked for (zh)" in text for text in model.prompts if "那次的回复不能用" in text)


def test_the_packaged_prompts_are_the_same_in_both_languages() -> None:
    texts = packaged("docutune.plugins.generators.langchain.prompts")
    assert set(texts) == {f"{language}/{name}" for language in ("en", "zh") for name in PROMPTS}
    for name in PROMPTS:
        used = [set(Template(texts[f"{language}/{name}"]).get_identifiers()) for language in ("en", "zh")]
        assert used[0] == used[1] != set()


MISTAKES = {
    "langchain/en/howto.md": ("x", "has no prompt of that name; did you mean 'en/how-to.md'?"),
    "langchain/fr/how-to.md": ("x", "has no prompt of that name; did you mean 'zh/how-to.md'?"),
    "langchain/en/how-to.txt": ("x", "has no prompt of that name; did you mean 'en/how-to.md'?"),
    "langchian": (None, "no plugin with prompts is called 'langchian'; did you mean 'langchain'?"),
    "langchain/en/how-to.md": ("a\n$txt", "unknown placeholder $txt; did you mean 'text'?"),
    "langchain/en/repair.md": ("$complaint costs $ 5", "a `$` that begins no placeholder; write `$$`"),
    "langchain/zh/how-to.md": (" \n", "the file is empty"),
    "langchain/zh/repair.md": (b"\xff\xfe", "cannot be read: "),
}


def test_mistakes_in_prompt_files_are_named(project: Installed) -> None:
    for name, (content, _) in MISTAKES.items():
        path = project.work / "prompts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str | bytes):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        else:
            path.mkdir()
    done = project.docutune("validate")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    for name, (_, message) in MISTAKES.items():
        place = re.compile(rf"(?:error: )?prompts/{re.escape(name)}(?::[12])?: .*{re.escape(message)}")
        assert sum(place.match(line) is not None for line in lines) == 1, name
    assert any("prompts/langchain/en/how-to.md:2: " in line for line in lines)


def test_a_prompt_file_that_leaves_the_material_out_is_noted(project: Installed) -> None:
    own = project.work / "prompts/langchain/en/how-to.md"
    own.parent.mkdir(parents=True)
    own.write_text("Write what you know of $name of $library in $phrasings wordings: [$wordings]")
    (own.parent / ".how-to.md.swp").write_text("x")
    (project.work / "prompts/mine").mkdir()
    done = project.docutune("validate")
    assert done.returncode == 0, done.stderr
    assert (
        "prompts/langchain/en/how-to.md leaves out $text, $names, which the packaged prompt has"
        in done.stdout + done.stderr
    )


WRONG: tuple[tuple[dict[str, object], str], ...] = (
    (
        {"model": "gpt-4o-mini"},
        "model: 'gpt-4o-mini' names no provider; write provider:name, such as openai:gpt-4o-mini",
    ),
    ({"model": "opnai:x"}, "model: unknown provider 'opnai'; did you mean 'openai'?"),
    ({"model": "qwen3:8b"}, "model: unknown provider 'qwen3'; LangChain knows anthropic, "),
    ({"model": "upstage:x"}, "model: provider 'upstage' needs langchain_upstage: install with pip install"),
    ({"model": "openai:x", "kinds": ["how-too"]}, "kinds[0]: expected 'question-answer', "),
    (
        {"model": "openai:x", "prompts": {}},
        "prompts: a prompt is written in a file: prompts/langchain/<language>/<name>",
    ),
    ({"model": "openai:x", "phrasing": 3}, "unknown option of generator 'langchain'; did you mean 'phrasings'?"),
    ({"base_url": "http://localhost:1"}, "no model is named, and base_url is for servers"),
)


def test_mistakes_in_options_are_named(project: Installed) -> None:
    steps = [{"uses": "langchain", "name": f"s{place}", "with": wrong} for place, (wrong, _) in enumerate(WRONG)]
    (project.work / "pipeline.yaml").write_text(
        f"version: 1\nproject: acme\nsources: [{{path: docs}}]\ngenerate: {json.dumps(steps)}\n"
    )
    done = project.docutune("validate")
    assert done.returncode == 2
    for place, (_, message) in enumerate(WRONG):
        lines = [line for line in done.stderr.splitlines() if f"generate[{place}].with" in line]
        assert any(message in line for line in lines), (message, lines)


def test_what_is_missing_is_named_with_the_command_that_installs_it(project: Installed) -> None:
    code = """
import importlib.machinery, sys
class Absent(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] == "langchain_openai":
            return None
        return importlib.machinery.PathFinder.find_spec(name, path, target)
sys.meta_path[:] = [Absent if item is importlib.machinery.PathFinder else item for item in sys.meta_path]
from docutune.cli import main
sys.exit(main(["validate"]))
"""
    done = project.python(code)
    assert done.returncode == 2
    assert "provider 'openai' needs langchain_openai: install with pip install 'docutune[langchain]'" in done.stderr
    assert "generate[0].with.model: " in done.stderr
