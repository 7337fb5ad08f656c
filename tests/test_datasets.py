"""`docutune dataset list|log|show|diff|tag|remove`: versions by name, what differs and why, what keeps them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dataset_project import PIPELINE, RETURNS, answer, docutune, edit, refused, write_project
from installed import Installed

COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]


@pytest.fixture(scope="module")
def project(shared_environment: Installed) -> Installed:
    """Three versions: as at first; after edits of documents, code and pairs; with another split."""
    work = shared_environment.work
    write_project(work)
    run(shared_environment)
    edit(work / "docs/guide.md", "rain or shine", "in any weather")
    (work / "docs/returns.md").write_text(RETURNS)
    edit(work / "qa.csv", "In a yellow house", "In a red house")
    with (work / "qa.csv").open("a", encoding="utf-8") as file:
        file.write("Who owns Acme?,Its drivers own Acme together!,train\n")  # as good as the first row
    edit(work / "src/acme.py", "def track(", "def find(")
    run(shared_environment)
    edit(work / "pipeline.yaml", "rephrased: 0.2", "rephrased: 0.6")
    run(shared_environment)
    return shared_environment


@pytest.fixture(scope="module")
def versions(project: Installed) -> list[str]:
    return [item["version"] for item in answer(project.work, "dataset", "list")]


@pytest.fixture
def copy(project: Installed, environment: Installed) -> Installed:
    """The same workspace, to be harmed."""
    shutil.copytree(project.work, environment.work, dirs_exist_ok=True, symlinks=True)
    return environment


def run(environment: Installed, *options: str) -> dict[str, Any]:
    done = environment.docutune("run", "--json", *options)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def folder(environment: Installed, version: str) -> Path:
    return environment.work / ".docutune/datasets" / version


# ---- names and lists


def test_a_version_has_many_names(copy: Installed, versions: list[str]) -> None:
    last = versions[-1]
    newest = json.loads((copy.work / ".docutune/runs/latest/manifest.json").read_text())["run"]
    assert docutune(copy.work, "dataset", "tag", "首版", last[:6]).stdout == f"首版 -> {last}\n"
    for name in (last, last[:4], "首版", "latest", newest):
        assert answer(copy.work, "dataset", "show", name)["version"] == last
    folder(copy, f"{last[:5]}00000000000").mkdir()
    assert f"{last[:4]!r} may mean" in refused(copy.work, "dataset", "show", last[:4])
    assert "did you mean 'latest'?" in refused(copy.work, "dataset", "show", "lates")
    assert "docutune dataset list shows" in refused(copy.work, "dataset", "show", "0123456789abcdef")
    assert f"{last[:5]}00000000000  damaged" in docutune(copy.work, "dataset", "list").stdout


def test_the_list_says_what_stands_on_a_version(project: Installed, versions: list[str]) -> None:
    assert len(set(versions)) == 3
    listed = answer(project.work, "dataset", "list")
    runs = [row["id"] for row in answer(project.work, "status")]
    assert [item["runs"] for item in listed] == [[run] for run in reversed(runs)]
    shown = docutune(project.work, "dataset", "list").stdout
    assert f"{versions[0]}  " in shown
    assert f"run {runs[0]}" in shown


def test_the_log_tells_each_change_in_a_word(project: Installed, versions: list[str]) -> None:
    newest, middle, first = answer(project.work, "dataset", "log")
    assert [entry["version"] for entry in (first, middle, newest)] == versions
    assert {entry["act"] for entry in (first, middle, newest)} == {"made"}
    assert "change" not in first
    assert newest["change"]["why"] == ["split options changed"]
    assert {"document changed", "document added", "row edited in its file"} <= set(middle["change"]["why"])
    assert middle["change"]["since"] == versions[0]
    assert "split options changed" in docutune(project.work, "dataset", "log", "--limit", "1").stdout


# ---- show


def test_show_tells_the_facts_and_the_samples_that_are_asked_for(project: Installed, versions: list[str]) -> None:
    whole = answer(project.work, "dataset", "show", versions[0], "--limit", "0")
    assert whole["matching"] == len(whole["rows"]) == sum(whole["samples"].values())
    assert whole["languages"] == {"en": len(whole["rows"]) - 1, "zh": 1}
    wanted = answer(project.work, "dataset", "show", versions[0], "--split", "test", "--symbol", "send", "--limit", "0")
    expected = [row for row in whole["rows"] if row["split"] == "test" and "acme.send" in row["symbols"]]
    assert wanted["rows"] == expected
    pairs = answer(project.work, "dataset", "show", versions[0], "--kind", "question-answer", "--limit", "2")
    assert (pairs["matching"], len(pairs["rows"])) == (5, 2)
    drawn = [
        answer(project.work, "dataset", "show", versions[0], "--random", "--seed", seed, "--limit", "9")["rows"]
        for seed in ("1", "1", "2")
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert "there are " in refused(project.work, "dataset", "show", "--kind", "poem")


def test_one_sample_comes_with_where_it_comes_from(project: Installed, versions: list[str]) -> None:
    rows = answer(project.work, "dataset", "show", versions[0], "--kind", "question-answer", "--limit", "0")["rows"]
    row = next(row for row in rows if "每天都送货" in str(row))
    shown = docutune(project.work, "dataset", "show", versions[0], "--sample", row["id"][:8]).stdout
    assert "每天都送货，节假日也送。" in shown
    assert "qa.csv:6-6" in shown
    assert f"docutune trace {row['id']}" in shown
    assert "has no sample 'abc'" in refused(project.work, "dataset", "show", "--sample", "abc")


def test_what_was_left_out_is_shown_with_its_reason_and_content(copy: Installed, versions: list[str]) -> None:
    assert answer(copy.work, "dataset", "show", "--rejected", "--reason", "duplicates")["rejected"] == []
    kinds = answer(copy.work, "dataset", "show", "--rejected")["reasons"]
    (kind,) = [kind for kind in kinds if kind.startswith("duplicates: ")]
    by_kind = answer(copy.work, "dataset", "show", "--rejected", "--reason", kind)
    text = docutune(copy.work, "dataset", "show", "--rejected", "--reason", kind.partition(": ")[2].upper()).stdout
    assert len(by_kind["rejected"]) == kinds[kind]
    assert all(item["subject"][:16] in text for item in by_kind["rejected"])
    first, counted, *_ = text.splitlines()
    assert first.startswith(f"1 left out of version {versions[2]} by run ")
    assert counted.split()[:2] == ["1", "duplicates:"]
    assert "Its drivers own Acme together!" in text
    assert "qa.csv:7-7" in text
    shutil.rmtree(copy.work / ".docutune/runs")
    kept = answer(copy.work, "dataset", "show", versions[1], "--rejected")
    assert sum(kept["reasons"].values()) == len(kept["rejected"]) > 0
    assert any("together!" in str(item.get("sample")) for item in kept["rejected"])
    assert kept.get("run") is None


# ---- diff


def test_a_diff_names_the_cause_of_every_difference(project: Installed, versions: list[str]) -> None:
    found = answer(project.work, "dataset", "diff", versions[0], versions[1])
    by_fact: dict[str, list[Any]] = {}
    for item in found["differences"]:
        by_fact.setdefault((item["after"] or item["before"])["fact"], []).append(item)
    sending = by_fact["explanation:Guide > Sending"]
    assert {(item["what"], item["why"], item["detail"]) for item in sending} == {
        ("changed", "document changed", "docs/guide.md")
    }
    for item in sending:  # the same question, another answer
        questions = {item[side]["messages"][0]["content"] for side in ("before", "after")}
        assert len(questions) == 1
    assert {(item["what"], item["why"]) for item in by_fact["explanation:Returns"]} == {("added", "document added")}
    [edited] = [item for item in found["differences"] if "red house" in str(item["after"])]
    assert (edited["what"], edited["why"], edited["detail"]) == ("changed", "row edited in its file", "qa.csv:3-3")
    gone = [item for item in found["differences"] if "acme.track" in (item["before"] or {"symbols": ()})["symbols"]]
    assert {item["what"] for item in gone} == {"removed"}
    assert all("changed" in item["why"] for item in gone)
    counts = found["counts"]
    assert counts["same"] + counts["changed"] + counts["removed"] == found["before"]["samples"]
    assert counts["same"] + counts["changed"] + counts["added"] == found["after"]["samples"]


def test_another_split_is_a_change_that_says_so(project: Installed, versions: list[str]) -> None:
    found = answer(project.work, "dataset", "diff", versions[1])
    assert {(item["what"], item["why"]) for item in found["differences"]} == {("changed", "split options changed")}
    assert found["differences"][0]["detail"] == "rephrased 0.2 -> 0.6"
    text = docutune(project.work, "dataset", "diff", versions[1], "--stat").stdout
    assert f"0 added, 0 removed, {found['counts']['changed']} changed" in text
    assert "split: train -> test (rephrased)" in docutune(project.work, "dataset", "diff", versions[1]).stdout
    assert "no difference" in docutune(project.work, "dataset", "diff", "latest", versions[2]).stdout


def test_a_diff_tells_of_curators_and_generators(copy: Installed, versions: list[str]) -> None:
    edit(copy.work / "pipeline.yaml", "split:", "curate: []\nsplit:")
    run(copy)
    [more] = answer(copy.work, "dataset", "diff", versions[2])["differences"]
    assert (more["what"], more["why"]) == ("added", "no longer left out by duplicates")
    [less] = answer(copy.work, "dataset", "diff", "latest", versions[2])["differences"]
    assert (less["what"], less["why"]) == ("removed", "left out by duplicates")
    assert less["detail"]
    run(copy, "--set", "generate=[{uses: grounded, with: {phrasings: 1}}]")
    fewer = answer(copy.work, "dataset", "diff", versions[2], "--stat")
    assert "options of the generator changed" in fewer["causes"]


# ---- tags, removal, clean


def test_a_tag_is_a_name_that_moves_only_when_told(copy: Installed, versions: list[str]) -> None:
    for name in ("latest", "cafe", "12", "-x", "a b", "x" * 65):
        assert "tag" in refused(copy.work, "dataset", "tag", "--", name, versions[0])
    assert docutune(copy.work, "dataset", "tag", "good", versions[0]).returncode == 0
    assert f"names {versions[0]} already" in refused(copy.work, "dataset", "tag", "good", versions[1])
    assert f"(before: {versions[0]})" in docutune(copy.work, "dataset", "tag", "good", versions[1], "--force").stdout
    assert answer(copy.work, "dataset", "list")[1]["tags"] == ["good"]
    assert versions[1] in docutune(copy.work, "dataset", "tag", "good", "--delete").stdout
    assert "there is no tag 'good'" in refused(copy.work, "dataset", "tag", "good", "--delete")
    (copy.work / ".docutune/tags.json").write_text("{")
    assert "tags.json: cannot be read" in refused(copy.work, "dataset", "list")


def test_tags_set_at_the_same_time_are_all_kept(copy: Installed, versions: list[str]) -> None:
    paths = os.pathsep.join(filter(None, [str(copy.site), os.environ.get("PYTHONPATH", "")]))
    setting = [
        subprocess.Popen(
            [*COMMAND, "dataset", "tag", f"t{number}", versions[0]],
            cwd=copy.work,
            env={**os.environ, "PYTHONPATH": paths},
        )
        for number in range(6)
    ]
    assert [process.wait(120) for process in setting] == [0] * 6
    assert answer(copy.work, "dataset", "list")[0]["tags"] == [f"t{number}" for number in range(6)]


def test_a_version_that_something_names_is_not_removed(copy: Installed, versions: list[str]) -> None:
    first = versions[0]
    docutune(copy.work, "dataset", "tag", "good", first)
    (copy.work / "other.yaml").write_text(f"version: 1\nproject: acme\ndataset: {first}\n")
    model = copy.work / ".docutune/models" / ("a" * 24)
    model.mkdir(parents=True)
    (model / "model.json").write_text(json.dumps({"name": "tuned", "key": "a" * 64, "dataset": first}))
    (copy.work / ".docutune/notebook.json").write_text(json.dumps({"ratings": {"1": {"dataset": first}}}))
    told = refused(copy.work, "dataset", "remove", first, "--yes")
    for name in (
        "tag good",
        "pipeline file other.yaml",
        "model tuned aaaa",
        "run 2",
        "1 entry of the notebook",
        "--force",
    ):
        assert name in told
    assert folder(copy, first).is_dir()
    assert "no terminal to ask" in refused(copy.work, "dataset", "remove", first, "--force")
    assert docutune(copy.work, "dataset", "remove", first, "--force", "--yes").stdout.startswith(f"removed {first}")
    assert not folder(copy, first).exists()
    assert "no dataset version is called 'good'" in refused(copy.work, "dataset", "show", "good")
    assert "not here any more" in refused(copy.work, "dataset", "show", first)


def test_nothing_is_removed_while_a_run_is_at_work(copy: Installed, versions: list[str]) -> None:
    code = (
        "import pathlib, sys\nfrom docutune.workspace import Store\n"
        "with Store(pathlib.Path()).locked():\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], cwd=copy.work, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert "another docutune run is at work" in refused(copy.work, "dataset", "remove", versions[0], "--force", "--yes")
    holder.communicate("")
    assert folder(copy, versions[0]).is_dir()


def test_clean_keeps_what_a_tag_or_a_pipeline_file_names(copy: Installed, versions: list[str]) -> None:
    docutune(copy.work, "dataset", "tag", "good", versions[0])
    (copy.work / "other.yaml").write_text(f"version: 1\nproject: acme\ndataset: {versions[1][:8]}\n")
    assert docutune(copy.work, "clean", "--keep", "1", "--yes").returncode == 0
    assert [item["version"] for item in answer(copy.work, "dataset", "list")] == versions
    (copy.work / "other.yaml").unlink()
    docutune(copy.work, "dataset", "tag", "good", "--delete")
    assert docutune(copy.work, "clean", "--yes").returncode == 0
    assert [item["version"] for item in answer(copy.work, "dataset", "list")] == versions[2:]


# ---- damage


@pytest.mark.parametrize("name", ["samples.jsonl", "train.jsonl", "test.jsonl", "rejected.jsonl", "dataset.json"])
def test_a_changed_byte_is_found(name: str, copy: Installed, versions: list[str]) -> None:
    path = folder(copy, versions[2]) / name
    whole = path.read_bytes()
    place = len(whole) // 2
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert versions[2] in refused(copy.work, "dataset", "show", versions[2])
    refused(copy.work, "dataset", "export", versions[2], "--format", "messages", "--output", "out.jsonl")
    assert not (copy.work / "out.jsonl").exists()
    refused(copy.work, "run", "--set", f"dataset={versions[2]}")
    run(copy)  # from the sources it is made again
    assert path.read_bytes() == whole
    assert answer(copy.work, "dataset", "show", versions[2])["version"] == versions[2]


def test_a_workspace_without_versions_says_so(environment: Installed) -> None:
    write_project(environment.work)
    (environment.work / "pipeline.yaml").write_text(PIPELINE)
    assert "docutune run makes one" in docutune(environment.work, "dataset", "list").stdout
    assert "no run has made a dataset yet" in refused(environment.work, "dataset", "show")
    assert not (environment.work / ".docutune").exists()
