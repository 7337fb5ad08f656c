"""What pages stand on: forms of any Config, pipeline files changed in place, and a server that lets nobody else in."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

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
    after = file.save_training(0, "trl", options, before.digest)
    text = PIPELINE.replace("max_steps: 200        # few", "max_steps: 20         # few")
    assert file.path.read_text() == text + '    system_prompt: "no: thing"\n'
    assert after.trainings[0].options["system_prompt"] == "no: thing" and not after.mistakes


def test_sources_are_chosen_inside_the_workspace_alone(workspace: Workspace, tmp_path: Path) -> None:
    file = workspace.desk.file
    (tmp_path / "way-out").symlink_to("/etc")
    for outside in ("/etc", "../..", "docs/../../x", "way-out", f"{tmp_path}-beside", "\0"):
        with pytest.raises(UsageError):
            file.save_sources([{"path": outside}], file.read().digest)
    assert file.path.read_text() == PIPELINE
    file.save_sources([{"path": "docs"}, {"path": "more"}], file.read().digest)
    assert "- path: docs  # the guide\n- path: more\n" in file.path.read_text()
    assert "acme.py" not in file.path.read_text()


def test_nothing_wrong_is_written_nor_over_what_others_wrote(workspace: Workspace) -> None:
    file = workspace.desk.file
    digest = file.read().digest
    with pytest.raises(ConfigError) as refused:
        file.save_training(0, "trl", {"model": "builtin/tiny", "lora_rank": 0}, digest)
    assert set(workspace.desk.explain(refused.value, 0).at_fields) == {"lora_rank"}
    file.path.write_text(PIPELINE + "# mine\n")
    with pytest.raises(UsageError, match="changed by somebody else"):
        file.save_training(0, "trl", {"model": "builtin/tiny"}, digest)
    assert file.path.read_text() == PIPELINE + "# mine\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_no_other_address_without_a_password(host: str, environment: Installed) -> None:
    done = environment.docutune("ui", "--host", host, "--port", "0")
    assert done.returncode == 2
    assert f"--host {host}: others could reach this address" in done.stderr
    assert "--password-env NAME" in done.stderr
    unset = environment.docutune("ui", "--host", host, "--password-env", "NOT_SET_ANYWHERE")
    assert unset.returncode == 2 and "NOT_SET_ANYWHERE" in unset.stderr


@pytest.fixture(scope="module")
def server(shared_environment: Installed) -> Iterator[str]:
    """A page that asks for a password, of a workspace with a secret beside it."""
    (shared_environment.site / "secret.txt").write_text("the secret")
    (shared_environment.work / "exports").mkdir()
    (shared_environment.work / "exports/out.txt").write_text("an export")
    (shared_environment.work / "exports/link").symlink_to(shared_environment.site / "secret.txt")
    environment = {**jobs.variables(shared_environment), "UI_PASSWORD": "opensesame"}
    command = [*jobs.COMMAND, "ui", "--port", "0", "--password-env", "UI_PASSWORD"]
    process = subprocess.Popen(
        command,
        cwd=shared_environment.work,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    yield process.stdout.readline().split()[-1]
    process.terminate()
    process.wait(60)


RIGHT = "Basic YTpvcGVuc2VzYW1l"  # a:opensesame


def asked(server: str, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Status and body of one request, its path as it stands."""
    place = urlsplit(server)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    given = {"Authorization": RIGHT, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.putrequest(method, path, skip_host="Host" in given)
    for name, value in {**given, **({"Content-Length": str(len(body))} if body is not None else {})}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    with suppress(ConnectionError, http.client.HTTPException):
        answer = connection.getresponse()
        return answer.status, answer.read(100_000).decode("utf-8", "replace")
    return 0, ""


def test_only_who_knows_the_password_gets_in(server: str) -> None:
    assert asked(server, "/en/")[0] == 200
    for wrong in ("", "Basic !!", "Basic YTp3cm9uZw==", "Basic b3BlbnNlc2FtZQ=="):
        for path in ("/", "/en/", "/en/config", "/en/gradio_api/queue/join"):
            assert asked(server, path, Authorization=wrong)[0] == 401, (wrong, path)
            if wrong:
                break


def test_other_sites_and_other_names_are_refused(server: str) -> None:
    port = urlsplit(server).port
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1.evil.example",
        "localhost:1",
        "",
        "[::",
        "127.0.0.1:x",
    ):
        assert asked(server, "/en/", Host=host)[0] in (400, 421), host
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert asked(server, "/en/", Host=host)[0] == 200, host
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{(port or 0) + 1}", f"http://localhost:{port}"):
        assert asked(server, "/en/config", Origin=origin)[0] == 403, origin
    assert asked(server, "/en/config", Sec_Fetch_Site="cross-site")[0] == 403
    assert asked(server, "/en/config", Origin=server.rstrip("/"))[0] == 200


