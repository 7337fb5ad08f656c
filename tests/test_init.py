"""`docutune init`: what it finds in folders of many kinds, what it asks, and that what it writes is valid."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from installed import Installed

from docutune.api import Workspace
from docutune.scaffold.write import Choices

GUIDE = """# Guide

Acme sends parcels to every city of the country within two days. It weighs them, finds the shortest way and tells the
receiver when to be at home. Nothing is lost, for every parcel has a number.
"""
CHINESE = """# 指南

Acme 把包裹寄到全国的每一座城市，两天之内送达。它称出重量，找到最短的路线，
并告诉收件人什么时候在家等候。每个包裹都有编号，所以不会丢失。
"""
CODE = '''"""Parcels for everyone."""


def send(grams: int) -> str:
    """Send one parcel and return its number."""
    return str(grams)
'''
ROWS = [{"question": f"How heavy may parcel {n} be?", "answer": f"It may weigh {n} kilograms."} for n in range(1, 31)]
COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]


def lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


LIBRARY = {"pyproject.toml": '[project]\nname = "acme-sdk"\n', "docs/guide.md": GUIDE, "src/acme/__init__.py": CODE}
SPLIT = {f"data/{name}.jsonl": lines(ROWS[i::3]) for i, name in enumerate(("train", "validation", "test"))}


@pytest.fixture
def project(environment: Installed, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """An empty folder on a machine without a GPU."""
    tool = environment.site / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexit 9\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    return environment


def put(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


CHECK = """
import sys
from docutune.cli import main
name, *arguments = sys.argv[1:]
steps = ([["init", *arguments]] if arguments else []) + [["validate", name], ["plan", name]]
sys.exit(next((code for step in steps if (code := main(step))), 0))
"""


def written(project: Installed, name: str = "pipeline.yaml", *arguments: str) -> dict[str, Any]:
    """The file as a tree; it must be valid and have a plan. `init` comes first when there are arguments for it."""
    done = project.python(CHECK, name, *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    tree: dict[str, Any] = yaml.safe_load((project.work / name).read_text(encoding="utf-8"))
    return tree


def init(project: Installed, files: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    """What `init --yes` writes for these files."""
    put(project.work, files)
    return written(project, "pipeline.yaml", "--yes", *arguments)


# ---- what is found


def test_documents_and_code_give_a_commented_file_that_runs(project: Installed) -> None:
    tree = init(project, {**LIBRARY, "README.md": GUIDE, "CHANGELOG.md": GUIDE, "docs/old.rst": "Old\n===\n"})
    assert (tree["project"], tree["language"]) == ("acme-sdk", "en")
    assert tree["sources"] == [{"path": "README.md"}, {"path": "docs"}, {"path": "src"}]
    assert tree["train"][0]["with"]["model"] == "builtin/tiny"
    text = (project.work / "pipeline.yaml").read_text()
    assert all("#" in line for line in text.splitlines() if line and not line.lstrip().startswith(("- uses", "with")))
    assert text.isascii()
    summary = project.answer("run", "--until", "dataset")
    assert summary["dataset"]["train"] > 0
    assert {document["source"] for document in manifest(project)["documents"]} == {
        *("README.md", "docs/guide.md", "src/acme/__init__.py")
    }


def manifest(project: Installed) -> dict[str, Any]:
    text = (project.work / ".docutune/runs/latest/manifest.json").read_text()
    return dict(json.loads(text))


def test_what_was_found_is_shown_with_counts_and_what_no_parser_reads(project: Installed) -> None:
    extra = {"docs/one.rst": "x", "docs/two.rst": "x", "docs/conf.py": "x = 1\n", "data/sizes.csv": "a,b\n1,2\n"}
    put(project.work, {**LIBRARY, **SPLIT, **extra, "package.json": "{}"})
    done = project.docutune("init", "--yes")
    shown = [line.split() for line in done.stdout.splitlines()]
    assert ["1", "documents", "docs", "1", ".md"] in shown
    assert ["2", "code", "src", "1", ".py"] in shown
    assert ["3", "pairs", "data", "3", ".jsonl:", "30", "pairs", "(train,", "validation,", "test)"] in shown
    assert "no installed parser reads: 2 .rst\n" in done.stdout
    assert "no pairs seen in data/sizes.csv " in done.stdout
    assert "package.json" not in done.stdout
    assert "not meant for use" in done.stdout
    for command in ("validate", "plan", "run"):
        assert f"  docutune {command} " in done.stdout
    tree = written(project)
    assert tree["sources"][0] == {"path": "docs", "exclude": ["*.py"]}
    assert tree["sources"][2] == {"samples": "data", "include": ["/test.jsonl", "/train.jsonl", "/validation.jsonl"]}


@pytest.mark.parametrize(
    ("files", "sources"),
    [
        ({"acme/__init__.py": CODE, "acme/depot/__init__.py": CODE, "setup.py": ""}, [{"path": "acme"}]),
        ({"src/acme.py": CODE}, [{"path": "src"}]),
        ({"src/acme/depot/ways.py": CODE}, [{"path": "src"}]),
        ({"acme.py": CODE, "setup.py": "", "conftest.py": "", "test_acme.py": ""}, [{"path": "acme.py"}]),
        ({"acme/send.py": CODE, "scripts/do.py": CODE}, [{"path": "acme"}]),
        ({"one/src/a/__init__.py": CODE, "two/b/__init__.py": CODE}, [{"path": "one/src"}, {"path": "two/b"}]),
        ({f"{name}.py": CODE for name in "abcd"}, [{"path": ".", "include": ["/*.py"]}]),
        ({"__init__.py": CODE, "depot.py": CODE}, [{"path": "."}]),
        ({"one/docs/a.md": GUIDE, "one/src/b.py": CODE}, [{"path": "one/docs"}, {"path": "one/src"}]),
    ],
)
def test_packages_and_modules_are_found(
    files: dict[str, str], sources: list[dict[str, Any]], project: Installed
) -> None:
    assert init(project, files)["sources"] == sources


def test_tests_builds_environments_and_others_code_are_neither_found_nor_read(project: Installed) -> None:
    put(
        project.work,
        {
            **{f"{name}/__init__.py": "" for name in ("tests", "build/lib/acme", "examples/shop", "venv/lib/x")},
            **dict.fromkeys(("tests/notes.md", "docs/_build/out.md", "docs/guide.md", "node_modules/x/a.md"), GUIDE),
            **dict.fromkeys(("my env/pyvenv.cfg", "my env/lib/other/__init__.py", "acme/tests/__init__.py"), ""),
            **dict.fromkeys(("acme/__init__.py", "acme/_vendor/six.py", "acme/test_send.py", "acme/send.py"), CODE),
        },
    )
    tree = init(project, {})
    assert [source["path"] for source in tree["sources"]] == ["docs", "acme"]
    project.answer("run", "--until", "parse")
    documents = {document["source"] for document in manifest(project)["documents"]}
    assert documents == {"docs/guide.md", "acme/__init__.py", "acme/send.py"}


def chat(row: Mapping[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]}


TABLE = [f"{row['question']}\t{row['answer']}" for row in ROWS]


@pytest.mark.parametrize(
    ("files", "sources"),
    [
        (SPLIT, [{"samples": "data"}]),
        (
            {Path(name).name: text for name, text in SPLIT.items()},
            [{"samples": ".", "include": ["/test.jsonl", "/train.jsonl", "/validation.jsonl"]}],
        ),
        ({"faq.jsonl": lines([chat(row) for row in ROWS])}, [{"samples": "faq.jsonl"}]),
        ({"faq.json": json.dumps(ROWS, indent=1)}, [{"samples": "faq.json"}]),
        ({"faq.tsv": "\n".join(["question\tanswer", *TABLE])}, [{"samples": "faq.tsv"}]),
        (
            {"faq.csv": "\n".join(["instruction,output", *(row.replace("\t", ",") for row in TABLE)])},
            [{"samples": "faq.csv"}],
        ),
        (
            {"acme_test.jsonl": lines(ROWS[:9]), "acme_train.jsonl": lines(ROWS[9:])},
            [{"samples": "acme_test.jsonl", "split": "test"}, {"samples": "acme_train.jsonl", "split": "train"}],
        ),
        ({f"q/{n}.jsonl": lines(ROWS[n::5]) for n in range(5)}, [{"samples": "q"}]),
        ({"q/faq.json": json.dumps(ROWS), "q/README.md": GUIDE, "package.json": "{}"}, [{"samples": "q/faq.json"}]),
    ],
)
def test_pairs_alone_give_samples_and_nothing_to_generate(
    files: dict[str, str], sources: list[dict[str, Any]], project: Installed
) -> None:
    tree = init(project, files)
    assert tree["sources"] == sources
    assert "generate" not in tree
    assert set(tree["split"]) == {"test", "validation", "seed"}
    sizes = project.answer("run", "--until", "dataset")["dataset"]
    assert sizes["test"] > 0 and sizes["train"] + sizes["validation"] + sizes["test"] > 20


FAQ = "question,answer\n" + "".join(f"{row['question']},{row['answer']}\n" for row in ROWS)


@pytest.mark.parametrize(
    ("files", "sources", "counts"),
    [
        (
            {**{f"docs/{name}.md": GUIDE for name in "abcde"}, "docs/qa.csv": FAQ, "src/acme.py": CODE},
            [{"path": "docs"}, {"path": "src"}, {"samples": "docs/qa.csv"}],
            "5 .md",
        ),
        (
            {"docs/a.md": GUIDE, "docs/b.md": GUIDE, "docs/x.json": json.dumps(ROWS)},
            [{"path": "docs"}, {"samples": "docs/x.json"}],
            "2 .md",
        ),
        (
            {"docs/a.md": GUIDE, "docs/b.md": GUIDE, "docs/sub/c.md": GUIDE, "docs/sub/faq.csv": FAQ},
            [{"path": "docs"}, {"samples": "docs/sub/faq.csv"}],
            "3 .md",
        ),
        (
            {"docs/a.md": GUIDE, "docs/README.md": GUIDE, "docs/faq.csv": FAQ},
            [{"path": "docs"}, {"samples": "docs/faq.csv"}],
            "2 .md",
        ),
    ],
)
def test_documents_beside_pairs_stay_documents(
    files: dict[str, str], sources: list[dict[str, Any]], counts: str, project: Installed
) -> None:
    put(project.work, files)
    done = project.docutune("init", "--yes")
    shown = [line.split() for line in done.stdout.splitlines()]
    assert ["1", "documents", "docs", *counts.split()] in shown
    assert "left out" not in done.stdout
    assert written(project)["sources"] == sources
    done = project.docutune("run", "--until", "parse")
    assert "no installed parser reads" not in done.stderr
    assert {document["source"] for document in manifest(project)["documents"]} == files.keys()


def test_the_readme_of_a_folder_of_data_is_left_out_and_told(project: Installed) -> None:
    data = {"data/faq.csv": FAQ, "data/README.md": GUIDE, "data/LICENSE.md": GUIDE}
    put(project.work, {**LIBRARY, **data})
    done = project.docutune("init", "--yes")
    said = "left out, for it goes with pairs: data/LICENSE.md, data/README.md (as a document: `- path:` under sources)"
    assert said in done.stdout
    assert written(project)["sources"] == [{"path": "docs"}, {"path": "src"}, {"samples": "data/faq.csv"}]


def test_documents_and_pairs_give_both(project: Installed) -> None:
    tree = init(project, {**LIBRARY, **SPLIT})
    assert tree["sources"] == [{"path": "docs"}, {"path": "src"}, {"samples": "data"}]
    assert set(tree["split"]) == {"rephrased", "test", "validation", "seed"}
    assert tree["generate"][0]["uses"] == "grounded"
    assert project.answer("run", "--until", "dataset")["dataset"]["test"] >= 10


def test_chinese_documents_give_chinese_comments(project: Installed) -> None:
    put(project.work, {"src/acme.py": CODE})
    tree = init(project, {"说明/指南.md": CHINESE, "README.md": CHINESE})
    assert tree["language"] == "zh"
    assert tree["sources"] == [{"path": "README.md"}, {"path": "说明"}, {"path": "src"}]
    comments = [line.partition("# ")[2] for line in (project.work / "pipeline.yaml").read_text("utf-8").splitlines()]
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in comment) for comment in comments if comment)


def test_many_documents_at_the_top_are_one_source(project: Installed) -> None:
    notes = {f"note {n}.md": CHINESE for n in range(4)}
    assert init(project, {**notes, "LICENSE.md": "x"})["sources"] == [
        {"path": ".", "include": ["/*.md"], "exclude": ["/LICENSE.md"]}
    ]
    project.answer("run", "--until", "parse")
    assert {document["source"] for document in manifest(project)["documents"]} == set(notes)


def test_nothing_found_says_what_was_looked_for(project: Installed) -> None:
    put(project.work, {"a.rst": "x", "b.json": "{}"})
    done = project.docutune("init", "--yes")
    assert done.returncode == 2
    assert "no installed parser reads: 1 .rst" in done.stdout
    assert "found no document, no Python package and no file of question-answer pairs (.csv, .json" in done.stderr
    assert sorted(path.name for path in project.work.iterdir()) == ["a.rst", "b.json"]


ODD = (
    *("a: b #c", "- x", "中文 文档", "2e-4", "true", "it's", 'say "yes"', "[1]", "{a}", "*", "!tag", "%"),
    *("~", "null", "1_000", "0x10", "2026-01-01", "tab\there", "back\\slash", "&a", " lead", "trail ", "emoji 🙂"),
)


def test_odd_names_come_out_as_they_are(project: Installed) -> None:
    parts = {f"{name}/guide.md": GUIDE for name in ODD} | {f"{name} qa/faq [#1].jsonl": lines(ROWS) for name in ODD}
    parts |= {f"{name} qa/train.jsonl": lines(ROWS) for name in ODD} | {f"{name} qa/x.csv": "a\n" for name in ODD}
    put(project.work, {**parts, "setup.cfg": "[metadata]\nname = 2e-4: #1\n"})
    tree = init(project, {})
    assert tree["project"] == "2e-4: #1"
    found = project.docutune("validate", "--json")
    assert json.loads(found.stdout)["valid"]
    project.answer("run", "--until", "parse")
    documents = {document["source"] for document in manifest(project)["documents"]}
    assert documents == {name for name in parts if not name.endswith("x.csv")}


@pytest.mark.parametrize(("folders", "files"), [("abcdefghi", 1), ("z", 5_001), ("pqrstu", 4_100)])
def test_a_large_tree_is_looked_at_within_bounds_and_told_so(folders: str, files: int, project: Installed) -> None:
    """A deep one, one with a large folder, and one with many large folders that come after what is wanted."""
    put(project.work, LIBRARY)
    place = project.work / "zz"
    for folder in folders:
        place = place / folder if files == 1 else project.work / "zz" / folder
        place.mkdir(parents=True)
        for number in range(files):
            (place / f"{number}.dat").touch()
    done = project.docutune("init", "--yes")
    assert done.returncode == 0
    bounds = "20,000 names, 5,000 in one folder, 8 folders deep"
    assert f"there is more than the look takes in ({bounds})" in done.stdout
    assert [source["path"] for source in written(project)["sources"]] == ["docs", "src"]


# ---- where it is written


def test_an_existing_file_stays_unless_forced_and_every_former_one_is_kept(project: Installed) -> None:
    put(project.work, {**LIBRARY, "pipeline.yaml": "mine: 1\n"})
    done = project.docutune("init", "--yes")
    assert done.returncode == 2
    assert done.stderr.startswith("error: pipeline.yaml: exists already\n  --force ")
    assert (project.work / "pipeline.yaml").read_text() == "mine: 1\n"
    for name, former in (("pipeline.yaml.bak", "mine: 1\n"), ("pipeline.yaml.bak2", "# Written by docutune")):
        done = project.docutune("init", "--yes", "--force")
        assert f"The former file is kept: {name}\n" in done.stdout
        assert (project.work / name).read_text().startswith(former)
        assert written(project)["project"] == "acme-sdk"


def test_below_another_workspace_and_beside_another_file(project: Installed) -> None:
    put(project.work, {"pipeline.yaml": "version: 1\n", "part/docs/guide.md": GUIDE, "part/src/a.py": CODE})
    done = project.docutune("init", "part", "--yes", "--file", "docs/my pipeline.yaml")
    assert done.returncode == 0, done.stderr
    assert "docutune run 'part/docs/my pipeline.yaml'" in done.stdout
    assert written(project, "part/docs/my pipeline.yaml")["sources"] == [{"path": "."}, {"path": "../src"}]
    assert (project.work / "pipeline.yaml").read_text() == "version: 1\n"
    assert "more: no such folder\n" in project.docutune("init", "part", "--yes", "--file", "more/x.yaml").stderr
    assert project.docutune("init", "part", "--yes", "--file", "docs").stderr.startswith(
        "error: part/docs: is a folder"
    )
    assert project.docutune("init", "absent", "--yes").returncode == 2


def without_rights() -> None:
    """Even root has to keep to the permissions of folders after this."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def test_a_folder_that_may_not_be_written_is_refused_before_any_question(project: Installed) -> None:
    put(project.work, LIBRARY)
    project.work.chmod(0o555)
    done = subprocess.run(
        [*COMMAND, "init", "--yes"],
        cwd=project.work,
        env=variables(project),
        capture_output=True,
        text=True,
        preexec_fn=without_rights,
        timeout=180,
    )
    project.work.chmod(0o755)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {project.work}: cannot be written to\n")
    assert done.stdout == ""
    assert not (project.work / "pipeline.yaml").exists()


