"""`docutune dataset export`, and how an export comes back: whole, with every id, or not at all."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from dataset_project import PIPELINE, answer, docutune, edit, refused, write_project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from installed import Installed

from docutune.corpus import Dataset, Row, version_of
from docutune.datasets.export import ExportRequest, export
from docutune.datasets.restore import recognised, restore
from docutune.errors import DocutuneError
from docutune.records import Made, Message, Origin, Sample, Span
from docutune.versions import publish, read
from docutune.workspace import Store

ODD = [
    "",
    "\u2028",
    "\u2029a\x85b\x0b\x0c",
    "第一行\r\n第二行",
    "=1+1",
    '"quoted", and',
    "```python\nx = 1\n```\t",
    "\x00\x1f",
    "🚚",
]
TEXTS = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MESSAGES = st.builds(
    lambda system, turns: (*system, *turns),
    st.lists(st.builds(Message, st.just("system"), TEXTS), max_size=1),
    st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), TEXTS), min_size=1, max_size=5),
)
SAMPLES = st.builds(
    Sample, MESSAGES, TEXTS, TEXTS, st.lists(TEXTS, max_size=3).map(tuple), st.sampled_from(["en", "zh"]) | TEXTS
)
SPANS = st.builds(Span, TEXTS, st.integers(1, 10**12), st.integers(1, 10**12))
ORIGINS = st.builds(Origin, st.lists(SPANS, max_size=3).map(tuple), TEXTS, TEXTS, st.none() | TEXTS)
PLACES = st.sampled_from([("train", None), ("test", "rephrased"), ("validation", "given"), (None, None)])
ROWS = st.lists(
    st.builds(lambda sample, origin, place: Row(Made(sample, origin), *place), SAMPLES, ORIGINS, PLACES),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row.made.sample.id,
)


@pytest.fixture(scope="module")
def project(shared_environment: Installed) -> Installed:
    """A version with pairs that have system prompts, earlier turns, and what a spreadsheet takes for formulas."""
    work = shared_environment.work
    write_project(work)
    rows = [
        ["You are kind.", "Hello?", "Hello!", "=HYPERLINK(1)", "@you"],
        [None, "-1 or 1?", "It is 1."],
        [None, "What is\u2028this?", "A\u2029line."],
    ]
    (work / "more.jsonl").write_text("".join(f"{json.dumps({'messages': talk(*row)})}\n" for row in rows))
    edit(work / "pipeline.yaml", "  - samples: qa.csv\n", "  - samples: qa.csv\n  - samples: more.jsonl\n")
    done = shared_environment.docutune("run")
    assert done.returncode == 0, done.stderr
    return shared_environment


@pytest.fixture(scope="module")
def version(project: Installed) -> str:
    [item] = answer(project.work, "dataset", "list")
    found: str = item["version"]
    return found


def talk(system: str | None, *turns: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    said = [{"role": roles[place % 2], "content": text} for place, text in enumerate(turns)]
    return [{"role": "system", "content": system}, *said] if system else said


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def other_project(folder: Path) -> Path:
    """A project of its own, where nothing was made."""
    folder.mkdir()
    (folder / "pipeline.yaml").write_text(PIPELINE)
    write_project(folder)
    return folder


@given(rows=ROWS)
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_any_version_comes_back_to_the_bit(rows: list[Row]) -> None:
    rows.sort(key=lambda row: row.made.sample.id)
    dataset = Dataset(version_of(rows), tuple(rows))
    with tempfile.TemporaryDirectory() as name:
        here = Store(Path(name, "here"))
        publish(dataset, "acme", here)
        for form in ("messages", "parquet"):
            there, out = Store(Path(name, f"there-{form}")), Path(name, form)
            export(here, ExportRequest(dataset.version, form, out))
            assert recognised(out)
            assert restore(out, there, "acme").version == dataset.version
            assert read(there, dataset.version) == read(here, dataset.version)


@pytest.mark.parametrize("form", ["messages", "parquet"])
def test_an_export_is_imported_as_the_same_version(form: str, project: Installed, version: str, tmp_path: Path) -> None:
    out = tmp_path / f"out.{form}"
    done = answer(project.work, "dataset", "export", "--format", form, "--output", str(out))
    assert (done["comes_back_as"], done["version"]) == (version, version)
    there = other_project(tmp_path / "there")
    imported = docutune(there, "dataset", "import", str(out), "--yes")
    assert imported.returncode == 0, imported.stderr
    assert version in imported.stdout
    [item] = answer(there, "dataset", "list")
    assert (item["version"], item["imported"]["file"]) == (version, out.name)
    own, here = (folder / ".docutune/datasets" / version for folder in (there, project.work))
    for name in ("samples.jsonl", "train.jsonl", "validation.jsonl", "test.jsonl"):
        assert (own / name).read_bytes() == (here / name).read_bytes()
    assert "imported" in docutune(there, "dataset", "log").stdout
    assert docutune(there, "clean", "--yes").returncode == 0
    assert own.is_dir()
    assert docutune(there, "dataset", "remove", version, "--yes").returncode == 0
    assert answer(there, "dataset", "list") == []


def test_a_part_comes_back_as_a_version_of_its_own(project: Installed, version: str, tmp_path: Path) -> None:
    out = tmp_path / "train.jsonl"
    told = docutune(project.work, "dataset", "export", "--format", "messages", "--output", str(out), "--split", "train")
    back = answer(project.work, "dataset", "export", "--format", "parquet", "--output", f"{out}2", "--split", "train")
    assert back["comes_back_as"] != version
    assert f"as version {back['comes_back_as']}, for it is a part" in told.stdout
    assert restore(out, Store(tmp_path), "acme").samples["test"] == 0
    assert "has no sample in validation" not in told.stderr


def test_an_edited_or_shortened_export_is_refused_with_its_line(project: Installed, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    docutune(project.work, "dataset", "export", "--format", "messages", "--output", str(out))
    lines = out.read_bytes().splitlines(keepends=True)
    cases = {
        "line 3: the sample's content does not fit its id": [
            *lines[:2],
            lines[2].replace(b'"content": "', b'"content": "X', 1),
        ],
        "line 2: not JSON": [lines[0], lines[1][:40] + b"\n", *lines[2:]],
        "but they are": lines[1:],
        "line 3: the same sample as line 1": [*lines[:2], lines[0]],
        "line 1: no split is called 'x": [lines[0].replace(b'"split": "', b'"split": "x'), *lines[1:]],
        "no field 'origin'": [lines[0], lines[1].replace(b'"origin"', b'"origins"'), *lines[2:]],
        "several versions": [lines[0], lines[1].replace(b'"version": "', b'"version": "f'), *lines[2:]],
    }
    for message, content in cases.items():
        out.write_bytes(b"".join(content))
        assert recognised(out)
        with pytest.raises(DocutuneError, match=message) as caught:
            restore(out, Store(tmp_path), "acme")
        assert caught.value.hint
    assert not (tmp_path / ".docutune/datasets").exists()


def test_a_cut_parquet_file_is_refused(project: Installed, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    docutune(project.work, "dataset", "export", "--format", "parquet", "--output", str(out))
    out.write_bytes(out.read_bytes()[:-200])
    assert not recognised(out)
    with pytest.raises(DocutuneError, match="cannot be read as Parquet"):
        restore(out, Store(tmp_path), "acme")


def test_other_rows_are_no_export(project: Installed, tmp_path: Path) -> None:
    for text in ("", "question,answer\na,b\n", '{"question": "a", "answer": "b"}\n', "[1, 2]\n", "\x00\xff"):
        (tmp_path / "rows").write_text(text, "latin-1")
        assert not recognised(tmp_path / "rows")
    assert not recognised(tmp_path / "absent")


def test_alpaca_and_sharegpt_carry_provenance_and_tell_what_readers_lose(project: Installed, tmp_path: Path) -> None:
    done = docutune(project.work, "dataset", "export", "--format", "alpaca", "--output", str(tmp_path / "a.json"))
    assert "the system prompts of 1 sample" in done.stderr
    assert "the earlier turns of 1 sample" in done.stderr
    rows = json.loads((tmp_path / "a.json").read_text("utf-8"))
    [row] = [row for row in rows if row.get("system")]
    assert (row["instruction"], row["input"], row["output"]) == ("=HYPERLINK(1)", "", "@you")
    assert row["history"] == [["Hello?", "Hello!"]]
    assert row["origin"]["spans"] == [{"source": "more.jsonl", "first_line": 1, "last_line": 1}]
    assert {"id", "split", "kind", "fact", "symbols", "language", "version"} <= row.keys()
    docutune(project.work, "dataset", "export", "--format", "sharegpt", "--output", str(tmp_path / "s.json"))
    [talks] = [item for item in json.loads((tmp_path / "s.json").read_text("utf-8")) if item["id"] == row["id"]]
    assert [turn["from"] for turn in talks["conversations"]] == ["system", "human", "gpt", "human", "gpt"]
    assert talks["origin"] == row["origin"]


def test_a_spreadsheet_runs_nothing_of_an_exported_table(project: Installed, tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    done = docutune(project.work, "dataset", "export", "--format", "csv", "--output", str(out))
    assert "3 cells would be a formula" in done.stderr
    rows = cells(out)
    assert {"'=HYPERLINK(1)", "'-1 or 1?"} <= {row["question"] for row in rows}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")  # Excel reads Chinese
    docutune(project.work, "dataset", "export", "--format", "csv", "--raw-cells", "--output", str(out), "--force")
    rows = cells(out)
    assert "=HYPERLINK(1)" in {row["question"] for row in rows}
    assert "哪天送货？" in {row["question"] for row in rows}
    assert "What is\u2028this?" in {row["question"] for row in rows}
    [sent] = [row for row in rows if row["question"] == "哪天送货？"]
    assert (sent["places"], sent["split"]) == ("qa.csv:6-6", "train")


def test_a_folder_is_read_by_the_datasets_library(project: Installed, version: str, tmp_path: Path) -> None:
    done = answer(project.work, "dataset", "export", "--format", "hf", "--output", str(tmp_path / "folder"))
    assert done["comes_back_as"] is None
    code = "import datasets, sys; d = datasets.load_from_disk(sys.argv[1]); print(d.num_rows, d['train'][0]['version'])"
    read = project.python(code, str(tmp_path / "folder"), HF_HUB_OFFLINE="1")
    sizes = answer(project.work, "dataset", "list")[0]["samples"]
    assert read.stdout == f"{ {name: count for name, count in sizes.items() if count} } {version}\n", read.stderr
    again = ("dataset", "export", "--format", "hf", "--output", str(tmp_path / "folder"))
    assert "is there already" in refused(project.work, *again)
    assert docutune(project.work, *again, "--force").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_what_is_there_is_replaced_only_when_it_may_be(project: Installed, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    for form in ("hf", "messages"):
        command = ("dataset", "export", "--format", form, "--output", str(mine))
        assert "is there already" in refused(project.work, *command)
        assert "is not replaced" in refused(project.work, *command, "--force")
    assert (mine / "thesis.txt").read_text() == "years of work"
    for form in ("hf", "csv"):  # no folder can be made below a file
        below = str(mine / "thesis.txt" / "out")
        assert "cannot write" in refused(project.work, "dataset", "export", "--format", form, "--output", below)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


@pytest.mark.parametrize(("form", "library"), [("parquet", "pyarrow"), ("hf", "datasets")])
def test_a_missing_library_is_named_with_what_installs_it(
    form: str, library: str, project: Installed, environment: Installed
) -> None:
    shutil.copytree(project.work, environment.work, dirs_exist_ok=True, symlinks=True)
    environment.install("gone", {f"{library}.py": f"raise ImportError('no module named {library}')"})
    done = environment.docutune("dataset", "export", "--format", form, "--output", "out")
    assert done.returncode == 2
    assert f"needs {library}" in done.stderr
    assert "pip install 'docutune[trl]'" in done.stderr
    assert environment.docutune("dataset", "export", "--format", "csv", "--output", "out.csv").returncode == 0
