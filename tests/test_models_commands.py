"""docutune models: what was trained is listed, removed when nothing names it, and merged into what answers alike."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from pathlib import Path
from typing import Any

import jobs
import numpy as np
import pytest
from dataset_project import answer, docutune
from installed import Installed
from safetensors.numpy import load_file
from trained import ALPHA, LAYERS, RANK, SYSTEM, TUNED, base, project

EXPORTERS = """
import json, time
from pathlib import Path
import numpy as np
from pydantic import BaseModel, ConfigDict
from safetensors.numpy import load_file, save_file
from docutune import Registration, hookimpl
from docutune.atomic import link_folder
from docutune.records import Export

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Slow:
    def __init__(self, config): pass
    def room(self, weights):
        Path("begun").touch()
        while True:
            time.sleep(0.02)

class Large:
    def __init__(self, config): pass
    def room(self, weights): return 10**18

class Broken:
    def __init__(self, config): pass
    def room(self, weights): return 0
    def export(self, merged, context):
        link_folder(merged, context.folder)
        file = context.folder / "model.safetensors"
        weights = load_file(file)
        weights["model.layers.1.mlp.up_proj.weight"] *= -1
        file.unlink()
        save_file(weights, file, {"format": "pt"})
        return Export(context.folder, advice=("use it with care",))

@hookimpl
def docutune_exporters():
    kinds = {"slow": Slow, "large": Large, "broken": Broken}
    return [Registration(name, 1, "Of a stranger", Nothing, f"more:{kind.__name__}") for name, kind in kinds.items()]