def test_folders_that_may_not_be_read_are_named(project: Installed) -> None:
    put(project.work, {**LIBRARY, "secret/a.md": GUIDE})
    (project.work / "secret").chmod(0)
    done = subprocess.run(
        [*COMMAND, "init", "--yes"],
        cwd=project.work,
        env=variables(project),
        capture_output=True,
        text=True,
        preexec_fn=without_rights,
        timeout=180,
    )
    (project.work / "secret").chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert "not readable: secret\n" in done.stdout


# ---- which model


@pytest.mark.parametrize(
    ("memory", "model"), [(4096, "Qwen/Qwen3-0.6B"), (6144, "Qwen/Qwen3-1.7B"), (24564, "Qwen/Qwen3-1.7B")]
)
def test_the_model_follows_the_memory_of_the_gpu(memory: int, model: str, project: Installed) -> None:
    project.install("torch", {}, version="2.13.0")
    (project.site / "bin/nvidia-smi").write_text(f"#!/bin/sh\necho 'Fast GPU, {memory} MiB, 900 MiB, 570.1'\n")
    options = init(project, LIBRARY)["train"][0]["with"]
    assert options["model"] == model
    assert options["epochs"] == 3 and "max_steps" not in options


def test_a_gpu_that_the_installed_torch_cannot_use_counts_for_nothing(project: Installed) -> None:
    project.install("torch", {}, version="2.13.0+cpu")
    (project.site / "bin/nvidia-smi").write_text("#!/bin/sh\necho 'Fast GPU, 24564 MiB, 900 MiB, 570.1'\n")
    assert init(project, LIBRARY)["train"][0]["with"]["model"] == "builtin/tiny"


