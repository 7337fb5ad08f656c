"""What a MODEL argument finds: trainings, keys, folders, adapters with their base; what is said where it is nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import trained as made
from installed import Installed
from test_models import model_in, weights

from docutune.api import Workspace
from docutune.errors import DocutuneError, UsageError
from docutune.model_names import Named
from docutune.models import folder_digest
from docutune.records import RECORDS_VERSION

KEYS = ("a1b2c3" + "0" * 58, "a1b2ff" + "1" * 58, "77aa" + "2" * 60)
RUNTIME = {"uses": "local", "options": {"quantization": "int8"}}


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches of this test's own, no hub, and an empty folder to stand in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def find(name: str | None = None, run: str | None = None) -> Named:
    return Workspace.around().named(name, run)


def refused(name: str | None = None, run: str | None = None) -> DocutuneError:
    with pytest.raises(DocutuneError) as told:
        find(name, run)
    return told.value


def adapter_in(folder: Path, base: str | None, facts: dict[str, Any] | None = None) -> Path:
    """An adapter as peft leaves it, and with `facts` as docutune does."""
    folder.mkdir(parents=True)
    config = {} if base is None else {"base_model_name_or_path": base}
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **config}), "utf-8")
    (folder / "adapter_model.safetensors").write_bytes(weights())
    if facts is not None:
        (folder / "provenance.json").write_text(json.dumps(facts), "utf-8")
    return folder


def workspace(place: Path) -> Path:
    """Three trainings in two runs on a base that was made there; the first run has two. Returns .docutune/."""
    store = place / ".docutune"
    tiny = model_in(store / "models" / ("e" * 24))
    digest = folder_digest(tiny)
    (tiny / "model.json").write_text(json.dumps({"digest": digest, "figures": {}}), "utf-8")
    runs = {"20260101-000000": (("first", KEYS[0]), ("second", KEYS[1])), "20260102-000000": (("first", KEYS[2]),)}
    for run, trainings in runs.items():
        models = [trained(store, name, key, run, tiny, digest) for name, key in trainings]
        manifest = {"records_version": RECORDS_VERSION, "outcome": "finished", "models": models, "runtime": RUNTIME}
        (store / "runs" / run).mkdir(parents=True)
        (store / "runs" / run / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return store


def trained(store: Path, name: str, key: str, run: str, base: Path, digest: str) -> dict[str, str]:
    """A model's folder, and what the manifest says of it."""
    facts = {"name": name, "key": key, "run": run, "base": {"name": "builtin/tiny", "digest": digest}}
    folder = store / "models" / key[:24]
    adapter_in(folder / "adapter", "builtin/tiny", facts)
    (folder / "model.json").write_text(json.dumps({**facts, "adapter": "adapter"}), "utf-8")
    places = {"base_folder": f"models/{base.name}", "adapter": f"models/{key[:24]}/adapter"}
    return {"name": name, "key": key, "trainer": "trl", "base": "builtin/tiny", "base_digest": digest, **places}


def test_nothing_names_the_newest_training(apart: Path) -> None:
    store = workspace(apart)
    named = find()
    assert (named.name, named.run, named.key, named.form) == ("first", "20260102-000000", KEYS[2], "adapter")
    assert named.ref.adapter == store / "models" / KEYS[2][:24] / "adapter"
    assert named.ref.folder == store / "models" / ("e" * 24)
    assert named.origin == "training 'first' of run 20260102-000000, on builtin/tiny"
    assert named.runtime.options == {"quantization": "int8"}


@pytest.mark.parametrize(
    ("name", "run", "key"),
    [
        ("first", None, KEYS[2]),
        ("first", "20260101-000000", KEYS[0]),
        (None, "20260101-000000", KEYS[0]),
        ("second", None, KEYS[1]),
        ("a1b2c3", None, KEYS[0]),
        (KEYS[1], None, KEYS[1]),
        (KEYS[0][:24], "20260101-000000", KEYS[0]),
    ],
)
def test_a_training_is_found_by_name_run_and_key(apart: Path, name: str | None, run: str | None, key: str) -> None:
    workspace(apart)
    assert find(name, run).key == key


def test_a_key_without_a_run_still_names_its_model(apart: Path) -> None:
    store = workspace(apart)
    shutil.rmtree(store / "runs" / "20260101-000000")
    named = find("a1b2ff")
    assert (named.name, named.key, named.form) == ("second", KEYS[1], "adapter")
    assert named.ref.folder == store / "models" / ("e" * 24)
    assert "of a run that is gone" in named.origin


def test_digits_that_may_mean_two_models_are_refused(apart: Path) -> None:
    workspace(apart)
    told = refused("a1b2")
    assert isinstance(told, UsageError)
    assert told.message == "'a1b2' may mean the models a1b2c3000000, a1b2ff111111"
    assert told.hint == "give more digits of the key"


def test_the_embedded_base_is_named_as_itself(apart: Path) -> None:
    told = refused("builtin/tiny")
    assert "has not been made here yet" in told.message
    store = workspace(apart)
    named = find("builtin/tiny")
    assert (named.ref.folder, named.ref.adapter, named.form) == (store / "models" / ("e" * 24), None, "base")


