"""What pages stand on: forms of any Config, and pipeline files changed in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import jobs
import pytest
from installed import Installed
from pydantic import BaseModel, ConfigDict, Field

from docutune import TrainingConfig
from docutune.api import Workspace
from docutune.desk.forms import check, fields, written
from docutune.errors import ConfigError, UsageError
from docutune.plugins.frontends.gradio.words import en, zh


class Inner(BaseModel):
    depth: int = 1


class Strange(BaseModel):
    """One of each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=2, description="who")]
    share: Annotated[float, Field(gt=0, le=1, description="how much")] = 0.5
    rounds: Annotated[int | None, Field(ge=1)] = None
    on: bool = False
    maybe: bool | None = None
    mode: Literal["a", "b"] | None = None
    names: tuple[str, ...] = ()
    devices: int | Literal["all"] = 1
    inner: Inner = Inner()


def test_any_config_becomes_a_form() -> None:
    found = {item.name: item for item in fields(Strange)}
    assert {name: item.kind for name, item in found.items()} == {
        "name": "text",
        "share": "number",
        "rounds": "whole",
        "on": "switch",
        "maybe": "choice",
        "mode": "choice",
        "names": "list",
        "devices": "yaml",
        "inner": "yaml",
    }
    assert (found["share"].above, found["share"].most, found["share"].least) == (0, 1, None)
    assert (found["name"].required, found["name"].description) == (True, "who")
    assert (found["rounds"].optional, found["rounds"].least) == (True, 1)
    assert found["mode"].choices == ("a", "b") and found["maybe"].choices == (True, False)


def test_what_a_form_holds_becomes_what_a_file_would_say() -> None:
    shown: dict[str, Any] = {
        "name": "x y",
        "share": 0.5,
        "rounds": 3.0,
        "on": True,
        "maybe": "",
        "mode": "b",
        "names": " one \n\ntwo",
        "devices": "all",
        "inner": "{depth: 2}",
    }
    values = written(fields(Strange), shown)
    assert values == {
        "name": "x y",
        "rounds": 3,
        "on": True,
        "mode": "b",
        "names": ["one", "two"],
        "devices": "all",
        "inner": {"depth": 2},
    }
    assert check(Strange, values).right
    assert written(fields(Strange), shown, stated={"share"})["share"] == 0.5


def test_the_config_itself_says_what_is_wrong_and_where() -> None:
    found = check(Strange, {"name": "x", "share": 2, "rounds": 2.5, "inner": {"depth": "deep"}})
    assert set(found.at_fields) == {"name", "share", "rounds", "inner"}
    assert "less than or equal to 1, found 2" in found.at_fields["share"]
    both = check(TrainingConfig, {"model": "m", "epochs": 1, "max_steps": 1})
    assert both.at_fields == {} and both.others == ("give epochs or max_steps, not both",)


def test_both_languages_say_the_same_things() -> None:
    assert list(en.TEXTS) == list(zh.TEXTS)
    for key, text in en.TEXTS.items():
        assert text.strip() and zh.TEXTS[key].strip(), key
        assert sorted(gaps(text)) == sorted(gaps(zh.TEXTS[key])), key
    assert set(zh.EXPLANATIONS) == set(TrainingConfig.model_fields)


def gaps(text: str) -> list[str]:
    from string import Formatter

    return [name for _, name, _, _ in Formatter().parse(text) if name]