LACKING = "import sys; sys.modules['{}'] = None; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize(("library", "extra"), [("trl", "trl"), ("sacrebleu", "eval")])
def test_without_the_libraries_of_a_training_only_the_dataset_is_made(
    library: str, extra: str, project: Installed
) -> None:
    put(project.work, LIBRARY)
    done = project.python(LACKING.format(library), "init", "--yes", "--model", "Qwen/Qwen3-0.6B")
    assert done.returncode == 2
    assert "error: --model Qwen/Qwen3-0.6B: nothing can be trained yet\n  pip install " in done.stderr
    assert not (project.work / "pipeline.yaml").exists()
    done = project.python(LACKING.format(library), "init", "--yes")
    assert f"Only the dataset can be made here. To train: pip install 'docutune[{extra}]'\n" in done.stdout
    assert "train" not in written(project)
    text = (project.work / "pipeline.yaml").read_text()
    uncommented = text.replace("\n# ", "\n").replace("Nothing is trained", "# Nothing is trained")
    (project.work / "pipeline.yaml").write_text(uncommented)
    assert written(project)["train"][0]["with"]["model"] == "Qwen/Qwen3-0.6B"


def test_options_answer_questions(project: Installed) -> None:
    tree = init(project, LIBRARY, "--model", "none", "--language", "zh")
    assert tree["language"] == "zh" and "train" not in tree
    done = project.docutune("init", "--yes", "--force", "--model", "./absent")
    assert (done.returncode, "error: --model ./absent: no folder " in done.stderr) == (2, True)
    assert init(project, {}, "--force", "--model", "acme/own-model")["train"][0]["with"]["model"] == "acme/own-model"


