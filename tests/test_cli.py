"""The command line: exit codes, error lines, and the commands that show plugins, schema and machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

from docutune.cli.table import COMMANDS

PROJECT = "version: 1\nproject: acme\nsources:\n  - path: docs\n"


def write_project(folder: Path, text: str = PROJECT) -> None:
    (folder / "docs").mkdir()
    (folder / "pipeline.yaml").write_text(text)


# ---- the frame


def test_help_lists_every_command_with_its_summary(environment: Installed) -> None:
    done = environment.docutune("--help")
    assert done.returncode == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.partition("Commands:\n")[2].splitlines()]
    assert lines == [[name, command.summary] for name, command in COMMANDS.items()]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists_and_explains_itself(name: str, environment: Installed) -> None:
    done = environment.docutune(name, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: docutune {name}")


def test_the_version_is_that_of_the_package(environment: Installed) -> None:
    assert environment.docutune("--version").stdout == "docutune 0.1.0\n"


def test_an_unknown_command_is_answered_with_the_nearest_one(environment: Installed) -> None:
    done = environment.docutune("plugin")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "Error: no command 'plugin'; did you mean 'plugins'?"


def test_an_unknown_option_is_wrong_usage(environment: Installed) -> None:
    assert environment.docutune("validate", "--jsn").returncode == 2


def test_a_known_error_is_one_line_and_a_hint(environment: Installed) -> None:
    done = environment.docutune("plugins", "info", "markdwn")
    assert done.returncode == 2
    error, hint = done.stderr.splitlines()
    assert error == "error: no plugin is called 'markdwn'; did you mean 'markdown'?"
    assert hint.startswith("  installed: balance, duplicates, ")
    assert done.stdout == ""


RAISE = """
import sys
from docutune.cli import main, table
table.COMMANDS["boom"] = table.Command("acme_boom:boom", "")
sys.exit(main(["boom"]))
"""


def boom(environment: Installed, body: str) -> Any:
    command = f"import click\n@click.command()\ndef boom():\n    {body}\n"
    environment.install("acme-boom", {"acme_boom.py": command})
    return environment.python(RAISE)


def test_an_unknown_error_keeps_its_traceback(environment: Installed) -> None:
    done = boom(environment, "1 / 0")
    assert done.returncode == 1
    assert "Traceback" in done.stderr and done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_an_interruption_is_130(environment: Installed) -> None:
    done = boom(environment, "raise KeyboardInterrupt")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_sees_no_traceback(environment: Installed) -> None:
    command = [sys.executable, "-c", "from docutune.cli import main; main(['schema'])"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=environment.work)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=180) == 1


def test_completion_offers_commands_without_loading_them(environment: Installed) -> None:
    done = environment.docutune(_DOCUTUNE_COMPLETE="bash_complete", COMP_WORDS="docutune va", COMP_CWORD="1")
    assert done.stdout == "plain,validate\n"


# ---- validate


def test_a_right_file_is_found_from_a_folder_below(environment: Installed) -> None:
    write_project(environment.work)
    code = "import os, sys; from docutune.cli import main; os.chdir('docs'); sys.exit(main(['validate']))"
    done = environment.python(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "../pipeline.yaml: valid (1 source, 1 generator, 0 trainings)\n"


def test_without_a_file_the_way_out_is_named(environment: Installed) -> None:
    done = environment.docutune("validate")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no pipeline.yaml in this folder or above it\n")


def test_problems_as_json(environment: Installed) -> None:
    write_project(environment.work, PROJECT + "splt: {}\n")
    done = environment.docutune("validate", "--json", "--set", "project=1")
    assert done.returncode == 2
    assert json.loads(done.stdout) == {
        "file": "pipeline.yaml",
        "valid": False,
        "problems": [
            {"file": "pipeline.yaml", "line": 5, "key": "splt", "message": "unknown key; did you mean 'split'?"},
            {"file": "--set", "line": None, "key": "project", "message": "expected text, found 1"},
        ],
    }


# ---- plugins and schema


def test_plugins_are_listed_with_kind_package_and_state(environment: Installed) -> None:
    environment.install("acme-broken", {"acme_broken.py": "import acme_absent"}, "broken = acme_broken")
    done = environment.docutune("plugins", "list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["parser", "markdown", "docutune", "0.1.0", "ready"]
    assert lines[-2:] == [
        "failed: acme-broken 1.0 (broken): ModuleNotFoundError: No module named 'acme_absent'",
        "  install the module 'acme_absent', or remove the package: pip uninstall acme-broken",
    ]


def test_a_plugin_s_options_are_shown_with_types_and_defaults(environment: Installed) -> None:
    lines = environment.docutune("plugins", "info", "trl").stdout.splitlines()
    assert lines[0].startswith("trainer trl: ")
    options = {line.split()[0]: " ".join(line.split()[1:]) for line in lines if line.startswith("    ")}
    assert options["model"].startswith("text, required base model")
    assert options["quantization"].startswith('"nf4" or "int8" or "none", default "nf4"')
    assert options["lora_rank"].startswith("integer from 1 to 1024, default 16")
    [plugin] = environment.answer("plugins", "info", "trl")
    assert {option["name"] for option in plugin["options"]} == set(options)
    assert all(option["description"] for option in plugin["options"])


def test_descriptions_are_broken_at_the_width_of_the_terminal(environment: Installed) -> None:
    wide = environment.docutune("plugins", "info", "trl").stdout
    assert max(map(len, wide.splitlines())) > 130
    for columns in (80, 130):
        narrow = environment.docutune("plugins", "info", "trl", COLUMNS=str(columns)).stdout
        assert max(map(len, narrow.splitlines()[1:])) <= columns
        assert narrow.split() == wide.split()


def test_one_long_default_does_not_move_the_descriptions_of_the_other_options(environment: Installed) -> None:
    lines = environment.docutune("plugins", "info", "langchain").stdout.splitlines()
    (phrasings,) = [line for line in lines if line.startswith("    phrasings ")]
    assert max(map(len, re.findall(" +", phrasings))) < 60
    (kinds,) = [line for line in lines if line.startswith("    kinds ")]
    assert kinds.index("default [") > 100


def test_every_built_in_option_is_described(environment: Installed) -> None:
    plugins = environment.answer("plugins", "list")["plugins"]
    assert len(plugins) == 21
    for plugin in plugins:
        [details] = environment.answer("plugins", "info", plugin["name"])
        assert all(option["description"] for option in details["options"]), plugin["name"]


def test_the_schema_is_json(environment: Installed) -> None:
    schema = json.loads(environment.docutune("schema").stdout)
    assert schema["properties"]["version"]["const"] == 1
    assert schema["required"] == ["version", "project"]
    assert schema["anyOf"] == [{"required": ["sources"]}, {"required": ["dataset"]}]


# ---- doctor


def test_the_doctor_checks_machine_libraries_and_plugins(environment: Installed) -> None:
    environment.install("acme-broken", {"acme_broken.py": "import acme_absent"}, "broken = acme_broken")
    checks = {check["name"]: check for check in environment.answer("doctor")["checks"]}
    assert {"python", "system", "memory", "disk", "gpu", "libraries", "plugins", "plugin"} <= set(checks)
    assert checks["libraries"]["status"] in ("ok", "warn")
    assert checks["plugin"]["status"] == "warn"
    assert "hub" not in checks
    assert all(check["advice"] for check in checks.values() if check["status"] != "ok")


def test_a_gpu_is_found_without_torch(environment: Installed) -> None:
    tool = environment.work / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Fast GPU, 24564 MiB, 23000 MiB, 570.1'\n")
    tool.chmod(0o755)
    path = f"{environment.work}{os.pathsep}{os.environ['PATH']}"
    [gpu] = [check for check in environment.answer("doctor", PATH=path)["checks"] if check["name"] == "gpu"]
    assert gpu["found"].startswith("Fast GPU, 24564 MiB")


def test_a_hub_that_cannot_be_reached_is_a_warning(environment: Installed) -> None:
    checks = environment.answer("doctor", "--hub", HF_ENDPOINT="http://127.0.0.1:9")["checks"]
    assert (checks[-1]["name"], checks[-1]["status"]) == ("hub", "warn")
    assert "http://127.0.0.1:9 cannot be reached" in checks[-1]["found"]


def test_a_missing_core_library_is_a_failure(environment: Installed) -> None:
    """A docutune whose metadata asks for a library that is not there."""
    info = environment.install("docutune", {}, "markdown = docutune.plugins.parsers.markdown.plugin", version="0.1.0")
    with (info / "METADATA").open("a") as metadata:
        metadata.write("Requires-Dist: acme-absent>=1\nRequires-Dist: click>=99; extra == 'trl'\n")
    done = environment.docutune("doctor")
    assert done.returncode == 1
    assert "fail  libraries: missing: acme-absent" in done.stdout
