"""Model names to folders: local folders, the hub's cache without a network, and what is said when there is no model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from docutune.errors import DocutuneError
from docutune.hubs import Hubs
from docutune.records import ModelRef
from docutune.registry import Registry

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches of this test's own, and a hub that nobody reaches."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return tmp_path


def resolve(name: str, folder: Path, download: bool = True) -> ModelRef:
    return Hubs(Registry.load()).resolve(name, folder, download)


def weights(numbers: int = 1) -> bytes:
    """A file of safetensors with one tensor: https://github.com/huggingface/safetensors#format."""
    tensor = {"dtype": "F32", "shape": [numbers], "data_offsets": [0, 4 * numbers]}
    header = json.dumps({"weight": tensor}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4 * numbers)


def model_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", "utf-8")
    (folder / "model.safetensors").write_bytes(weights())
    return folder


@pytest.mark.parametrize("name", ["base", "./base", "{}/base"])
def test_a_folder_is_found_from_the_pipeline_file(tmp_path: Path, name: str) -> None:
    folder = model_in(tmp_path / "base")
    model = resolve(name.format(tmp_path), tmp_path)
    assert model.folder == folder
    assert len(model.digest) == 64


def test_the_digest_is_the_content(tmp_path: Path) -> None:
    first = resolve("one", model_in(tmp_path / "one").parent)
    assert resolve("two", model_in(tmp_path / "two").parent).digest == first.digest
    assert resolve("one", tmp_path).digest == first.digest
    (tmp_path / "one" / "model.safetensors").write_bytes(weights(2))
    os.utime(tmp_path / "one" / "model.safetensors", (1, 1))
    assert resolve("one", tmp_path).digest != first.digest


def test_a_damaged_memory_of_digests_is_no_harm(tmp_path: Path) -> None:
    first = resolve("one", model_in(tmp_path / "one").parent)
    (memory,) = (tmp_path / "cache" / "docutune" / "digests").iterdir()
    memory.write_text("{", "utf-8")
    assert resolve("one", tmp_path) == first


@pytest.mark.parametrize(("missing", "said"), [("config.json", "config.json"), ("model.safetensors", "safetensors")])
def test_a_folder_that_is_no_model_says_what_it_lacks(tmp_path: Path, missing: str, said: str) -> None:
    (model_in(tmp_path / "base") / missing).unlink()
    with pytest.raises(DocutuneError, match=said):
        resolve("base", tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocutuneError, match=r"no folder .*nowhere"):
        resolve("./nowhere", tmp_path)


def cached(caches: Path) -> Path:
    repository = caches / "hub" / "models--acme--small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT, "utf-8")
    return model_in(repository / "snapshots" / COMMIT)


@pytest.mark.parametrize("download", [True, False])
def test_without_a_network_the_cached_copy_serves(caches: Path, download: bool) -> None:
    folder = cached(caches)
    model = resolve("acme/small", caches, download=download)
    assert (model.folder, model.digest) == (folder, COMMIT)


def test_a_model_that_is_neither_cached_nor_reachable_names_the_hub(caches: Path) -> None:
    with pytest.raises(DocutuneError, match=r"acme/small.*127\.0\.0\.1:9") as caught:
        resolve("acme/small", caches)
    assert "HF_ENDPOINT" in (caught.value.hint or "")


def test_the_variable_that_forbids_the_hub_is_named(environment: Any) -> None:
    code = (
        "from pathlib import Path; from docutune.hubs import Hubs; from docutune.registry import Registry; "
        "Hubs(Registry.load()).resolve('acme/small', Path())"
    )
    done = environment.python(code, HF_HUB_OFFLINE="1", HF_HOME=str(environment.work))
    assert "is not in the cache, and HF_HUB_OFFLINE=1 forbids to ask" in done.stderr
    assert "unset HF_HUB_OFFLINE" in done.stderr
    assert "network" not in done.stderr


def test_a_name_that_can_be_no_model_is_refused(caches: Path) -> None:
    with pytest.raises(DocutuneError, match="neither a folder nor a hub name"):
        resolve("too/many/parts", caches)