def test_run_runs(project: Installed) -> None:
    put(project.work, LIBRARY)
    done = project.docutune("init", "--yes", "--model", "none", "--run")
    assert done.returncode == 0, done.stderr
    assert ": finished in " in done.stdout
    assert manifest(project)["outcome"] == "finished"


def test_every_combination_of_choices_is_valid(project: Installed) -> None:
    put(project.work, {**LIBRARY, **SPLIT, "acme_test.jsonl": lines(ROWS[:9]), "acme_train.jsonl": lines(ROWS[9:])})
    workspace = Workspace(project.work)
    found = workspace.survey().sources
    assert [source.holds for source in found] == ["documents", "code", *["samples"] * 3]
    subsets = [chosen for size in range(1, 6) for chosen in itertools.combinations(found, size)]
    models = (None, "builtin/tiny", "Qwen/Qwen3-1.7B", "../odd: name #1")
    languages = (("en",), ("zh",), ("en", "zh"))
    put(project.work, {"sub/README": "", "odd: name #1/config.json": "{}", "odd: name #1/model.safetensors": ""})
    count = 0
    for sources, model, language in itertools.product(subsets, models, languages):
        choices = Choices("acme: #1", language, project.work, sources, model)
        workspace.write_pipeline(choices, project.work / "sub/pipeline.yaml", force=False)
        (project.work / "sub/pipeline.yaml").unlink()
        count += 1
    assert count == 31 * 4 * 3