def test_a_name_that_is_nothing_says_what_there_is(apart: Path) -> None:
    workspace(apart)
    told = refused("frist")
    assert told.message == "there is no model 'frist'; did you mean 'first'?"
    assert told.hint is not None and told.hint.startswith("models of this workspace: first, second")
    assert "in run 20260102-000000" in refused("second", "20260102-000000").message


def test_a_training_goes_before_a_folder_of_its_name(apart: Path) -> None:
    workspace(apart)
    folder = model_in(apart / "first")
    assert find("first").form == "adapter"
    assert find("./first").ref.folder == folder


def test_without_a_workspace_a_folder_is_a_model(apart: Path, tmp_path: Path) -> None:
    folder = model_in(tmp_path / "there" / "base")
    for name in (str(folder), "../there/base"):
        named = find(name)
        assert (named.ref.folder, named.ref.adapter, named.form, named.name) == (folder, None, "base", "base")
        assert named.origin == f"a model in {folder}"
        assert named.runtime.options == {"quantization": "none"}
    assert not list(apart.iterdir())
    told = refused()
    assert told.message == "no model is named, and nothing was trained here"
    assert "./model" in (told.hint or "")


def test_a_folder_that_is_not_there_names_its_neighbour(apart: Path) -> None:
    model_in(apart / "model")
    told = refused("./modle")
    assert told.message == f"no folder {apart / 'modle'}; did you mean 'model'?"


def test_an_adapter_brings_its_base(apart: Path) -> None:
    """One of another program: the base that it names is a folder or a model of a hub."""
    base = model_in(apart / "base")
    adapter_in(apart / "own", "./base")
    named = find("./own")
    assert (named.ref.folder, named.ref.adapter, named.form) == (base, apart / "own", "adapter")
    assert (named.base, named.ref.digest) == ("./base", folder_digest(base))
    assert named.origin == f"an adapter to ./base in {apart / 'own'}"
    adapter_in(apart / "far", "acme/base")
    told = refused("./far")
    assert told.message.startswith("'./far' is an adapter to 'acme/base': model 'acme/base' is not in the cache")
    adapter_in(apart / "mute", None)
    assert refused("./mute").message == "model './mute' is an adapter that does not say to which base"


def test_an_adapter_of_a_pickle_is_refused(apart: Path) -> None:
    adapter_in(apart / "own", "./base")
    (apart / "own" / "adapter_model.safetensors").rename(apart / "own" / "adapter_model.bin")
    assert "only adapter_model.bin, which could run code when it is read" in refused("./own").message


def test_an_adapter_of_a_workspace_is_found_from_anywhere(apart: Path, tmp_path: Path) -> None:
    """By its folder, or by the folder that its key names; its base is known by what it is."""
    store = workspace(tmp_path / "project")
    folder = store / "models" / KEYS[1][:24]
    for name in (folder, folder / "adapter"):
        named = find(str(name))
        assert (named.ref.folder, named.ref.adapter) == (store / "models" / ("e" * 24), folder / "adapter")
        assert named.name == "second"
    shutil.copytree(folder / "adapter", apart / "copied")
    told = refused("./copied")
    assert "is an adapter to builtin/tiny, which only its own workspace has" in told.message


def test_a_base_that_has_changed_since_is_told(apart: Path) -> None:
    base = model_in(apart / "base")
    facts = {"base": {"name": "./base", "digest": folder_digest(base)}}
    adapter_in(apart / "own", "./base", facts)
    assert find("./own").warning is None
    (base / "model.safetensors").write_bytes(weights(3))
    assert "the adapter was trained on" in (find("./own").warning or "")


def test_a_whole_model_is_asked_beside_the_base_that_it_was_tuned_from(apart: Path) -> None:
    base = model_in(apart / "base")
    whole = model_in(apart / "whole")
    (whole / "template.json").write_text("{}", "utf-8")
    (whole / "provenance.json").write_text(json.dumps({"name": "t", "base": {"name": "./base"}}), "utf-8")
    named = find("./whole")
    assert (named.ref.folder, named.ref.adapter, named.form, named.name) == (base, whole, "whole", "t")
    shutil.rmtree(base)
    alone = find("./whole")
    assert (alone.ref.folder, alone.ref.adapter, alone.form) == (whole, None, "base")


@pytest.mark.training
def test_a_model_without_a_workspace_is_chatted_with(environment: Installed, tmp_path: Path) -> None:
    """An adapter that another program made: it names its base, and has no template of its own. Nothing stays behind."""
    work = environment.work
    made.base(work / "base")
    made.adapter(work / "adapter")
    config = work / "adapter" / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": "./base"}), "utf-8")
    data, asked = {"XDG_DATA_HOME": str(tmp_path / "data")}, ("--max-new-tokens", "3", "What?")
    done = environment.docutune("chat", "--model", "./adapter", *asked, **data)
    assert (done.returncode, bool(done.stdout.strip())) == (0, True), done.stderr
    assert {path.name for path in work.iterdir()} == {"adapter", "base", "cache"}
    done = environment.docutune("chat", *asked, **data)
    assert (done.returncode, "no model is named, and nothing was trained here" in done.stderr) == (2, True)
