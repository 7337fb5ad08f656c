"""setup.cfg says what the folders hold: packages, plugins, one tested set of versions."""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
SETUP = ConfigParser(delimiters="=")
SETUP.optionxform = str  # type: ignore[assignment,method-assign]
SETUP.read(ROOT / "setup.cfg")


def listed(section: str, key: str) -> list[str]:
    return [line.strip() for line in SETUP[section][key].splitlines() if line.strip()]


def packages(folder: str, name: str) -> set[str]:
    inits = (path.parent.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("__init__.py"))
    return {".".join((name, *path.parts)) for path in inits}


def test_listed_packages_equal_the_folders() -> None:
    assert set(listed("options", "packages")) == packages("core", "docutune") | packages("plugins", "docutune.plugins")


def test_every_folder_with_python_is_a_package() -> None:
    for folder in ("core", "plugins"):
        bare = {path.parent for path in (ROOT / folder).rglob("*.py") if not (path.parent / "__init__.py").exists()}
        assert bare == set()


def test_every_plugin_has_its_entry_point_named_like_its_folder() -> None:
    found = {path.parent.relative_to(ROOT / "plugins") for path in (ROOT / "plugins").rglob("plugin.py")}
    expected = {f"{path.name.replace('_', '-')} = docutune.plugins.{'.'.join(path.parts)}.plugin" for path in found}
    assert set(listed("options.entry_points", "docutune.plugins")) == expected
    assert len(expected) >= 7


def test_data_files_are_shipped() -> None:
    folders = {
        "docutune": ROOT / "core",
        "docutune.report": ROOT / "core/report",
        "docutune.plugins.curators.judge.prompts": ROOT / "plugins/curators/judge/prompts",
        "docutune.plugins.frontends.gradio": ROOT / "plugins/frontends/gradio",
        "docutune.plugins.generators.langchain.prompts": ROOT / "plugins/generators/langchain/prompts",
    }
    assert set(SETUP["options.package_data"]) == set(folders)
    shipped = {
        path
        for package, folder in folders.items()
        for pattern in listed("options.package_data", package)
        for path in folder.glob(pattern)
    }
    files = (path for folder in ("core", "plugins") for path in (ROOT / folder).rglob("*") if path.is_file())
    data = {path for path in files if path.suffix not in (".py", ".pyc")}
    assert data == shipped


@pytest.mark.parametrize("line", [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line])
def test_the_tested_set_satisfies_every_requirement(line: str) -> None:
    name, version = line.split("==")
    wanted = [Requirement(text) for text in requires("docutune") or ()]
    own = [need for need in wanted if _plain(need.name) == _plain(name)]
    assert all(need.specifier.contains(version) for need in own)


def test_every_direct_requirement_of_the_tests_is_pinned() -> None:
    pinned = {
        _plain(line.split("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    sections = [
        SETUP["options"]["install_requires"],
        *(SETUP["options.extras_require"][x] for x in ("trl", "eval", "test", "dev")),
    ]
    named = {_plain(Requirement(line).name) for text in sections for line in text.split("\n") if line.strip()}
    assert named - pinned - {"docutune"} == set()


def test_the_core_requires_none_of_the_heavy_libraries() -> None:
    core = {_plain(re.split(r"[<>=\[ ]", line)[0]) for line in listed("options", "install_requires")}
    assert not core & {"torch", "transformers", "trl", "peft", "datasets", "langchain", "gradio", "numpy"}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