# ---- the template for question-answer files


def test_the_template_qa_trains_two_small_models_on_pairs_alone(project: Installed) -> None:
    tree = init(project, {**LIBRARY, **SPLIT}, "--template", "qa")
    assert tree["sources"] == [{"samples": "data"}]
    assert "generate" not in tree
    options = [step["with"] for step in tree["train"]]
    assert [step["model"] for step in options] == ["Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B"]
    for step in options:
        assert (step["learning_rate"], step["max_length"], step["epochs"]) == (2e-4, 1024, 3)
        assert 8 <= step["lora_rank"] <= 64
    assert tree["evaluate"][0]["with"]["metrics"] == ["rougeL", "rouge1", "rouge2", "bleu"]
    planned = [step["name"] for step in project.answer("plan")["steps"]]
    assert [name for name in planned if name.startswith(("train:", "evaluate:"))] == [
        *("train:qwen3-0.6b", "train:qwen3-1.7b", "evaluate:qwen3-0.6b", "evaluate:qwen3-1.7b")
    ]


@pytest.mark.parametrize("name", ["faq.csv", "faq.json"])
def test_short_chinese_pairs_are_found_and_are_chinese(project: Installed, name: str) -> None:
    pairs = [(f"第{n}个？", "好") for n in range(1, 5)]
    table = "问题,答案\n" + "".join(f"{question},{answer}\n" for question, answer in pairs)
    rows = [{"instruction": question, "output": answer} for question, answer in pairs]
    content = table.encode("gb18030") if name == "faq.csv" else json.dumps(rows).encode()
    (project.work / name).write_bytes(content)
    tree = init(project, {}, "--template", "qa", "--model", "builtin/tiny")
    assert tree["sources"] == [{"samples": name}]
    assert tree["language"] == "zh"


