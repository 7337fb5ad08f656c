"""A user's first dataset of question-answer files: what each command says, and that all say the same."""

from __future__ import annotations

import csv
import json
import multiprocessing
import subprocess
import sys
from multiprocessing.spawn import set_executable
from pathlib import Path

import pytest
import yaml
from dataset_project import answer, docutune, refused
from test_init import without_rights

from docutune.config.binding import DEFAULTS

PIPELINE = "version: 1\nproject: acme\nsources:\n  - samples: own.jsonl\n"
THINGS = ("parcel", "pallet", "crate", "letter", "barrel", "basket", "bottle", "drum")
ROWS = [(f"Where does the {thing} go?", f"Each {thing} goes to hall {n}.") for n, thing in enumerate(THINGS)]


def write_rows(file: Path, *more: tuple[str, str, str]) -> None:
    rows = [(*row, "train") for row in ROWS] + list(more)
    lines = [json.dumps(dict(zip(("question", "answer", "split"), row, strict=True))) for row in rows]
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def project(folder: Path, *more: tuple[str, str, str]) -> Path:
    (folder / "pipeline.yaml").write_text(PIPELINE)
    write_rows(folder / "own.jsonl", *more)
    return folder


def test_a_folder_of_somebody_else_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl")
    tmp_path.chmod(0o555)
    code = "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "dataset", "import", "rows.jsonl", "--yes"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=without_rights,
        timeout=180,
    )
    tmp_path.chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {tmp_path}: cannot be written to\n")


def test_parsers_that_cannot_be_started_are_not_waited_for(tmp_path: Path) -> None:
    project(tmp_path)
    python = multiprocessing.spawn.get_executable()
    set_executable("/none/python")
    try:
        told = refused(tmp_path, "dataset", "validate")
    finally:
        set_executable(python)
    assert "/none/python: cannot be started by this user" in told


def test_the_newest_version_is_latest_where_nothing_was_run(tmp_path: Path) -> None:
    here, empty = tmp_path / "here", tmp_path / "empty"
    here.mkdir()
    empty.mkdir()
    project(here)
    made = docutune(here, "run", "--until", "dataset")
    assert made.returncode == 0, made.stderr
    out = tmp_path / "rows.jsonl"
    assert docutune(here, "dataset", "export", "--format", "messages", "--output", str(out)).returncode == 0
    (version,) = (item["version"] for item in answer(here, "dataset", "list"))
    assert docutune(empty, "dataset", "import", str(out), "--yes").returncode == 0
    done = docutune(empty, "dataset", "export", "--format", "csv", "--output", "rows.csv")
    assert done.returncode == 0, done.stderr
    with (empty / "rows.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["version"] for row in csv.DictReader(file)} == {version}


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    odd = [("=SUM(A1)", "-1 is what it gives.", "train"), ("'=SUM(B2), quoted?", "It stays as it is.", "train")]
    project(tmp_path, *odd)
    assert docutune(tmp_path, "run", "--until", "dataset").returncode == 0
    assert docutune(tmp_path, "dataset", "export", "--format", "csv", "--output", "rows.csv").returncode == 0
    assert "'=SUM(A1)" in (tmp_path / "rows.csv").read_text("utf-8-sig")
    facts = answer(tmp_path, "dataset", "import", "rows.csv", "--yes")
    assert (facts["already"], sum(facts["add"].values()), facts["left_out"]) == (10, 0, [])


def test_all_commands_leave_out_the_same_rows(tmp_path: Path) -> None:
    key = ("What is the key?", "The key is AKIAIOSFODNN7REALKEY, as always.", "train")
    asked = ("Where does the parcel go?", "It is in hall 12 these days.", "validation")
    project(tmp_path, key, asked)
    done = docutune(tmp_path, "dataset", "validate")
    assert done.returncode == 1
    assert "own.jsonl:9: secrets: " in done.stdout
    assert "own.jsonl:1: leakage: question of the validation split" in done.stdout
    assert docutune(tmp_path, "run", "--until", "dataset").returncode == 0
    lines = (tmp_path / ".docutune/runs/latest/rejected.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["producer"] for line in lines] == ["leakage", "secrets"]
    (tmp_path / "pipeline.yaml").write_text(f"{PIPELINE}curate: []\n")
    assert docutune(tmp_path, "dataset", "validate").stdout.endswith("no problem found\n")


def test_init_writes_the_curators_that_serve_without_it(tmp_path: Path) -> None:
    done = docutune(tmp_path, "init", "--yes", "--template", "qa", "--model", "none")
    assert done.returncode == 0, done.stderr
    assert "Found in" not in done.stdout
    assert "0 pairs" not in done.stdout
    tree = yaml.safe_load((tmp_path / "pipeline.yaml").read_text("utf-8"))
    assert [step["uses"] for step in tree["curate"]] == list(DEFAULTS["curate"])


@pytest.mark.parametrize("library", [False, True])
def test_the_report_misses_a_library_only_where_there_may_be_one(library: bool, tmp_path: Path) -> None:
    project(tmp_path)
    if library:
        (tmp_path / "guide.md").write_text("# Guide\n\nAcme sends parcels to every city of the country in two days.\n")
        (tmp_path / "pipeline.yaml").write_text(f"{PIPELINE}  - path: guide.md\n")
    assert docutune(tmp_path, "run", "--until", "dataset").returncode == 0
    page = tmp_path / ".docutune/runs/latest/quality.html"
    assert ("Public symbols are unknown" in page.read_text("utf-8")) is False
    assert docutune(tmp_path, "dataset", "report").returncode == 0


def test_a_file_elsewhere_is_named_whole_and_its_folder_must_be_there(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    project(home)
    row = {"question": "What is new here?", "answer": "This row alone is new to us."}
    (home / "new.jsonl").write_text(json.dumps(row))
    arguments = ("dataset", "import", "new.jsonl", "--yes", "--to", str(other / "x.jsonl"))
    assert f"no such folder: {other}" in refused(home, *arguments)
    assert not other.exists()
    other.mkdir()
    assert docutune(home, *arguments).returncode == 0
    tree = yaml.safe_load((home / "pipeline.yaml").read_text("utf-8"))
    assert tree["sources"][-1] == {"samples": str(other / "x.jsonl")}


def test_a_model_that_is_nowhere_is_told(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "pipeline.yaml").write_text(f"{PIPELINE}train:\n  - uses: trl\n    with: {{model: zz}}\n")
    assert "'zz' is no folder, and no model of that name is in the cache" in refused(tmp_path, "validate")
    told = refused(tmp_path, "init", "--yes", "--file", "other.yaml", "--model", "zz")
    assert "--model zz: 'zz' is no folder" in told