PIPELINE = """# our own file
version: 1
project: acme   # the library
sources:
- path: docs  # the guide
- path: acme.py
train:
# the first
- uses: trl
  with:
    model: builtin/tiny   # tiny
    learning_rate: 5.0e-3 # fast
    max_steps: 200        # few
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "docs").mkdir()
    (tmp_path / "more").mkdir()
    for name in ("docs", "more"):
        (tmp_path / name / "guide.md").write_text("# Guide\n\nText.\n")
    (tmp_path / "acme.py").write_text(jobs.CODE)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    return Workspace(tmp_path)


def test_a_saved_option_leaves_comments_and_all_else_as_they_are(workspace: Workspace) -> None:
    file = workspace.desk.file
    before = file.read()
    options = {**before.trainings[0].options, "max_steps": 20, "system_prompt": "no: thing"}
    after = file.save_training(0, "trl", options, before.training_digest(0))
    text = PIPELINE.replace("max_steps: 200        # few", "max_steps: 20         # few")
    assert file.path.read_text() == text + '    system_prompt: "no: thing"\n'
    assert after.trainings[0].options["system_prompt"] == "no: thing" and not after.mistakes


def test_sources_are_chosen_inside_the_workspace_alone(workspace: Workspace, tmp_path: Path) -> None:
    file = workspace.desk.file
    (tmp_path / "way-out").symlink_to("/etc")
    for outside in ("/etc", "../..", "docs/../../x", "way-out", f"{tmp_path}-beside", "\0"):
        with pytest.raises(UsageError):
            file.save_sources([{"path": outside}], file.read().sources)
    assert file.path.read_text() == PIPELINE
    file.save_sources([{"path": "docs"}, {"path": "more"}], file.read().sources)
    assert "- path: docs  # the guide\n- path: more\n" in file.path.read_text()
    assert "acme.py" not in file.path.read_text()


def test_nothing_wrong_is_written_nor_over_what_others_wrote(workspace: Workspace) -> None:
    file = workspace.desk.file
    shown = file.read()
    digest = shown.training_digest(0)
    with pytest.raises(ConfigError) as refused:
        file.save_training(0, "trl", {"model": "builtin/tiny", "lora_rank": 0}, digest)
    assert set(workspace.desk.explain(refused.value, 0).at_fields) == {"lora_rank"}
    changed = PIPELINE.replace("max_steps: 200 ", "max_steps: 300 ").replace("- uses", "- name: first\n  uses")
    file.path.write_text(changed)
    with pytest.raises(UsageError, match="changed by somebody else"):
        file.save_training(0, "trl", {"model": "builtin/tiny"}, digest)
    assert file.path.read_text() == changed
    # what was changed in other parts stays, and is no conflict: neither way
    file.save_sources([{"path": "docs"}, {"path": "acme.py"}, {"path": "more"}], shown.sources)
    file.save_training(1, "trl", {"model": "builtin/tiny"}, shown.training_digest(1))
    assert "- path: more\ntrain:\n# the first\n" in file.path.read_text()
    assert file.read().trainings[0].options["max_steps"] == 300 and len(file.read().trainings) == 2
    with pytest.raises(UsageError, match="changed by somebody else"):
        file.save_training(1, "trl", {"model": "builtin/tiny"}, shown.training_digest(1))
    file.save_sources([{"path": "docs"}], shown.sources)
    assert [*file.read().sources] == [{"path": "docs"}, {"path": "more"}]
    with pytest.raises(UsageError, match="changed by somebody else"):
        file.save_sources([{"path": "docs"}], shown.sources)


def test_a_file_that_is_gone_or_broken_is_told_as_that(workspace: Workspace) -> None:
    file = workspace.desk.file
    shown = file.read()
    for broken, told in (("sources: [}", "pipeline.yaml:1: "), (PIPELINE.replace("version", "vresion"), ":2: vresion")):
        file.path.write_text(broken)
        for save in (
            lambda: file.save_training(0, "trl", {"model": "builtin/tiny"}, shown.training_digest(0)),
            lambda: file.save_sources([{"path": "docs"}], shown.sources),
        ):
            with pytest.raises(UsageError if "}" in broken else ConfigError, match=told):
                save()
        assert file.path.read_text() == broken
    file.path.unlink()
    with pytest.raises(UsageError, match="there is no such file"):
        file.save_training(0, "trl", {"model": "builtin/tiny"}, shown.training_digest(0))


def test_a_project_has_a_sensible_name(tmp_path: Path) -> None:
    desk = Workspace(tmp_path).desk
    for name in ("../../etc", "a\nb", "x" * 101, "!!!"):
        with pytest.raises(UsageError, match="is no name for a project"):
            desk.begin(name, ["en"], [], None)
    assert not list(tmp_path.iterdir())
    desk.begin("@acme/parcels 2.0", ["en"], [], None)
    assert desk.file.read().project == "@acme/parcels 2.0"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_no_other_address_without_a_password(host: str, environment: Installed) -> None:
    done = environment.docutune("ui", "--host", host, "--port", "0")
    assert done.returncode == 2
    assert f"--host {host}: others could reach this address" in done.stderr
    assert "--password-env NAME" in done.stderr
    unset = environment.docutune("ui", "--host", host, "--password-env", "NOT_SET_ANYWHERE")
    assert unset.returncode == 2 and "NOT_SET_ANYWHERE" in unset.stderr


def test_frontends_are_plugins_like_others(environment: Installed) -> None:
    answer = environment.answer("plugins", "list")
    assert [(item["kind"], item["name"]) for item in answer["plugins"] if item["kind"] == "frontend"] == [
        ("frontend", "gradio")
    ]
    done = environment.docutune("ui", "--frontend", "gradioo")
    assert done.returncode == 1 and "did you mean 'gradio'" in done.stderr