def test_the_template_qa_begins_without_any_pair(project: Installed) -> None:
    put(project.work, {**LIBRARY, "pairs.csv": "question,answer\n" + "".join(f"{n}?,It is {n}.\n" for n in range(9))})
    (project.work / "pairs.csv").rename(project.work.parent / "pairs.csv")
    tree = init(project, {}, "--template", "qa", "--model", "builtin/tiny", "--language", "zh")
    assert tree["sources"] == [{"samples": "samples/imported.jsonl"}]
    assert [step["with"]["model"] for step in tree["train"]] == ["builtin/tiny"]
    facts = project.answer("dataset", "import", "../pairs.csv", "--yes")
    assert (facts["listed"], sum(facts["add"].values())) == ("already", 9)
    assert project.answer("run", "--until", "dataset")["dataset"]["train"] == 7


def test_a_template_that_there_is_not_is_answered_with_those_that_there_are(project: Installed) -> None:
    done = project.docutune("init", "--yes", "--template", "chat")
    assert done.returncode == 2
    assert "'chat' is not one of 'library', 'qa'" in done.stderr


# ---- questions


def variables(project: Installed) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(project.site), os.environ.get("PYTHONPATH", "")])}


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], here: int) -> None:
        self.process = process
        self.seen = ""
        self._here = here

    def read(self, until: Callable[[str], bool] = lambda seen: False, seconds: float = 40) -> None:
        """Read until what is new fulfils a condition, or the command has ended."""
        start = len(self.seen)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not until(self.seen[start:]):
            if not select.select([self._here], [], [], 0.2)[0]:
                continue
            try:
                self.seen += os.read(self._here, 10_000).decode("utf-8", "replace")
            except OSError:  # the other side is closed
                return

    def answer(self, question: str, *answers: str) -> None:
        """Answer a question, also each time that it is asked again."""
        for text in answers:
            self.read(lambda new: question in new and new.rstrip(" ").endswith(":"))
            assert question in self.seen, self.seen
            os.write(self._here, text.encode())

    def interrupt(self, question: str) -> None:
        """Press Ctrl-C at a question until it is heard. One that comes when Python has written the question and
        does not wait for the answer yet is heard only when something else is typed.
        """
        self.answer(question, "")
        for _ in range(20):
            os.write(self._here, b"\x03")
            self.read(lambda new: "stopping" in new, seconds=1)
            if "stopping" in self.seen:
                return

    def end(self) -> int:
        """Read the rest; the exit code."""
        self.read()
        return self.process.wait(timeout=120)


