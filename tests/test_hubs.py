"""Models of hubs, over HTTP: what is asked for and kept, what is said when there is none, and hubs of strangers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hub_server import COMMIT, MIB, HubServer, serving
from installed import Installed
from test_models import weights

HUBS = ("huggingface", "modelscope")
CODE = {"model.py": b"raise SystemExit", "pytorch_model.bin": b"pickle", "README.md": b"text"}
BELOW = {"onnx/config.json": b"{}", "original/model.safetensors": b"other"}
FILES = {
    "config.json": b'{"model_type": "qwen3"}',
    "tokenizer.json": b'{"model": {}}',
    "merges.txt": b"a b",
    "chat_template.jinja": b"{{ x }}",
    "model.safetensors": weights(),
}
NOWHERE = {"HF_ENDPOINT": "http://127.0.0.1:9", "MODELSCOPE_ENDPOINT": "http://127.0.0.1:9"}
LOOK = """
import json, sys
from docutune.api import Workspace
from docutune.errors import DocutuneError

for name in sys.argv[1:]:
    try:
        named = Workspace.around().named(name)
    except DocutuneError as error:
        found = {"error": error.message, "hint": error.hint, "kind": type(error).__name__}
    else:
        found = {"folder": str(named.ref.folder), "digest": named.ref.digest, "origin": named.origin}
        found |= {"adapter": str(named.ref.adapter), "base": named.base, "name": named.name, "warning": named.warning}
        found |= {"form": named.form}
    print(json.dumps(found))
"""


@dataclass
class Desk:
    """A user's machine whose hubs are a server on loopback."""

    environment: Installed
    hub: HubServer

    def variables(self, **more: str) -> dict[str, str]:
        work = self.environment.work
        return {
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(work / "hf"),
            "MODELSCOPE_ENDPOINT": self.hub.url,
            "MODELSCOPE_CACHE": str(work / "ms"),
            "MODELSCOPE_HOME": str(work / "ms-home"),
            "MODELSCOPE_INTRA_CLOUD_ACCELERATION": "false",
            "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "0",
            "MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS": "1",
            "XDG_CACHE_HOME": str(work / "cache"),
            "XDG_DATA_HOME": str(work / "data"),
            **more,
        }

    def look(self, *names: str, **more: str) -> list[dict[str, Any]]:
        """What each name is found to be, or why it is nothing."""
        done = self.environment.python(LOOK, *names, **self.variables(**more))
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def desk(environment: Installed) -> Iterator[Desk]:
    with serving() as hub:
        hub.repositories["acme/small"] = {**FILES, **CODE, **BELOW}
        yield Desk(environment, hub)


def named(hub: str, name: str) -> str:
    """A model's name as a user writes it."""
    return name if hub == "huggingface" else f"{hub}:{name}"


