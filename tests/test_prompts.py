"""Prompt files of any plugin: packaged, replaced beside the pipeline file, refused where they cannot be used."""

from __future__ import annotations

import json

import pytest
from installed import Installed

PLUGIN = """
from collections.abc import Mapping
from string import Template
from pydantic import BaseModel, ConfigDict
from docutune import Registration, hookimpl
from docutune.records import Message, Sample, Task

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    prompts: Mapping[str, str] = {}

class Bare(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Asker:
    def __init__(self, config):
        self.config = config
    def tasks(self, library):
        for section in library.sections():
            yield Task({"text": section.text}, (section.span,))
    async def run(self, task, context, complaint=None):
        [(name, prompt)] = self.config.prompts.items()
        question = Template(prompt).substitute(topic="parcels")
        return (Sample((Message("user", question), Message("assistant", name)), "asked", name),)

@hookimpl
def docutune_generators():
    return [Registration("asker", 1, "Asks", CONFIG, "strange:Asker", prompts=PROMPTS)]
"""


def install(environment: Installed, config: str = "Config", prompts: str = "'strange_prompts'", **texts: str) -> None:
    code = PLUGIN.replace("CONFIG", config).replace("PROMPTS", prompts)
    files = {f"strange_prompts/{name.replace('_', '/')}.md": text for name, text in texts.items()}
    environment.install(
        "acme-asker", {"strange.py": code, "strange_prompts/__init__.py": "", **files}, "asker = strange"
    )
    (environment.work / "guide.md").write_text("# Guide\n\nParcels go everywhere in two days.\n")
    (environment.work / "pipeline.yaml").write_text(
        "version: 1\nproject: acme\nsources: [{path: .}]\ngenerate: [{uses: asker}]\ncurate: []\n"
    )


def questions(environment: Installed) -> list[str]:
    text = (environment.work / ".docutune/runs/latest/samples.jsonl").read_text()
    return [json.loads(line)["messages"][0]["content"] for line in text.splitlines()]


def test_a_stranger_s_prompts_are_filled_in_replaced_and_pinned(environment: Installed) -> None:
    install(environment, en_ask="What of $topic?")
    environment.answer("run")
    assert questions(environment) == ["What of parcels?"]
    own = environment.work / "prompts/asker/en/ask.md"
    own.parent.mkdir(parents=True)
    own.write_text("Tell me of ${topic}, for $$1.")
    environment.answer("run")
    assert questions(environment) == ["Tell me of parcels, for $1."]
    runs = sorted(path for path in (environment.work / ".docutune/runs").iterdir() if not path.is_symlink())
    pinned = [(run / "prompts/asker/en/ask.md").read_text() for run in runs]
    assert pinned == ["What of $topic?", "Tell me of ${topic}, for $$1."]
    digests = [json.loads((run / "manifest.json").read_text())["prompts"]["asker/en/ask"] for run in runs]
    assert digests[0] != digests[1]
    own.unlink()
    environment.answer("run")
    assert questions(environment) == ["What of parcels?"]


@pytest.mark.parametrize(
    ("config", "prompts", "cause"),
    [
        ("Bare", "'strange_prompts'", "'asker' has prompts, but its Config has no field `prompts` for them"),
        ("Config", "'absent_prompts'", "`prompts` of 'asker' names the package 'absent_prompts', which is not there"),
        ("Config", "5", "`prompts` of 'asker' is 5, not the name of a package"),
    ],
)
def test_a_registration_with_wrong_prompts_is_refused(
    config: str, prompts: str, cause: str, environment: Installed
) -> None:
    install(environment, config, prompts, en_ask="What of $topic?")
    (failed,) = environment.answer("plugins", "list")["failed"]
    assert failed["cause"] == cause


def test_prompts_that_cannot_be_read_are_a_problem_of_the_step(environment: Installed) -> None:
    install(environment, en_ask="What of $topic?")
    (environment.work.parent / "site/strange_prompts/en/ask.md").write_bytes(b"\xff\xfe")
    done = environment.docutune("validate")
    assert done.returncode == 2
    assert "the prompts of generator 'asker' cannot be read: " in done.stderr
    assert "install acme-asker again" in done.stderr
    assert "Traceback" not in done.stderr