@contextmanager
def terminal(project: Installed, *arguments: str) -> Iterator[Terminal]:
    here, there = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "init", *arguments],
        cwd=project.work,
        env=variables(project),
        preexec_fn=partial(os.login_tty, there),
        pass_fds=(there,),
    ) as process:
        os.close(there)
        try:
            yield Terminal(process, here)
        finally:
            process.kill()
            os.close(here)


QUESTIONS = ("Name of the project", "Use which of these?", "Language of the samples", "Base model", "Run it at once?")


def test_enter_takes_every_default(project: Installed) -> None:
    put(project.work, {**LIBRARY, **SPLIT})
    expected = init(project, {})
    (project.work / "pipeline.yaml").unlink()
    with terminal(project) as user:
        for question in QUESTIONS[:-1]:
            user.answer(question, "\n")
        user.answer(QUESTIONS[-1], "n\n")
        assert user.end() == 0
    assert written(project) == expected
    for default in ("[acme-sdk]", "[all]", "[en]", "[builtin/tiny]", "[Y/n]"):
        assert default in user.seen


def test_answers_are_used_and_wrong_ones_asked_for_again(project: Installed) -> None:
    put(project.work, {**LIBRARY, **SPLIT})
    with terminal(project) as user:
        user.answer(QUESTIONS[0], "  \n", "my: project\n")
        user.answer(QUESTIONS[1], "4\n", "1-3\n", "3，1\n")
        user.answer(QUESTIONS[2], "fr\n", "zh, en\n")
        user.answer(QUESTIONS[3], "builtin/big\n", "none\n")
        user.answer(QUESTIONS[4], "y\n")
        assert user.end() == 0, user.seen
    assert "write all, or numbers from 1 to 3" in user.seen
    assert "write en, zh or en,zh" in user.seen
    assert "there is no built-in model 'builtin/big'" in user.seen
    tree = written(project)
    assert (tree["project"], tree["language"]) == ("my: project", ["zh", "en"])
    assert tree["sources"] == [{"path": "docs"}, {"samples": "data"}]
    assert "train" not in tree
    assert manifest(project)["outcome"] == "finished"


@pytest.mark.parametrize("last", range(len(QUESTIONS)))
def test_ctrl_c_at_any_question_writes_nothing(last: int, project: Installed) -> None:
    put(project.work, LIBRARY)
    before = sorted(project.work.rglob("*"))
    with terminal(project) as user:
        for question in QUESTIONS[:last]:
            user.answer(question, "\n")
        user.interrupt(QUESTIONS[last])
        assert user.end() == 130
    assert "Traceback" not in user.seen
    assert sorted(project.work.rglob("*")) == before


def test_without_a_terminal_it_does_not_wait(project: Installed) -> None:
    put(project.work, LIBRARY)
    reading, writing = os.pipe()  # never written to: whoever reads it waits for ever
    done = subprocess.run(
        [*COMMAND, "init"],
        cwd=project.work,
        env=variables(project),
        stdin=reading,
        capture_output=True,
        text=True,
        timeout=180,
    )
    os.close(reading)
    os.close(writing)
    assert done.returncode == 2
    assert done.stderr == (
        "error: there is no terminal to ask at\n  docutune init --yes asks nothing and takes the defaults\n"
    )
    assert not (project.work / "pipeline.yaml").exists()
