"""`docutune templates`: prompts listed, shown, edited and set back; what was in force is not lost."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import library_model
import pytest
from chat_server import ChatServer, said
from installed import Installed
from library_model import COUNT, Asked, good

from docutune.config.prompts import packaged

SHIPPED = packaged("docutune.plugins.generators.langchain.prompts")
HOW_TO = SHIPPED["en/how-to"]


@pytest.fixture
def project(environment: Installed) -> Installed:
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources: [{path: .}]\ngenerate: [{uses: langchain, with: {model: 'openai:x'}}]\n"
    )
    return environment


def own(project: Installed, name: str = "en/how-to") -> Path:
    return project.work / "prompts/langchain" / f"{name}.md"


def drafts(project: Installed) -> list[str]:
    return [path.name for path in (project.work / "prompts").rglob("*draft*")]


def edit(project: Installed, name: str, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    file = project.work / "new.txt"
    file.write_text(text)
    return project.docutune("templates", "edit", name, "--file", "new.txt", *arguments)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def history(project: Installed, name: str = "langchain/en/how-to") -> list[tuple[str, str]]:
    found: list[dict[str, Any]] = project.answer("templates", "show", name, "--history")
    assert all(item["sha256"] == digest(item["text"]) and item["template"] == name for item in found)
    assert [item["time"] for item in found] == sorted(item["time"] for item in found)
    return [(item["by"], item["text"]) for item in found]


def test_every_template_is_listed_with_what_is_in_force(project: Installed) -> None:
    project.install(
        "acme-judge",
        {
            "judge_plugin.py": (
                "from collections.abc import Mapping\nfrom pydantic import BaseModel, ConfigDict\n"
                "from docutune import Registration, hookimpl\n"
                "class Config(BaseModel):\n    model_config = ConfigDict(extra='forbid', frozen=True)\n"
                "    prompts: Mapping[str, str] = {}\n"
                "@hookimpl\ndef docutune_curators():\n"
                "    prompts = 'judge_prompts'\n"
                "    return [Registration('judge-of-acme', 1, 'Judges', Config, 'judge_plugin:X', prompts=prompts)]\n"
            ),
            "judge_prompts/__init__.py": "",
            "judge_prompts/en/score.md": "Score $sample from 1 to 5.",
        },
        "acme_judge = judge_plugin",
    )
    edited = f"Arr!\n{HOW_TO}"
    assert edit(project, "en/how-to", edited).returncode == 0
    own(project, "zh/repair").parent.mkdir(parents=True)
    own(project, "zh/repair").write_text("$complaint $complint")
    found = {item["name"]: item for item in project.answer("templates", "list")}
    assert {name for name in found if name.startswith("langchain/")} == {f"langchain/{name}" for name in SHIPPED}
    judge = found["judge-of-acme/en/score"]
    assert (judge["kind"], judge["language"], judge["placeholders"]) == ("curator", "en", ["sample"])
    mine = found["langchain/en/how-to"]
    assert (mine["file"], mine["sha256"], mine["problems"]) == (str(own(project)), digest(edited), [])
    assert set(mine["placeholders"]) == {"library", "name", "text", "names", "phrasings", "wordings"}
    assert found["langchain/zh/how-to"]["file"] is None
    assert found["langchain/zh/how-to"]["sha256"] == digest(SHIPPED["zh/how-to"])
    assert "unknown placeholder $complint" in found["langchain/zh/repair"]["problems"][0]
    shown = project.docutune("templates", "list").stdout.splitlines()
    (line,) = [line for line in shown if line.startswith("langchain/en/how-to ")]
    assert "prompts/langchain/en/how-to.md" in line
    assert "$library $name $text" in line


def test_a_text_is_shown_as_it_stands(project: Installed) -> None:
    assert project.docutune("templates", "show", "langchain/en/how-to").stdout == HOW_TO
    assert edit(project, "en/how-to", f"Arr! {HOW_TO}").returncode == 0
    assert project.docutune("templates", "show", "en/how-to").stdout == f"Arr! {HOW_TO}"
    assert project.docutune("templates", "show", "en/how-to", "--shipped").stdout == HOW_TO
    assert project.answer("templates", "show", "en/how-to") == {"name": "langchain/en/how-to", "text": f"Arr! {HOW_TO}"}
    earlier = project.docutune("templates", "show", "en/how-to", "--hash", digest(HOW_TO)[:8])
    assert earlier.stdout == HOW_TO


WRONG = (
    (("show", "en/howto"), "no template is called 'en/howto'; did you mean 'en/how-to'?"),
    (
        ("show", "how-to"),
        "'how-to' is the end of several names\n  write one of langchain/en/how-to, langchain/zh/how-to",
    ),
    (("show", "en/how-to", "--hash", "0123456789ab"), "langchain/en/how-to had no text whose hash begins with"),
    (("show", "en/how-to", "--hash", "a", "--shipped"), "name different texts"),
    (("edit", "en/how-to", "--file", "absent.txt"), "absent.txt: cannot be read: "),
    (("edit", "en/how-to", "--file", "x", "--reset"), "--reset takes no text, and --file gives one"),
)


def test_wrong_usage_is_told_with_a_way_out(project: Installed) -> None:
    code = "import json, sys\nfrom docutune.cli import main\nfor line in json.loads(sys.argv[1]): print(main(line))"
    done = project.python(code, json.dumps([["templates", *arguments] for arguments, _ in WRONG]))
    assert done.stdout.split() == ["2"] * len(WRONG)
    for _, message in WRONG:
        assert message in done.stderr
    assert not own(project).exists()


MISTAKES = {
    "Write of $txt and $name": ":1: unknown placeholder $txt; did you mean 'text'?",
    "Good.\nIt costs $ 5 of $name": ":2: a `$` that begins no placeholder; write `$$` for a dollar sign",
    " \n": ": the file is empty",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_text_with_a_mistake_is_not_taken_and_not_lost(text: str, project: Installed) -> None:
    done = edit(project, "en/how-to", text)
    assert done.returncode == 2
    assert f"new.txt{MISTAKES[text]}" in done.stderr
    assert "not taken; new.txt keeps the text" in done.stderr
    assert (project.work / "new.txt").read_text() == text
    piped = (
        f"import io, sys; from docutune.cli import main; sys.stdin = io.TextIOWrapper(io.BytesIO({text.encode()!r}))\n"
    )
    done = project.python(f"{piped}sys.exit(main(['templates', 'edit', 'en/how-to', '--file', '-']))")
    assert done.returncode == 2
    (draft,) = (project.work / "prompts").rglob("*draft*")
    assert f"{draft}{MISTAKES[text]}" in done.stderr
    assert draft.read_text() == text
    assert project.docutune("validate").returncode == 0, "a draft is no template"


def editor(project: Installed, code: str) -> dict[str, str]:
    """Variables with which docutune opens an editor that does this with `text`."""
    script = project.work / "editor.py"
    script.write_text(
        f"import pathlib, sys\nplace = pathlib.Path(sys.argv[1])\ntext = place.read_text()\n{code}\n"
        "place.write_text(text)\n"
    )
    return {"EDITOR": f"{sys.executable} {script}", "VISUAL": f"{sys.executable} {script}"}


def test_an_editor_opens_a_copy_and_goes_on_with_what_was_refused(project: Installed) -> None:
    first = project.docutune("templates", "edit", "en/how-to", **editor(project, "text = text + 'of $nme'"))
    assert first.returncode == 2
    assert "unknown placeholder $nme; did you mean 'name'?" in first.stderr
    assert "docutune templates edit langchain/en/how-to goes on with it" in first.stderr
    assert not own(project).exists()
    second = project.docutune("templates", "edit", "en/how-to", **editor(project, "text = text.replace('nme', 'name')"))
    assert second.returncode == 0, second.stderr
    assert own(project).read_text() == HOW_TO + "of $name"
    assert drafts(project) == []
    assert "prompts/langchain/en/how-to.md is in force now" in second.stdout
    third = project.docutune("templates", "edit", "en/how-to", **editor(project, ""))
    assert "is in force as before" in third.stdout
    assert [by for by, _ in history(project)] == ["before", "edit"]
    failed = project.docutune("templates", "edit", "langchain/en/repair", **editor(project, "raise SystemExit(1)"))
    assert failed.returncode == 2
    assert "set EDITOR to an editor, or give the text of a file with --file" in failed.stderr
    assert drafts(project) == []


def test_what_a_text_leaves_out_is_noted(project: Installed) -> None:
    done = edit(project, "langchain/en/repair", "Once more, please.")
    assert done.returncode == 0
    assert "prompts/langchain/en/repair.md leaves out $complaint, which the packaged prompt has" in done.stderr


def test_every_text_that_was_in_force_is_kept(project: Installed) -> None:
    assert history(project) == []
    for text in (f"One. {HOW_TO}", f"Two. {HOW_TO}"):
        assert edit(project, "en/how-to", text).returncode == 0
    own(project).write_text(f"By hand. {HOW_TO}")
    assert project.docutune("templates", "edit", "en/how-to", "--reset").returncode == 0
    assert not own(project).exists()
    assert history(project) == [
        ("before", HOW_TO),
        ("edit", f"One. {HOW_TO}"),
        ("edit", f"Two. {HOW_TO}"),
        ("before", f"By hand. {HOW_TO}"),
        ("reset", HOW_TO),
    ]
    again = project.docutune("templates", "edit", "en/how-to", "--reset")
    assert "the packaged text is in force as before" in again.stdout
    lines = project.docutune("templates", "show", "en/how-to", "--history").stdout.splitlines()
    assert [("(in force)" in line, digest(HOW_TO)[:12] in line) for line in lines[:-1]] == [
        (False, True),
        (False, False),
        (False, False),
        (False, False),
        (True, True),
    ]
    assert history(project, "langchain/zh/how-to") == []


@pytest.fixture
def asked(environment: Installed) -> Iterator[ChatServer]:
    with ChatServer(lambda request: said(good(Asked.of(request.content)))) as server:
        for name, text in {"guide.md": library_model.guide(), "acme.py": library_model.code()}.items():
            (environment.work / name).write_text(text)
        options = {
            "model": "openai:any",
            "base_url": server.url,
            "phrasings": 2,
            "min_section_chars": 60,
            "concurrency": 16,
        }
        (environment.work / "pipeline.yaml").write_text(
            "version: 1\nproject: acme\nlanguage: [en, zh]\nsources: [{path: guide.md}, {path: acme.py}]\ncurate: []\n"
            f"generate: [{{uses: langchain, with: {json.dumps({**options, 'kinds': ['how-to', 'explanation']})}}}]\n"
        )
        yield server


def test_an_edit_remakes_its_kind_and_language_alone_and_runs_tell_what_they_used(
    environment: Installed, asked: ChatServer
) -> None:
    environment.answer("run", "--until", "generate")
    assert history(environment) == [("run", HOW_TO)]
    asked.asked.clear()
    own(environment).parent.mkdir(parents=True)
    own(environment).write_text(f"By hand. {HOW_TO}")
    (environment.work / "new.txt").write_text(f"Wie ein Pirat. {SHIPPED['zh/explanation']}")
    done = environment.docutune("templates", "edit", "zh/explanation", "--file", "new.txt")
    assert done.returncode == 0, done.stderr
    (step,) = [step for step in environment.answer("plan")["steps"] if step["name"] == "generate:langchain"]
    assert step["count"]["total"] - step["count"]["reused"] == (COUNT + 1) + COUNT
    environment.answer("run", "--until", "generate")
    found = [Asked.of(item.content) for item in asked.asked]
    assert Counter((item.kind, item.language) for item in found) == {
        ("how-to", "en"): COUNT + 1,
        ("explanation", "zh"): COUNT,
    }
    starts = {("how-to", "en"): "By hand. ", ("explanation", "zh"): "Wie ein Pirat. "}
    assert all(item.content.startswith(starts[item.kind, item.language]) for item in found)
    assert history(environment) == [("run", HOW_TO), ("run", f"By hand. {HOW_TO}")]
    assert [by for by, _ in history(environment, "langchain/zh/explanation")] == ["run", "edit"]
    asked.asked.clear()
    environment.answer("run", "--until", "generate", "--from", "generate")
    assert len(history(environment)) == 2, "what the notebook knows is not told again"
    assert asked.asked == []


def test_a_damaged_notebook_stops_no_run(environment: Installed, asked: ChatServer) -> None:
    (environment.work / ".docutune").mkdir()
    (environment.work / ".docutune/notebook.json").write_text("{")
    done = environment.docutune("run", "--until", "generate")
    assert done.returncode == 0, done.stderr
    assert "the prompts of this run are not in the notebook: " in done.stderr