def files_in(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_a_model_is_downloaded_once_without_its_code(desk: Desk) -> None:
    names = [named(hub, "acme/small") for hub in HUBS]
    found = desk.look(*names, *names)
    assert found[2:] == found[:2]
    for hub, name, model in zip(HUBS, names, found, strict=False):
        assert files_in(model["folder"]) == FILES
        assert (model["form"], model["name"]) == ("base", name)
        assert f"a model of {hub}, in " in model["origin"]
    taken = [path for path, _ in desk.hub.files]
    assert sorted(taken) == sorted([*FILES, *FILES]), "each file once from either hub"
    asked = len(desk.hub.asked)
    *offline, slip = desk.look(*names, "acme/smal", **NOWHERE)
    assert offline == found[:2]
    assert slip["error"].endswith("; did you mean 'acme/small'?")
    assert len(desk.hub.asked) == asked


def test_what_a_model_is_does_not_depend_on_where_it_was_found(desk: Desk) -> None:
    """The default hub's commits are known; what comes from elsewhere is what its files are."""
    there, first, same = desk.look("acme/small", "modelscope:acme/small", "huggingface:acme/small")
    assert there["digest"] == same["digest"] == COMMIT
    copied = desk.environment.work / "copied"
    copied.mkdir()
    for name, content in files_in(first["folder"]).items():
        (copied / name).write_bytes(content)
    assert desk.look("./copied")[0]["digest"] == first["digest"]


def test_what_is_said_where_there_is_no_such_model(desk: Desk) -> None:
    desk.hub.repositories["acme/secret"] = FILES
    desk.hub.refused.add("acme/secret")
    desk.hub.repositories["acme/empty"] = CODE
    names = [named(hub, name) for name in ("acme/none", "acme/secret", "acme/empty") for hub in HUBS]
    none, none_there, secret, secret_there, empty, empty_there = desk.look(*names)
    assert none["error"] == f"model 'acme/none' is not on {desk.hub.url}"
    assert none_there["error"] == f"model 'modelscope:acme/none' is not on {desk.hub.url}"
    assert "401" in secret["error"] and "hf auth login" in secret["hint"]
    assert "refuses it" in secret_there["error"] and "MODELSCOPE_API_TOKEN" in secret_there["hint"]
    assert empty["error"] == "model 'acme/empty' has no files that could be used"
    assert "config.json" in empty_there["error"]
    assert not {path for path, _ in desk.hub.files} & set(CODE)


def test_a_private_model_comes_with_the_token(desk: Desk) -> None:
    desk.hub.repositories["acme/secret"] = FILES
    desk.hub.refused.add("acme/secret")
    found = desk.look("acme/secret", "modelscope:acme/secret", HF_TOKEN="hf_secret", MODELSCOPE_API_TOKEN="ms-secret")
    assert [item.get("error") for item in found] == [None, None]


def test_without_a_network_the_way_out_is_told(desk: Desk) -> None:
    hugging, scope = desk.look("acme/small", "modelscope:acme/small", **NOWHERE)
    assert hugging["error"] == "model 'acme/small' is not in the cache and http://127.0.0.1:9 cannot be reached"
    assert "HF_ENDPOINT" in hugging["hint"]
    assert "http://127.0.0.1:9 cannot be reached" in scope["error"]
    assert "MODELSCOPE_ENDPOINT" in scope["hint"]


@pytest.mark.parametrize("hub", HUBS)
def test_a_download_that_was_killed_counts_for_nothing_and_goes_on(desk: Desk, hub: str) -> None:
    """Killed while weights come: offline there is no such model; with the network only the rest of it is asked for.

    Hugging Face's library begins a file anew of which a part is there, ModelScope's goes on within it.
    """
    shards = {"model-00001-of-00002.safetensors": weights(), "model-00002-of-00002.safetensors": weights(6 * MIB)}
    first, second = shards
    index = json.dumps({"weight_map": {"a": first, "b": second}}).encode()
    whole = {**{name: content for name, content in FILES.items() if name != "model.safetensors"}, **shards}
    whole["model.safetensors.index.json"] = index
    desk.hub.repositories["acme/small"] = whole
    desk.hub.cut[second] = 22 * MIB
    name, work = named(hub, "acme/small"), desk.environment.work
    worker = start(desk, name)
    wait_for(lambda: partial(work) >= 10 * MIB and any(path.is_file() for path in work.rglob(first)), worker)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    (offline,) = desk.look(name, **NOWHERE)
    assert "cannot be reached" in offline["error"]
    desk.hub.mended()
    (found,) = desk.look(name)
    assert {**FILES, **files_in(found["folder"])} == {**FILES, **whole}
    assert desk.hub.taken(first) == [""]
    assert desk.hub.taken(second)[1].startswith("bytes=") == (hub == "modelscope")


def test_a_connection_that_breaks_costs_no_byte_twice(desk: Desk) -> None:
    big = weights(6 * MIB)
    desk.hub.repositories["acme/small"] = {**FILES, "model.safetensors": big}
    for hub in HUBS:
        desk.hub.broken["model.safetensors"] = 22 * MIB
        desk.hub.files.clear()
        (found,) = desk.look(named(hub, "acme/small"), MODELSCOPE_DOWNLOAD_MAX_RETRIES="2")
        assert files_in(found["folder"])["model.safetensors"] == big
        whole, rest = desk.hub.taken("model.safetensors")
        assert whole == ""
        assert 0 < int(rest.removeprefix("bytes=").removesuffix("-")) <= 22 * MIB


def start(desk: Desk, name: str) -> subprocess.Popen[str]:
    """The same look in a process that can be killed."""
    import os

    environment = {**os.environ, **desk.variables()}
    return subprocess.Popen(
        [sys.executable, "-c", LOOK, name],
        cwd=desk.environment.work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def partial(folder: Path) -> int:
    """Bytes of files that have not come whole yet."""
    sizes = []
    for path in folder.rglob("*.incomplete"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue
    return max(sizes, default=0)


def wait_for(there: Callable[[], bool], worker: subprocess.Popen[str]) -> None:
    while not there():
        assert worker.poll() is None, worker.communicate()[0]
        time.sleep(0.05)


def test_a_model_that_was_damaged_later_is_fetched_again(desk: Desk) -> None:
    """Files cut off, and one that is gone: nothing else tells that a model had a chat template of its own."""
    names = []
    for number, file in enumerate(("model.safetensors", "tokenizer.json", "chat_template.jinja")):
        desk.hub.repositories[f"acme/{file}"] = {**FILES, "model.safetensors": weights(number + 1)}
        names += [named(hub, f"acme/{file}") for hub in HUBS]
    first = desk.look(*names)
    for name, found in zip(names, first, strict=True):
        harmed = Path(found["folder"], name.rpartition("/")[2])
        if harmed.suffix == ".jinja":
            harmed.unlink()
        else:
            harmed.resolve().write_bytes(harmed.read_bytes()[:-1])
    again = desk.look(*names)
    for name, before, found in zip(names, first, again, strict=True):
        assert files_in(found["folder"]) == desk.hub.repositories[name.removeprefix("modelscope:")], name
        assert found == before


def test_a_hub_that_sends_something_else_is_not_believed(desk: Desk) -> None:
    """As long as the right file, and well-formed: only its SHA-256 differs from what the hub lists."""
    desk.hub.wrong["model.safetensors"] = weights()[:-1] + b"\1"
    names = [named(hub, "acme/small") for hub in HUBS]
    hugging, scope = desk.look(*names)
    assert f"model.safetensors of {desk.hub.url} is not what the hub says it is" in hugging["error"]
    assert "Hash mismatch for model.safetensors" in scope["error"]
    offline = desk.look(*names, **NOWHERE)  # what came stays unused
    assert ["cannot be reached" in found["error"] or "downloaded" in found["error"] for found in offline] == [True] * 2
    desk.hub.wrong.clear()
    assert [files_in(found["folder"]) for found in desk.look(*names)] == [FILES, FILES]


def test_a_pipeline_names_models_of_another_hub(desk: Desk) -> None:
    work = desk.environment.work
    rows = [{"question": f"What does tool {n} of the archive do?", "answer": ANSWERS[n]} for n in range(len(ANSWERS))]
    (work / "pairs.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    (work / "pipeline.yaml").write_text(
        "version: 1\nproject: p\nsources: [{samples: pairs.jsonl}]\n"
        "train: [{uses: trl, with: {model: 'modelscope:acme/small', quantization: none}}]\n",
        "utf-8",
    )
    done = desk.environment.docutune("run", "--until", "base", **desk.variables())
    assert done.returncode == 0, done.stderr
    plan = desk.environment.answer("plan", **desk.variables(MODELSCOPE_ENDPOINT="http://127.0.0.1:9"))
    base = next(step for step in plan["steps"] if step["name"] == "base:modelscope:acme/small")
    assert base["action"] == "reuse"
    for wrong, said in (
        ("modelscop:a/b", "did you mean 'modelscope'?"),
        ("modelscope:a/b/c", "neither a folder nor"),
    ):
        overridden = f"train[0].with.model={wrong}"
        refused = desk.environment.docutune("validate", "--set", overridden, **desk.variables())
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr


ANSWERS = (
    "It reads one page of the archive and tells who wrote it.",
    "It counts the records that nobody has signed yet.",
    "It joins two ledgers by the dates of their entries.",
    "It removes branches on which there are no leaves.",
)
STRANGER = """
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, hookimpl
from docutune.records import Snapshot


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@hookimpl
def docutune_hubs():
    return [Registration("shelf", 1, "models on a shelf", Config, "shelf_hub:Shelf")]


class Shelf:
    def __init__(self, config):
        self.config = config

    def find(self, name, wanted):
        folder = Path("shelf", name)
        return Snapshot(folder.resolve()) if folder.is_dir() else None

    def fetch(self, name, wanted):
        if name == "acme/bug":
            return name
        if name == "acme/raises":
            raise KeyError(name)
        folder = Path("shelf", name).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for path in Path("origin", name).iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        return Snapshot(folder, "edition-1")

    def names(self):
        return [f"acme/{path.name}" for path in Path("shelf", "acme").iterdir()] if Path("shelf").is_dir() else []
"""


def test_a_stranger_brings_a_hub(desk: Desk) -> None:
    work = desk.environment.work
    desk.environment.install("docutune-shelf", {"shelf_hub.py": STRANGER}, "shelf = shelf_hub")
    for name in ("whole", "cut"):
        (work / "origin" / "acme" / name).mkdir(parents=True)
        for file, content in FILES.items():
            short = name == "cut" and file == "model.safetensors"
            (work / "origin" / "acme" / name / file).write_bytes(content[:-1] if short else content)
    listed = desk.environment.docutune("plugins", "list").stdout
    assert "hub        shelf" in listed
    whole, cut, again, bug, raises, unknown = desk.look(
        *(f"shelf:acme/{name}" for name in ("whole", "cut", "cut", "bug", "raises")), "unheard"
    )
    assert (whole["digest"], whole["folder"]) == ("edition-1", str(work / "shelf/acme/whole"))
    assert "is damaged: model.safetensors is not as long as its header says" in cut["error"]
    assert again["error"] == cut["error"]
    assert "gave back a str from fetch() where a Snapshot belongs" in bug["error"]
    assert "hub 'shelf' of docutune-shelf 1.0 failed while it fetched shelf:acme/raises: KeyError" in raises["error"]
    assert unknown["kind"] == "UsageError"
    assert "shelf:acme/whole" in unknown["hint"]