"""


@pytest.fixture(scope="module")
def trained(shared_environment: Installed) -> Installed:
    project(shared_environment)
    return shared_environment


def models(installed: Installed, *arguments: str) -> Any:
    """In this process: a look costs no start."""
    return answer(installed.work, "models", *arguments)


def refused(installed: Installed, *arguments: str, code: int = 2) -> str:
    done = docutune(installed.work, "models", *arguments)
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def copied(trained: Installed, environment: Installed) -> Installed:
    """The workspace once more, for what changes it."""
    shutil.rmtree(environment.work)
    shutil.rmtree(environment.site)
    shutil.copytree(trained.work, environment.work, symlinks=True)
    shutil.copytree(trained.site, environment.site)
    return environment


def leftovers(work: Path) -> list[str]:
    """What an export leaves behind beside its result, and in the workspace."""
    sessions = work / ".docutune/sessions"
    return [
        *(path.name for path in work.glob("exports/.*")),
        *([path.name for path in sessions.iterdir()] if sessions.is_dir() else []),
    ]


def test_a_model_is_listed_with_its_base_data_figures_and_lineage(trained: Installed) -> None:
    run = (trained.work / ".docutune/runs/latest").readlink().name
    [model] = models(trained, "list")
    assert (model["name"], model["form"], model["trainer"]) == ("smoke", "adapter", "copied")
    assert model["base"]["name"] == "./made/base"
    assert (model["trained_in"], model["runs"]) == (run, [run])
    [figure] = model["figures"]["right"]
    assert (figure["metric"], figure["base"], figure["tuned"]) == ("right", 0.0, 1.0)
    files = [path for path in Path(model["folder"]).rglob("*") if path.is_file()]
    assert model["bytes"] == sum(path.stat().st_size for path in files)
    told = models(trained, "info", model["key"][:8])
    assert told["documents"] == ["qa.jsonl"]
    assert sum(told["samples"].values()) == 30
    assert told["options"]["system_prompt"] == SYSTEM
    shown = docutune(trained.work, "models", "list").stdout
    assert f"smoke  {model['key']}" in shown
    assert f"on ./made/base, dataset {model['dataset']}" in shown
    assert "right: right 0 → 1" in shown
    shown = docutune(trained.work, "models", "info").stdout
    assert "right: 0 → 1 (difference" in shown
    assert f"docutune trace {model['key']}" in shown


def test_what_a_run_names_goes_only_by_force_and_trains_again(trained: Installed, environment: Installed) -> None:
    place = copied(trained, environment)
    [model] = models(place, "list")
    told = refused(place, "remove", "smoke", "--yes")
    assert f"is named by run {model['runs'][0]}" in told
    assert "--force removes it all the same" in told
    assert "there is no terminal to ask" in refused(place, "remove", "smoke", "--force")
    assert models(place, "list") == [model], "nothing went yet"
    done = docutune(place.work, "models", "remove", "smoke", "--force", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"named by run {model['runs'][0]}" in done.stderr
    assert f"dataset version {model['dataset']} and the base stay" in done.stderr
    assert f"removed smoke {model['key']}" in done.stdout
    assert models(place, "list") == []
    assert "there is no trained model yet" in refused(place, "info")
    assert "docutune run makes it again" in refused(place, "merge", code=1)
    place.answer("run")
    assert [again["key"] for again in models(place, "list")] == [model["key"]]


def test_of_two_models_of_one_name_the_newest_is_meant_and_neither_is_removed(
    trained: Installed, environment: Installed
) -> None:
    place = copied(trained, environment)
    [older] = models(place, "list")
    place.answer("run", "--set", "train[0].with.seed=5")
    newer, same = models(place, "list")
    assert same["key"] == older["key"] != newer["key"]
    assert models(place, "info", "smoke")["key"] == newer["key"]
    assert models(place, "info", older["key"][:6])["options"]["seed"] == 0
    told = refused(place, "remove", "smoke", "--force", "--yes")
    assert "there are 2 models called 'smoke'" in told
    assert older["key"] in told and newer["key"] in told
    models(place, "remove", older["key"], "--force", "--yes")
    assert [model["key"] for model in models(place, "list")] == [newer["key"]]
    damaged = Path(newer["folder"]) / "model.json"
    damaged.write_text("{")
    assert models(place, "list")[0]["form"] == "damaged"
    assert "damaged: model.json cannot be read" in docutune(place.work, "models", "list").stdout


def test_a_merged_model_is_whole_and_answers_20_of_20_questions_alike(trained: Installed) -> None:
    done = models(trained, "merge", "smoke")
    folder = trained.work / "exports/smoke-merged"
    assert Path(done["output"]) == folder
    assert (done["parity"]["outcome"], done["parity"]["equal"], done["parity"]["questions"]) == ("passed", 20, 20)
    assert 0 <= done["parity"]["logits"] < 1e-3
    assert done["parity"].get("notes", []) == [], "other programs see the same prompts"
    expected = expected_weights(trained.work / "made")
    weights = load_file(folder / "model.safetensors")
    assert weights.keys() == expected.keys()
    for name, wanted in expected.items():
        np.testing.assert_allclose(weights[name], wanted, atol=1e-5, err_msg=name)
    names = {path.name for path in folder.iterdir()}
    assert names >= {"config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja", "template.json"}
    assert not [name for name in names if name.endswith((".bin", ".pt")) or "adapter" in name]
    assert SYSTEM in (folder / "chat_template.jinja").read_text()
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [2]
    assert json.loads((folder / "parity.json").read_text())["outcome"] == "passed"
    [model] = models(trained, "list")
    assert json.loads((folder / "provenance.json").read_text())["key"].startswith(model["key"])
    card = (folder / "README.md").read_text()
    for fact in (model["key"], model["dataset"], model["trained_in"], model["base"]["digest"], "20 of 20"):
        assert fact in card
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert len(modes) == 1, "whoever reads one of the files reads all"
    assert leftovers(trained.work) == []
    assert f"{folder} is there already" in refused(trained, "merge", "smoke")


def expected_weights(made: Path) -> dict[str, np.ndarray]:
    """W + BA * alpha / r of each adapted layer (LoRA, arXiv:2106.09685)."""
    weights = load_file(made / "base/model.safetensors")
    lora = load_file(made / "adapter/adapter_model.safetensors")
    for layer in range(LAYERS):
        for name in TUNED:
            own = f"model.layers.{layer}.self_attn.{name}"
            a, b = (lora[f"base_model.model.{own}.lora_{part}.weight"] for part in "AB")
            weights[f"{own}.weight"] = weights[f"{own}.weight"] + (b @ a) * (ALPHA / RANK)
    return weights


def test_what_cannot_be_merged_is_told_before_anything_is_written(environment: Installed) -> None:
    project(environment)
    place = environment
    assert "there is no model 'smok'" in refused(place, "merge", "smok")
    assert "is a base model" in refused(place, "merge", "./made/base")
    (place.work / "mine").mkdir()
    (place.work / "mine/notes.txt").write_text("mine")
    assert "holds something that is no export" in refused(place, "merge", "--output", "mine", "--force")
    assert (place.work / "mine/notes.txt").read_text() == "mine"
    quantized(place.work / "made/base")
    told = refused(place, "merge", code=1)
    assert "these weights are quantized (bitsandbytes), and an adapter goes into full precision only" in told
    assert "--base NAME" in told
    base(place.work / "whole")
    place.install("more", {"more.py": EXPORTERS}, "more = more")
    done = place.docutune("models", "export", "--format", "large", "--base", "./whole")
    assert done.returncode == 1
    assert "the export takes 1,000,000,000," in done.stderr and "bytes and the disk has" in done.stderr
    assert not (place.work / "exports").exists() or not list((place.work / "exports").iterdir())


def quantized(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (folder / "config.json").write_text(json.dumps(config))


def test_an_interrupt_leaves_nothing_and_what_a_kill_left_goes_with_the_next_export(
    trained: Installed, environment: Installed
) -> None:
    place = copied(trained, environment)
    place.install("more", {"more.py": EXPORTERS}, "more = more")
    left = place.work / "exports/.out.0123abcd.tmp"
    left.mkdir(parents=True)
    (left / "lock").touch()
    process = jobs.start(place, "models", "export", "--format", "slow", "--output", "exports/out", stderr=-1)
    try:
        assert jobs.eventually((place.work / "begun").exists)
        assert not left.exists()
        assert list((place.work / "exports").glob(".out.*.tmp/result"))
        os.kill(process.pid, signal.SIGINT)
        told = process.communicate(timeout=100)[1]
    finally:
        jobs.end(place)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert list((place.work / "exports").glob(".*")) == []
    assert not (place.work / "exports/out").exists()
    assert leftovers(place.work) == []


def test_an_export_that_answers_otherwise_is_kept_and_fails_the_command(
    trained: Installed, environment: Installed
) -> None:
    place = copied(trained, environment)
    place.install("more", {"more.py": EXPORTERS}, "more = more")
    done = place.docutune("models", "export", "--format", "broken", "--output", "out", "--json", OMP_NUM_THREADS="1")
    assert done.returncode == 1
    said = json.loads(done.stdout)["parity"]
    assert said["outcome"] == "failed" and said["equal"] < 20 and said["logits"] > 0.1
    kept = json.loads((place.work / "out/parity.json").read_text())
    assert (kept["outcome"], kept["equal"]) == ("failed", said["equal"])
    wrong = [item for item in kept["differences"] if item["cause"] == "answer"]
    assert wrong and all(item["gap"] > kept["tie"] for item in wrong)
    assert f"does not answer as the model that it was made from: {len(wrong)} of 20 questions differ" in done.stderr
    assert "parity.json shows every difference" in done.stderr
