"""The trainer `unsloth` where it cannot run: one line says why, names `trl`, and comes before anything is loaded."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

from docutune.errors import JobError
from docutune.jobs import run_job

PIPELINE = """\
version: 1
project: acme
sources:
  - path: docs
train:
  - uses: unsloth
    with: {model: builtin/tiny, trl: {group_by_length: true}}
"""
IMPORTED = "unsloth was imported"
NO_GPU = "trainer 'unsloth' needs a GPU, and this machine shows none: write `uses: trl`, which takes the same options"


@pytest.fixture
def workspace(environment: Installed) -> Installed:
    (environment.work / "docs").mkdir()
    (environment.work / "docs/a.md").write_text("# Acme\n\nSends parcels.\n")
    (environment.work / "pipeline.yaml").write_text(PIPELINE)
    return environment


def install(site: Path) -> None:
    """Something by the names of unsloth's packages: enough to be found, and it must not be more than found."""
    for name in ("unsloth", "unsloth_zoo"):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text(f"raise SystemExit({IMPORTED!r})\n")


def machine(folder: Path, gpu: bool) -> dict[str, str]:
    """Environment variables of a machine with an NVIDIA driver, or without one."""
    folder.mkdir()
    if gpu:
        driver = folder / "nvidia-smi"
        driver.write_text("#!/bin/sh\necho 'NVIDIA RTX 2060, 6144 MiB, 6000 MiB, 580.1'\n")
        driver.chmod(0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}"}
    return {"PATH": str(folder)}


def test_without_its_libraries_the_file_is_wrong_and_trl_is_named(workspace: Installed) -> None:
    done = workspace.docutune("validate")
    assert done.returncode == 2
    assert done.stderr.startswith("pipeline.yaml:6: train[0].uses: trainer 'unsloth' needs unsloth, unsloth_zoo: ")
    assert "install with pip install 'docutune[unsloth]', or write `uses: trl`" in done.stderr
    assert workspace.answer("validate", "--trainer", "trl")["valid"]


def test_without_a_gpu_validate_plan_and_doctor_say_so(workspace: Installed, tmp_path: Path) -> None:
    install(workspace.site)
    variables = machine(tmp_path / "bin", gpu=False)
    answer = workspace.answer("validate", **variables)
    ignored = "pipeline.yaml:7: the options of trainer 'trl' are ignored by 'unsloth'"
    assert (answer["valid"], answer["notes"]) == (True, [ignored, NO_GPU])
    done = workspace.docutune("plan", **variables)
    assert (done.returncode, done.stderr.splitlines()) == (0, [f"note: {ignored}", f"note: {NO_GPU}"])
    assert workspace.answer("plan", **variables)["notes"] == [ignored, NO_GPU]
    checks = {check["name"]: check for check in workspace.answer("doctor", **variables)["checks"]}
    found = checks["plugin unsloth"]
    assert (found["status"], found["found"]) == ("warn", "needs a GPU, and this machine shows none")
    assert "`uses: trl`" in found["advice"]
    assert workspace.answer("validate", "--trainer", "trl", **variables)["notes"] == []


def test_with_a_gpu_nothing_is_said(workspace: Installed, tmp_path: Path) -> None:
    install(workspace.site)
    info = workspace.site / "torch-2.13.0.dist-info"  # of a build that can use it, whatever is installed here
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0\n")
    notes = workspace.answer("validate", **machine(tmp_path / "bin", gpu=True))["notes"]
    assert notes == ["pipeline.yaml:7: the options of trainer 'trl' are ignored by 'unsloth'"]


def test_another_environment_may_see_a_gpu_that_this_one_does_not(workspace: Installed, tmp_path: Path) -> None:
    text = PIPELINE.replace("uses: unsloth", f"uses: unsloth\n    python: {sys.executable}")
    (workspace.work / "pipeline.yaml").write_text(text)
    said = workspace.docutune("validate", **machine(tmp_path / "bin", gpu=False))
    assert "needs unsloth, unsloth_zoo, and" in said.stderr  # the other environment was asked
    assert NO_GPU not in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("tuning: full, quantization: none", "unsloth trains adapters here; for tuning: full write `uses: trl`"),
        ("lora_variant: dora", "unsloth's kernels know no DoRA; for lora_variant: dora write `uses: trl`"),
        (
            "devices: all",
            "trainer 'unsloth' trains on one device, not on all: write devices: 1; on several trains 'trl'",
        ),
    ],
)
def test_what_it_cannot_do_is_left_to_trl(workspace: Installed, options: str, reason: str) -> None:
    install(workspace.site)
    (workspace.work / "pipeline.yaml").write_text(PIPELINE.replace("trl: {group_by_length: true}", options))
    done = workspace.docutune("validate")
    assert done.returncode == 2
    assert reason in done.stderr
    assert workspace.answer("validate", "--trainer", "trl")["valid"]


def test_the_worker_ends_at_once_without_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    install(tmp_path / "site")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))
    )
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "train.jsonl").write_text(json.dumps({"messages": [{"role": "user", "content": "?"}]}) + "\n")
    spec: dict[str, Any] = {
        "trainer": "unsloth",
        "config": {"model": "builtin/tiny"},
        "train": str(tmp_path / "train.jsonl"),
        "validation": None,
        "base": {"folder": str(tmp_path / "no-model"), "digest": "0" * 64, "adapter": None},
        "seed": 0,
        "folder": str(tmp_path / "model"),
    }
    with pytest.raises(JobError) as caught:
        run_job("train", spec, tmp_path / "job", lambda _: None)
    assert caught.value.message == "the trainer unsloth needs a GPU, and torch finds none on this machine"
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("write `uses: trl` in its place")
