"""The documents say what the code does: examples are valid, links lead somewhere, both READMEs are equal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from installed import Installed

from docutune.cli import reference
from docutune.cli.app import app
from docutune.cli.table import COMMANDS
from docutune.config.models import Frame

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
PIPELINES = [
    (path, block)
    for path in DOCS
    for block in re.findall(r"```yaml\n(.*?)```", path.read_text(), re.DOTALL)
    if "version: 1" in block
]


def blocks(text: str) -> list[str]:
    """Code blocks without their comments, which are in the document's language."""
    found = re.findall(r"```(.*?)```", text, re.DOTALL)
    return [re.sub(r"\s*#.*|\".*?\"|language: \w+", "", block) for block in found]


def test_there_are_pipelines_to_check() -> None:
    assert len(PIPELINES) == 8
    assert len(DOCS) >= 10


@pytest.mark.parametrize(("path", "block"), PIPELINES, ids=lambda value: getattr(value, "name", ""))
def test_every_pipeline_in_the_documents_is_valid(path: Path, block: str, environment: Installed) -> None:
    for name in ("docs/guide.md", "src/acme.py", "qa/train.jsonl", "qa/support.csv"):
        (environment.work / name).parent.mkdir(exist_ok=True)
        (environment.work / name).write_text("# Acme\n")
    (environment.work / "pipeline.yaml").write_text(block)
    done = environment.docutune("validate")
    assert done.returncode == 0, done.stderr


def test_the_mistake_in_the_documents_is_what_docutune_prints(environment: Installed) -> None:
    shown = "train[0].with.lora_rnk: unknown option of trainer 'trl'; did you mean 'lora_rank'?"
    assert shown in (ROOT / "docs/pipeline.md").read_text()
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: a\nsources: [{path: .}]\ntrain:\n  - uses: trl\n"
        "    with: {model: builtin/tiny, lora_rnk: 8}\n"
    )
    assert shown in environment.docutune("validate").stderr


def test_every_key_of_the_pipeline_file_is_documented() -> None:
    text = (ROOT / "docs/pipeline.md").read_text()
    table = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert table == list(Frame.model_fields)


def test_both_readmes_have_the_same_code_tables_and_links() -> None:
    english, chinese = (ROOT / "README.md").read_text(), (ROOT / "README.zh-CN.md").read_text()
    assert blocks(english) == blocks(chinese)
    assert [line.count("|") for line in english.splitlines() if line.startswith("|")] == [
        line.count("|") for line in chinese.splitlines() if line.startswith("|")
    ]
    links = [
        sorted(set(re.findall(r"\]\((.*?)\)", text)) - {"README.md", "README.zh-CN.md"}) for text in (english, chinese)
    ]
    assert links[0] == links[1]
    assert [line[: line.index(" ")] for line in english.splitlines() if line.startswith("#")] == [
        line[: line.index(" ")] for line in chinese.splitlines() if line.startswith("#")
    ]
    assert re.findall(r"\d+(?:\.\d+)? ?%", english) == re.findall(r"\d+(?:\.\d+)? ?%", chinese)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_every_command(name: str) -> None:
    text = (ROOT / name).read_text()
    missing = [command for command in COMMANDS if f"`{command}" not in text and f"docutune {command}" not in text]
    assert missing == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target


@pytest.mark.parametrize(("name", "language"), [("README.md", "en"), ("README.zh-CN.md", "zh")])
def test_pictures_are_there_and_small(name: str, language: str) -> None:
    pictures = re.findall(r'(?:src|srcset)="docs/images/([^"]+)\.webp"', (ROOT / name).read_text())
    assert pictures == ["report-dark", "report", f"page-train-{language}", f"page-chat-{language}"]
    assert all(0 < (ROOT / f"docs/images/{picture}.webp").stat().st_size < 300_000 for picture in pictures)


@pytest.mark.parametrize("columns", ["30", "300"])
def test_the_page_on_the_command_line_is_what_the_code_says(columns: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docutune.cli.reference"],
        env={**os.environ, "COLUMNS": columns, "TERMINAL_WIDTH": columns},
        capture_output=True,
        text=True,
        check=True,
    )
    page = (ROOT / "docs/cli.md").read_text()
    assert done.stdout == page, "renew it: make docs (or python -m docutune.cli.reference > docs/cli.md)"
    headings = re.findall(r"^## docutune (\w+)$", page, re.MULTILINE)
    assert headings == list(COMMANDS)


def test_every_argument_and_option_is_explained() -> None:
    root = click.Context(app, info_name="docutune")
    mute = []
    for name, command, context in reference.commands(app, root):
        for parameter in command.get_params(context):
            help_text = getattr(parameter, "help", None) or reference.ARGUMENTS.get(parameter.human_readable_name)
            if not help_text:
                mute.append(f"{name}: {parameter.human_readable_name}")
        assert command.help, name
    assert mute == [], "say it in help= of the option, or in core/cli/reference.py ARGUMENTS"


def test_every_variable_that_docutune_reads_is_documented() -> None:
    pattern = re.compile(r"""(?:environ(?:\.get|\.setdefault|\.pop)?|getenv)[(\[]\s*["'](\w+)["']""")
    files = [path for folder in ("core", "plugins") for path in (ROOT / folder).rglob("*.py")]
    read = {name for path in files for name in pattern.findall(path.read_text())}
    assert {"DOCUTUNE_STRICT", "HF_ENDPOINT"} <= read
    assert read <= set(reference.VARIABLES), "say it in core/cli/reference.py VARIABLES"