def test_no_file_but_exports_and_nothing_that_the_page_does_not_use(server: str, shared_environment: Installed) -> None:
    work, secret = shared_environment.work, shared_environment.site / "secret.txt"
    file = "/en/gradio_api/file="
    assert asked(server, f"{file}{work}/exports/out.txt") == (200, "an export")
    outside = [
        f"{file}{secret}",
        f"{file}{work}/exports/link",
        f"{file}{work}/exports/../../site/secret.txt",
        f"{file}{work}/exports/%2e%2e/%2e%2e/site/secret.txt",
        f"{file}{work}/exports/%252e%252e/%252e%252e/site/secret.txt",
        f"{file}{work}/exports/..%2f..%2fsite/secret.txt",
        f"{file}{work}/exports-beside/x",
        f"{file}file://{secret}",
        f"{file}http://127.0.0.1:1/",
        f"{file}/etc/passwd",
        f"{file}/proc/self/environ",
        f"/en/static/../../../../../../../..{secret}",
        f"/en/static/..%2f..%2f..%2f..%2f..%2f..%2f..{secret}",
        f"/en/assets//{secret}",
        "/en/gradio_api/proxy=http://127.0.0.1:1/",
        "/en/gradio_api/openapi.json",
        "/en/gradio_api/deep_link",
        "/en/monitoring",
        "/en/monitoring/summary",
        "/docs",
        "/openapi.json",
        "/..%2f",
        "//en/config",
    ]
    for path in outside:
        status, text = asked(server, path)
        assert status in (400, 403, 404), (path, status)
        assert "the secret" not in text and "root:" not in text


def test_broken_requests_leave_the_server_as_it_was(server: str) -> None:
    join, upload = "/en/gradio_api/queue/join", "/en/gradio_api/upload"
    for body in (
        b"",
        b"{",
        b"[]",
        b'{"fn_index": 99999, "data": []}',
        b'{"fn_index": "x"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ):
        assert asked(server, join, "POST", body, Content_Type="application/json")[0] in (200, 400, 404, 413, 422, 500)
    for name in ("no_such_name", "../x", "_save"):
        assert asked(server, f"/en/gradio_api/call/{name}", "POST", b"{}")[0] == 404
        assert asked(server, f"/en/gradio_api/run/{name}", "POST", b"{}")[0] == 404
    assert asked(server, upload, "POST", None, Content_Length=str(10**12))[0] == 413
    assert asked(server, upload, "POST", b"x", Content_Type="multipart/form-data")[0] >= 400
    assert asked(server, "/en/")[0] == 200


def test_frontends_are_plugins_like_others(environment: Installed) -> None:
    answer = environment.answer("plugins", "list")
    assert [(item["kind"], item["name"]) for item in answer["plugins"] if item["kind"] == "frontend"] == [
        ("frontend", "gradio")
    ]
    done = environment.docutune("ui", "--frontend", "gradioo")
    assert done.returncode == 1 and "did you mean 'gradio'" in done.stderr
