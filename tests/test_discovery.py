"""Discovery: what is installed, what fails and why; through real packages in a child process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

LIST = """
import json
from dataclasses import asdict
from docutune.discovery import discover
found = discover()
loaded = [[item.entry_point, item.package, item.version] for item in found.loaded]
print(json.dumps({"loaded": loaded, "failed": [asdict(item) for item in found.failed]}))
"""
BUILT_IN = [
    "balance",
    "duplicates",
    "gguf",
    "gradio",
    "grounded",
    "huggingface",
    "judge",
    "langchain",
    "leakage",
    "local",
    "markdown",
    "modelscope",
    "ollama",
    "pairs",
    "python",
    "quality",
    "safetensors",
    "secrets",
    "text-overlap",
    "trl",
    "unsloth",
]


def listed(environment: Installed, code: str = LIST, **variables: str) -> Any:
    done = environment.python(code, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def only_failure(environment: Installed) -> dict[str, str]:
    found = listed(environment)
    assert [name for name, package, _ in found["loaded"] if package == "docutune"] == BUILT_IN
    [failed] = found["failed"]
    assert failed["hint"]
    return dict(failed)


def test_built_in_plugins_are_found_as_strangers(environment: Installed) -> None:
    found = listed(environment)
    assert [name for name, _, _ in found["loaded"]] == BUILT_IN
    assert {package for _, package, _ in found["loaded"]} == {"docutune"}
    assert found["failed"] == []


def test_a_package_is_known_by_its_name_and_version(environment: Installed) -> None:
    environment.install("acme-adoc", {"acme_adoc.py": ""}, "adoc = acme_adoc", version="2.5")
    assert ["adoc", "acme-adoc", "2.5"] in listed(environment)["loaded"]


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import acme_absent", "ModuleNotFoundError: No module named 'acme_absent'"),
        ("raise SystemExit(3)", "ended the program with exit code 3"),
        ("assert False, 'broken'", "AssertionError: broken"),
        ("def (", "SyntaxError"),
        ("raise RuntimeError('first\\nsecond')", "RuntimeError: first second"),
        ("raise RuntimeError", "RuntimeError"),
    ],
)
def test_a_package_that_cannot_be_imported_costs_one_line(environment: Installed, source: str, cause: str) -> None:
    environment.install("acme-broken", {"acme_broken.py": source}, "broken = acme_broken", version="0.3")
    failed = only_failure(environment)
    assert failed["cause"].startswith(cause)
    assert "\n" not in failed["cause"]
    assert (failed["package"], failed["version"], failed["entry_point"]) == ("acme-broken", "0.3", "broken")


def test_a_missing_library_is_named_in_the_hint(environment: Installed) -> None:
    environment.install("acme-broken", {"acme_broken.py": "import acme_absent.part"}, "broken = acme_broken")
    assert "acme_absent" in only_failure(environment)["hint"]


def test_an_entry_point_that_is_no_python_path(environment: Installed) -> None:
    environment.install("acme-broken", {}, "broken = not a path!")
    assert only_failure(environment)["entry_point"] == "broken"


@pytest.mark.parametrize("content", [b"broken = \xff\xfe", b"broken", b"= acme_broken", b"[broken"])
def test_damaged_entry_points_cost_that_package_only(environment: Installed, content: bytes) -> None:
    info = environment.install("acme-broken", {}, "broken = acme_broken")
    (info / "entry_points.txt").write_bytes(b"[docutune.plugins]\n" + content)
    found = environment.answer("plugins", "list")
    assert sorted([plugin["name"] for plugin in found["plugins"]]) == BUILT_IN
    assert [failed["package"] for failed in found["failed"]] == ["acme-broken"]


def test_a_package_without_metadata_is_known_by_its_folder(environment: Installed) -> None:
    info = environment.install("acme-adoc", {"acme_adoc.py": ""}, "adoc = acme_adoc")
    (info / "METADATA").unlink()
    assert ["adoc", "acme_adoc", "of unknown version"] in listed(environment, LIST, PYDANTIC_DISABLE_PLUGINS="1")[
        "loaded"
    ]


def test_what_a_package_prints_at_import_stays_out_of_stdout(environment: Installed) -> None:
    environment.install("acme-loud", {"acme_loud.py": "print('hello from acme')"}, "loud = acme_loud")
    done = environment.python(LIST)
    assert json.loads(done.stdout)["failed"] == []
    assert "hello from acme" in done.stderr


def test_strict_mode_raises_the_package_s_own_error(environment: Installed) -> None:
    environment.install("acme-broken", {"acme_broken.py": "{}['key']"}, "broken = acme_broken")
    done = environment.python(LIST, DOCUTUNE_STRICT="1")
    assert done.returncode == 1
    assert "KeyError: 'key'" in done.stderr and "acme_broken.py" in done.stderr


def test_two_packages_with_one_entry_point_name_are_both_refused(environment: Installed) -> None:
    for package in ("acme-one", "acme-two"):
        module = package.replace("-", "_")
        environment.install(package, {f"{module}.py": ""}, f"{module} = {module}\nshared = {module}_shared")
        environment.install(package, {f"{module}_shared.py": ""}, f"{module} = {module}\nshared = {module}_shared")
    found = listed(environment)
    assert {"acme_one", "acme_two"} <= {name for name, _, _ in found["loaded"]}
    assert "shared" not in {name for name, _, _ in found["loaded"]}
    causes = {failed["package"]: failed["cause"] for failed in found["failed"]}
    assert "acme-two 1.0" in causes["acme-one"] and "acme-one 1.0" in causes["acme-two"]


def test_a_stranger_cannot_take_a_built_in_s_place(environment: Installed) -> None:
    environment.install("acme-adoc", {"acme_adoc.py": ""}, "markdown = acme_adoc")
    failed = only_failure(environment)
    assert failed["package"] == "acme-adoc"
    assert "docutune" in failed["cause"]


def test_one_module_is_loaded_once(environment: Installed) -> None:
    environment.install("acme-adoc", {"acme_adoc.py": ""}, "adoc = acme_adoc\nasciidoc = acme_adoc")
    failed = only_failure(environment)
    assert failed["entry_point"] == "asciidoc"
    assert "already loaded" in failed["cause"]


def test_a_package_twice_on_the_path_counts_once(environment: Installed, tmp_path: Path) -> None:
    second = tmp_path / "second"
    environment.install("acme-adoc", {"acme_adoc.py": ""}, "adoc = acme_adoc", version="2.0")
    environment.install("Acme_Adoc", {"acme_adoc.py": ""}, "adoc = acme_adoc", version="1.0", site=second)
    found = listed(environment, f"import sys; sys.path.append({str(second)!r})\n{LIST}")
    assert found["failed"] == []
    assert [item for item in found["loaded"] if item[0] == "adoc"] == [["adoc", "acme-adoc", "2.0"]]


def test_a_reinstalled_package_is_seen_at_once(environment: Installed) -> None:
    """Also where stevedore keeps its list on disk: by the times of files, which an installation may preserve."""
    anywhere = f"import sys; sys.executable = '/opt/python/bin/python'\n{LIST}"
    info = environment.install("acme-adoc", {"acme_adoc.py": ""}, "old = acme_adoc")
    times = (info / "entry_points.txt").stat().st_mtime
    assert ["old", "acme-adoc", "1.0"] in listed(environment, anywhere)["loaded"]
    environment.install("acme-adoc", {"acme_adoc.py": ""}, "new = acme_adoc")
    for path in (info / "entry_points.txt", info, environment.site):
        os.utime(path, (times, times))
    assert ["new", "acme-adoc", "1.0"] in listed(environment, anywhere)["loaded"]


def test_importing_the_discovery_loads_no_plugin(environment: Installed) -> None:
    environment.install("acme-loud", {"acme_loud.py": "print('hello')"}, "loud = acme_loud")
    done = environment.python("import docutune.registry, docutune.config")
    assert done.stderr == done.stdout == ""
