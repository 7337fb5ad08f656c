"""Packages of strangers, built and installed by pip into an environment of their own: good ones and broken ones."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from docutune import hf

ROOT = Path(__file__).parent.parent
ASCIIDOC = ROOT / "examples/plugins/docutune-asciidoc"
MIN_LENGTH = ROOT / "examples/plugins/docutune-min-length"
PLAIN = ROOT / "tests/packages/docutune-plain-trainer"
PAGE = ROOT / "docs/plugins.md"
OFFLINE = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation")
BUILD = """
import os, sys
from setuptools import build_meta
wheels, *folders = sys.argv[1:]
for folder in folders:
    os.chdir(folder)
    build_meta.build_wheel(wheels)
"""
Call = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Fresh:
    """A virtual environment. Its own packages come first; libraries are those of the environment of the tests."""

    folder: Path

    def run(self, *command: str, work: Path | None = None, **variables: str) -> Call:
        """A command of this environment's bin/."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        program = str(self.folder / "bin" / command[0])
        return subprocess.run(
            [program, *command[1:]],
            cwd=work or self.folder,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=400,
        )

    def pip(self, *arguments: str) -> None:
        done = self.run("python", "-m", "pip", *arguments)
        assert done.returncode == 0, done.stderr

    def install(self, folder: Path) -> None:
        """`pip install FOLDER`, of a copy: building leaves files behind."""
        copy = self.folder / "sources" / folder.name
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        self.pip("install", *OFFLINE, str(copy))

    def docutune(self, work: Path, *arguments: str, **variables: str) -> Call:
        return self.run("docutune", *arguments, work=work, **variables)

    def answer(self, work: Path, *arguments: str) -> Any:
        """What a command with --json prints, all of it JSON; it must succeed."""
        done = self.docutune(work, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def create(folder: Path) -> Fresh:
    """docutune itself is installed from its sources, the libraries are seen through a .pth file."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=100)
    paths = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    nearby = "".join(f"import site; site.addsitedir({path!r})\n" for path in sorted(_sites()))
    (site / "nearby.pth").write_text(nearby)
    fresh = Fresh(folder)
    sources = folder / "sources/docutune"
    for name in ("core", "plugins"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources / name)
    fresh.pip("install", *OFFLINE, str(sources))
    return fresh


def _sites() -> set[str]:
    return {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}


# ---- broken packages

HEAD = """
from pydantic import BaseModel, ConfigDict

from docutune import ParserRegistration, Registration, hookimpl


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Keep:
    def __init__(self, config): pass

    async def reject(self, samples, context): return []


def curator(name, **changes):
    fields = dict(name=name, revision=1, summary="Keeps all.", config=Config, load=f"acme_{name}:Keep")
    return Registration(**{**fields, **changes})


"""
OFFER = "@hookimpl\ndef docutune_curators():\n    return "


@dataclass(frozen=True)
class Broken:
    """A package `acme-<name>`: its module, what `plugins list` says of it, and its remedy."""

    name: str
    source: str
    cause: str
    todo: str
    entry_point: str = ""

    @property
    def package(self) -> str:
        return f"acme-{self.name}"

    @property
    def module(self) -> str:
        return f"acme_{self.name.replace('-', '_')}"

    def write(self, folder: Path) -> Path:
        root = folder / self.package
        root.mkdir(parents=True)
        (root / f"{self.module}.py").write_text(self.source)
        (root / "pyproject.toml").write_text(
            '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n\n'
            f'[project]\nname = "{self.package}"\nversion = "0.7"\n\n'
            f'[project.entry-points."docutune.plugins"]\n{self.name} = "{self.entry_point or self.module}"\n\n'
            f'[tool.setuptools]\npy-modules = ["{self.module}"]\n'
        )
        return root


REMOVE = "pip uninstall acme-{}"
BROKEN = (
    Broken("import", "from docutune import absent\n", "ImportError: cannot import name 'absent'", REMOVE),
    Broken("exit", "import sys\nsys.exit(3)\n", "ended the program with exit code 3", REMOVE),
    Broken("library", "import acme_no_library\n", "No module named 'acme_no_library'", "install the module 'acme_no_l"),
    Broken("nowhere", "", "No module named 'acme_far'", "install the module 'acme_far'", entry_point="acme_far"),
    Broken("attribute", HEAD, "has no attribute 'gone'", REMOVE, entry_point="acme_attribute:gone"),
    Broken("silent", HEAD, "implements no docutune hook", "decorate its hooks with docutune.hookimpl"),
    Broken("type", HEAD + OFFER + "['type']\n", "must return Registration objects, found str", "update acme-type"),
    Broken("raising", HEAD + OFFER + "[{}['key']]\n", "KeyError: 'key'", REMOVE),
    Broken(
        "loose",
        HEAD + "class Loose(BaseModel):\n    pass\n\n\n" + OFFER + "[curator('loose', config=Loose)]\n",
        'needs model_config = ConfigDict(extra="forbid", frozen=True)',
        "update acme-loose",
    ),
    Broken(
        "gone",
        HEAD + OFFER + "[curator('gone', load='acme_gone.work:Keep')]\n",
        "`load` of 'gone' names the module 'acme_gone.work', which is not there",
        "update acme-gone",
    ),
    Broken(
        "shadow",
        HEAD + OFFER + "[curator('duplicates', load='acme_shadow:Keep')]\n",
        "curator 'duplicates' is",
        "uninstall",
    ),
    Broken("one", HEAD + OFFER + "[curator('twin', load='acme_one:Keep')]\n", "acme-two 0.7", "uninstall"),
    Broken("two", HEAD + OFFER + "[curator('twin', load='acme_two:Keep')]\n", "acme-one 0.7", "uninstall"),
)
LATE = {
    "class": HEAD + OFFER + "[curator('class', load='acme_class:Gone')]\n",
    "needs": HEAD + OFFER + "[curator('needs', requires=('acme_no_library',), extra='acme-needs[all]')]\n",
}
NOISE = "import os\nprint('noise')\nos.write(1, b'noise')\nos.system('echo noise')\n"
LOUD = (
    NOISE
    + HEAD.replace("return []", NOISE.replace("\n", "; ") + "return []")
    + OFFER.replace("    return", "    " + NOISE.replace("\n", "; ") + "return")
    + "[curator('loud')]\n"
)
ILL = HEAD + "@hookimpl\ndef docutune_step_finished(step):\n    print('noise')\n    raise SystemExit(4)\n"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Good and broken packages side by side."""
    environment = create(tmp_path_factory.mktemp("fresh") / "venv")
    for folder in (ASCIIDOC, MIN_LENGTH, PLAIN):
        environment.install(folder)
    others = [Broken(name, source, "", "") for name, source in {**LATE, "loud": LOUD, "ill": ILL}.items()]
    folders = [package.write(environment.folder / "sources") for package in (*BROKEN, *others)]
    wheels = environment.folder / "wheels"
    done = environment.run("python", "-c", BUILD, str(wheels), *map(str, folders))
    assert done.returncode == 0, done.stderr
    environment.pip("install", *OFFLINE, *map(str, sorted(wheels.glob("*.whl"))))
    return environment


# ---- a stranger's parser

GUIDE = """= The Parcel Guide
:product: Acme

== Sending

{product} sends parcels to every city of the country within two days. It weighs them first, finds the shortest way and
tells the receiver when to be at home, so that nobody waits in vain.

This is how `acme.send` is called:

[source,python]
----
import acme

acme.send(500, city="Oslo")
----

include::rates.adoc[]
"""
CODE = '''"""Parcels."""


def send(grams: int, city: str = "Bergen") -> str:
    return city
'''
PIPELINE = "version: 1\nproject: acme\nsources:\n  - path: docs\n  - path: acme.py\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A library whose guide is AsciiDoc."""
    folder = tmp_path / "work"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs/guide.adoc").write_text(GUIDE)
    (folder / "acme.py").write_text(CODE)
    return write(folder)


def write(work: Path, sections: str = "") -> Path:
    (work / "pipeline.yaml").write_text(PIPELINE + sections)
    return work


def rows(work: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (work / ".docutune/runs/latest/samples.jsonl").read_text().splitlines()]


def lines(work: Path, span: dict[str, Any]) -> list[str]:
    """What stands at a sample's origin."""
    return (work / span["source"]).read_text().splitlines()[span["first_line"] - 1 : span["last_line"]]


def refused(done: Call, code: int = 2) -> str:
    """The one line of a command that could not do its work, and no traceback."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.strip() and "noise" not in line and line[0] != " "]
    return line


def test_a_stranger_s_parser_is_used_by_name_and_its_samples_point_to_the_right_lines(fresh: Fresh, work: Path) -> None:
    found = {plugin["name"]: plugin for plugin in fresh.answer(work, "plugins", "list")["plugins"]}
    assert (found["asciidoc"]["package"], found["asciidoc"]["version"]) == ("docutune-asciidoc", "1.0.0")
    fresh.answer(work, "run")
    samples = {row["kind"]: row for row in rows(work)}
    (section,) = samples["explanation"]["origin"]["spans"]
    assert lines(work, section) == GUIDE.splitlines()[3:16]
    assert "Acme sends parcels to every city" in samples["explanation"]["messages"][-1]["content"]
    (example,) = samples["usage"]["origin"]["spans"]
    assert lines(work, example)[0] == "[source,python]"
    assert 'acme.send(500, city="Oslo")' in samples["usage"]["messages"][-1]["content"]
    said = fresh.docutune(work, "status", "latest").stdout
    assert "docs/guide.adoc: line 18: 'rates.adoc' is not included here" in said


def test_its_options_are_checked_and_change_what_it_makes(fresh: Fresh, work: Path) -> None:
    options = "{max_section_chars: 100, attributes: {product: Bcme}}"
    fresh.answer(write(work, f"parse: [{{uses: asciidoc, with: {options}}}]\n"), "run")
    sample = next(row for row in rows(work) if row["kind"] == "explanation")
    assert sample["messages"][-1]["content"].startswith("Bcme sends parcels")
    assert lines(work, sample["origin"]["spans"][0]) == GUIDE.splitlines()[3:7]
    write(work, "parse:\n  - uses: asciidoc\n    with: {max_section_char: 100}\n")
    line = refused(fresh.docutune(work, "validate"))
    mistake = "unknown option of parser 'asciidoc'; did you mean 'max_section_chars'?"
    assert line == f"pipeline.yaml:8: parse[0].with.max_section_char: {mistake}"
    assert line in PAGE.read_text()


def as_the_page_says(folder: Path) -> Path:
    """A package of the files that docs/plugins.md shows first, each named in the sentence above it."""
    shown = re.findall(
        r"`([\w/]+\.(?:toml|py))` [^`]*?(?:`[^`]*` [^`]*?)*```(?:toml|python)\n(.*?)```", PAGE.read_text(), re.S
    )
    files = dict(shown[:3])
    assert set(files) == {"pyproject.toml", "docutune_asciidoc/plugin.py", "docutune_asciidoc/parse.py"}
    for name, text in {**files, "README.md": "", "docutune_asciidoc/__init__.py": ""}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_code_of_the_page_is_the_packages_own() -> None:
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    files = [
        path.read_text()
        for folder in (ASCIIDOC, MIN_LENGTH, PLAIN)
        for path in (*folder.rglob("*.py"), *folder.glob("*.toml"))
    ]
    assert len(blocks) == 9
    assert [block for block in blocks if not any(block in text for text in files)] == []


def test_the_page_names_every_hook_and_every_method_of_the_contract() -> None:
    page = PAGE.read_text()
    tree = ast.parse((ROOT / "core/contracts.py").read_text())
    lent = ("Context", "Library")
    protocols = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name not in lent]
    methods = [
        item for node in protocols for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert len(methods) == 20
    for method in methods:
        words = ", ".join(argument.arg for argument in method.args.args[1:])
        assert f"{method.name}({words})" in page
    hooks = re.findall(r"^def (docutune_\w+)", (ROOT / "core/hookspecs.py").read_text(), re.MULTILINE)
    assert [hook for hook in hooks if f"`{hook}" not in page] == []


def test_the_packages_stand_on_what_the_page_allows() -> None:
    page = PAGE.read_text()
    public = {
        *("docutune", "docutune.records", "docutune.contracts", "docutune.errors"),
        *("docutune.hf", "docutune.checkpoints"),
    }
    sources = [path.read_text() for folder in (ASCIIDOC, MIN_LENGTH, PLAIN) for path in folder.rglob("*.py")]
    used = {
        name for text in sources for name in re.findall(r"^\s*(?:from|import) (docutune(?:\.[\w.]+)?)\s", text, re.M)
    }
    assert used == public - {"docutune.errors"}
    assert [name for name in public if f"`{name}`" not in page] == []
    assert [name for name in hf.__all__ if f"`{name}`" not in page] == []


def test_what_is_uninstalled_is_missed_in_one_line_and_seen_again_at_once(fresh: Fresh, work: Path) -> None:
    fresh.pip("uninstall", "--quiet", "--yes", "docutune-asciidoc")
    try:
        done = fresh.docutune(work, "run", "--until", "parse")
        assert "files that no installed parser reads: 1 .adoc" in done.stderr
        write(work, "parse: [{uses: asciidoc}]\n")
        assert "no parser is called 'asciidoc'" in refused(fresh.docutune(work, "run"))
        fresh.install(as_the_page_says(work / "from-the-page"))
        assert fresh.docutune(work, "validate").returncode == 0
        (shown,) = re.findall(r"^parser .*ready$", PAGE.read_text(), re.MULTILINE)
        listed = fresh.docutune(work, "plugins", "list").stdout
        assert " ".join(shown.split()) in [" ".join(line.split()) for line in listed.splitlines()]
    finally:
        fresh.install(ASCIIDOC)
    assert fresh.docutune(work, "validate").returncode == 0


def test_its_own_tests_pass_where_it_is_installed(fresh: Fresh) -> None:
    done = fresh.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ASCIIDOC / "tests"))
    assert done.returncode == 0, done.stdout


# ---- a stranger's curator


def test_a_stranger_s_curator_leaves_out_what_the_page_says(fresh: Fresh, work: Path) -> None:
    fresh.answer(work, "run", "--until", "dataset")
    before = {row["id"]: len(row["messages"][-1]["content"]) for row in rows(work)}
    assert min(before.values()) < 60 < max(before.values())
    (options,) = re.findall(r"`(curate: .*min-length.*)` uses it", PAGE.read_text())
    fresh.answer(write(work, f"{options}\n"), "run", "--until", "dataset")
    assert {row["id"] for row in rows(work)} == {name for name, length in before.items() if length >= 60}


def test_its_bug_is_told_as_the_page_says(fresh: Fresh, work: Path) -> None:
    source = (MIN_LENGTH / "docutune_min_length.py").read_text()
    assert source.count("messages[-1]") == 1
    (work / "docutune_min_length.py").write_text(source.replace("messages[-1]", "messages[9]"))
    write(work, "curate: [{uses: min-length}]\n")
    done = fresh.docutune(work, "run", PYTHONPATH=str(work))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"  {line}\n" in PAGE.read_text()


# ---- a stranger's trainer

TRAINING = """generate: [{uses: grounded, with: {kinds: [purpose], phrasings: 4}}]
split: {rephrased: 1.0, validation: 0.2}
train:
  - name: smoke
    uses: trl
    with:
      model: builtin/tiny
      learning_rate: 8.0e-3
      max_steps: 40
      trl: {group_by_length: true}
      plain: {optimizer: adamw}
runtime: {uses: local, with: {max_new_tokens: 32}}
"""
FACTS = ("Send one parcel to a city.", "Tell where a parcel is.", "Put a parcel on the scales.", "Pay a loss back.")
LOAD = """
import sys
from peft import PeftModel
from transformers import AutoModelForCausalLM
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(sys.argv[1]), sys.argv[2])
print(sum(float(value.abs().sum()) > 0 for name, value in model.named_parameters() if "lora_B" in name))
"""


@pytest.mark.training
def test_another_backend_is_one_word(fresh: Fresh, work: Path) -> None:
    names = ("send", "track", "weigh", "refund")
    functions = "".join(f'\n\ndef {name}():\n    """{text}"""\n' for name, text in zip(names, FACTS, strict=True))
    (work / "acme.py").write_text(f'"""Parcels."""\n{functions}')
    write(work, TRAINING)
    assert "the options of trainer 'plain' are ignored by 'trl'" in fresh.docutune(work, "validate").stderr
    done = fresh.docutune(work, "run", "--trainer", "plain", "--json")
    assert done.returncode == 0, done.stderr
    assert "the options of trainer 'trl' are ignored by 'plain'" in done.stderr
    summary = json.loads(done.stdout)
    report = json.loads((Path(summary["folder"]) / "report.json").read_text())
    (model,) = report["models"]
    losses = [point["loss"] for point in model["curve"] if "loss" in point]
    assert len(losses) == 40
    assert losses[-1] < losses[0] / 2
    assert len(model["answers"]) == len(FACTS)
    assert {figure["metric"] for figure in summary["figures"]["smoke"]["text-overlap"]} >= {"rougeL"}
    store = work / ".docutune"
    (base,) = [path.parent for path in store.glob("models/*/config.json")]
    loaded = fresh.run("python", "-c", LOAD, str(base), str(store / summary["models"][0]["adapter"]))
    assert int(loaded.stdout) > 10, loaded.stderr
    write(work, TRAINING.replace("uses: trl", "uses: plain"))
    again = fresh.answer(work, "run")
    assert again["figures"] == summary["figures"]
    manifest = json.loads((Path(again["folder"]) / "manifest.json").read_text())
    assert {step["status"] for step in manifest["steps"]} == {"reused"}


# ---- broken packages at work


def test_broken_packages_are_listed_with_cause_and_remedy_and_stop_no_command(fresh: Fresh, work: Path) -> None:
    shown = fresh.docutune(work, "plugins", "list").stdout
    listed = fresh.answer(work, "plugins", "list")
    failed = {item["package"]: item for item in listed["failed"]}
    assert set(failed) == {package.package for package in BROKEN}
    for package in BROKEN:
        item = failed[package.package]
        assert item["version"] == "0.7"
        assert package.cause in item["cause"]
        assert package.todo.format(package.name) in item["hint"]
        assert f"failed: {package.package} 0.7 ({package.name}): {item['cause']}\n  {item['hint']}" in shown
    states = {plugin["name"]: plugin["state"] for plugin in listed["plugins"]}
    assert (states["asciidoc"], states["plain"], states["loud"], states["class"]) == ("ready",) * 4
    assert (states["needs"], "twin" in states) == ("incomplete", False)
    for command in (["--help"], ["validate"], ["plan"], ["run"], ["status"], ["status", "latest"], ["report"]):
        done = fresh.docutune(work, *command)
        assert (done.returncode, "noise" in done.stdout) == (0, False), done.stderr
        assert "Traceback" not in done.stderr
    assert fresh.answer(work, "run")["outcome"] == "finished"
    assert fresh.answer(work, "status")
    assert "SystemExit: 4" in fresh.docutune(work, "run").stderr
    checks = fresh.docutune(work, "doctor", "--json")
    assert checks.returncode == 0, checks.stderr
    assert "acme-exit" in checks.stdout
    assert json.loads(checks.stdout)


def test_a_pipeline_that_names_broken_packages_is_told_of_each_in_one_line(fresh: Fresh, work: Path) -> None:
    names = ["twin" if package.name in ("one", "two") else package.name for package in BROKEN]
    write(work, "curate:\n" + "".join(f"  - uses: {name}\n" for name in [*names, "needs"]))
    done = fresh.docutune(work, "run")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    told = [line for line in done.stderr.splitlines() if line.startswith("pipeline.yaml:")]
    assert len(told) == len(BROKEN) + 1
    for index, package in enumerate(BROKEN):
        assert told[index].startswith(f"pipeline.yaml:{index + 7}: curate[{index}].uses: no curator is called") or (
            "is offered by" in told[index]
        )
        assert package.cause in told[index]
    assert "curator 'needs' needs acme_no_library: install with pip install 'acme-needs[all]'" in told[-1]
    write(work, "curate: [{uses: exit}]\n")
    line = refused(fresh.docutune(work, "plan"))
    assert "ended the program with exit code 3" in line
    assert line.partition(" (")[0] in PAGE.read_text()


def test_a_class_that_cannot_be_had_is_told_when_it_is_used(fresh: Fresh, work: Path) -> None:
    done = fresh.docutune(write(work, "curate: [{uses: class}]\n"), "run")
    assert done.returncode == 1
    assert "error: curator 'class' of acme-class 0.7 cannot be used: AttributeError: " in done.stderr
    assert "Traceback" not in done.stderr
    done = fresh.docutune(write(work, "curate: [{uses: loud}]\n"), "run", "--json")
    assert json.loads(done.stdout)["outcome"] == "finished", done.stderr
