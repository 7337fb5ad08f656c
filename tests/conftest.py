"""Fixtures that several tests share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forked import Forks

_OF_A_TERMINAL = {"COLUMNS", "LINES"}  # pytest-xdist sets them for its workers
_SECONDS = 180  # that a command may take on a busy machine
_LONGEST = (
    *("crashes", "reuse", "resume_runs", "devices", "ui_whole", "resume", "stranger_packages", "end_to_end"),
    *("endpoint", "ui_dataset", "ui", "pipeline", "chat", "init", "ui_chat", "training", "ui_models", "tuning"),
    *("status", "import", "disk_full", "worker", "report_page", "following", "local_chat", "runtime", "ui_evaluate"),
    *("ui_hostile", "detached", "environments", "clean", "trace", "stopped_chat", "hubs"),
)
_PLACES = {f"test_{name}.py": place for place, name in enumerate(_LONGEST)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin first, so that none is alone at the end; all else stays in its order."""
    items.sort(key=lambda item: _PLACES.get(item.path.name, len(_PLACES)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests counted: kills, and what was looked at after them."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "counts":
                terminalreporter.write_line(str(value).rstrip())


@dataclass(frozen=True)
class Environment:
    """A process environment with packages installed in it, as pip leaves them: a module and a *.dist-info folder."""

    site: Path
    work: Path
    forks: Forks

    def install(
        self,
        package: str,
        files: Mapping[str, str],
        entry_points: str | None = None,
        version: str = "1.0",
        site: Path | None = None,
    ) -> Path:
        """Write a package; `entry_points` are the lines of the group docutune.plugins. Returns its dist-info folder."""
        root = site or self.site
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        info = root / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n", encoding="utf-8"
        )
        if entry_points is not None:
            (info / "entry_points.txt").write_text(f"[docutune.plugins]\n{entry_points}\n", encoding="utf-8")
        return info

    def python(self, code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python code with the packages on its path."""
        return self._run(sys.executable, "-c", code, *arguments, **variables)

    def docutune(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line as the console script does."""
        own = self._environment(variables)
        if self.forks.can_run([Path(site) for site in own["PYTHONPATH"].split(os.pathsep)], own):
            return self.forks.run(arguments, self.work, own, _SECONDS)
        return self.python(
            "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))", *arguments, **variables
        )

    def answer(self, *arguments: str, **variables: str) -> Any:
        """What a command with --json says; it must succeed."""
        done = self.docutune(*arguments, "--json", **variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = self._environment(variables)
        return subprocess.run(command, capture_output=True, text=True, cwd=self.work, env=own, timeout=_SECONDS)

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(self.site), os.environ.get("PYTHONPATH", "")]))
        own = {name: value for name, value in os.environ.items() if name not in _OF_A_TERMINAL}
        return {**own, "PYTHONPATH": path, "XDG_CACHE_HOME": str(self.work / "cache"), **variables}


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """What runs commands."""
    made = Forks()
    yield made
    made.end()


@pytest.fixture
def environment(tmp_path: Path, forks: Forks) -> Environment:
    """An empty folder to work in, and one for packages."""
    return _empty(tmp_path, forks)


@pytest.fixture(scope="module")
def shared_environment(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Environment:
    """The same, one for a whole file of tests: for what takes long to make and is only looked at."""
    return _empty(tmp_path_factory.mktemp("shared"), forks)


def _empty(folder: Path, forks: Forks) -> Environment:
    environment = Environment(folder / "site", folder / "work", forks)
    environment.site.mkdir()
    environment.work.mkdir()
    return environment
