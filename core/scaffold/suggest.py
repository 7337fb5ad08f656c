"""Sensible defaults: the project's name, its language, and what this machine can train."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.errors import PluginError
from docutune.registry import Entry, Registry
from docutune.scaffold.find import Findings
from docutune.scaffold.tree import Source
from docutune.training import TINY, TrainingConfig

SMALL_MODEL = "Qwen/Qwen3-0.6B"
LARGER_MODEL = "Qwen/Qwen3-1.7B"
_ENOUGH_GIB = 5.5  # what a card sold as 6 GB has

_READ_FILES = 40
_READ_BYTES = 6000
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Training:
    """What can be trained here: trainers that are ready, and what to install when there is none.

    `gpu_gib` is the memory of the largest GPU that can be used; None: there is none.
    """

    trainers: tuple[str, ...]
    lacking: tuple[str, ...]
    gpu_gib: float | None

    @property
    def trainer(self) -> str | None:
        """The trainer to take unless another is named."""
        return min(self.trainers, key=_rank, default=None)

    @property
    def model(self) -> str | None:
        """The base model to take unless another is named; None: only the dataset can be made."""
        if self.trainer is None:
            return None
        if self.gpu_gib is None:
            return TINY
        return SMALL_MODEL if self.gpu_gib < _ENOUGH_GIB else LARGER_MODEL


def project_name(folder: Path) -> str:
    """The name in pyproject.toml or setup.cfg, else the folder's."""
    for name in (_of_pyproject(folder / "pyproject.toml"), _of_setup_cfg(folder / "setup.cfg")):
        if isinstance(name, str) and name.strip():
            return name.strip()
    return folder.resolve().name or "library"


def _of_pyproject(path: Path) -> Any:
    try:
        content: Any = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None  # absent, or not for us to complain of
    for table in (content.get("project"), (content.get("tool") or {}).get("poetry")):
        if isinstance(table, dict) and table.get("name"):
            return table["name"]
    return None


def _of_setup_cfg(path: Path) -> Any:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8"))
    except (OSError, ValueError, configparser.Error):
        return None
    name = parser.get("metadata", "name", fallback="")
    return None if name.startswith(("attr:", "file:")) else name


def language(findings: Findings, sources: Sequence[Source]) -> str:
    """What the documents among the sources, or without any the pairs, are written in: "zh" or "en".

    A Chinese character says about as much as two letters, and Chinese texts on software are full of Latin names.
    """
    documents = [source for source in sources if source.holds == "documents"]
    if not documents:
        return "zh" if 2 * sum(source.chinese for source in sources) > sum(source.pairs for source in sources) else "en"
    chinese = letters = 0
    for path in _files(findings, documents):
        text = _beginning(path)
        chinese += len(_CHINESE.findall(text))
        letters += len(_LETTER.findall(text))
    return "zh" if chinese * 2 > letters else "en"


def _files(findings: Findings, sources: Sequence[Source]) -> Iterator[Path]:
    """Some files of each source."""
    for source in sources:
        kinds = frozenset(source.counts)
        below = [folder.path / name for folder in findings.tree.below(source.path) for name in folder.having(kinds)]
        for path in below[:_READ_FILES] or [source.path]:
            yield findings.folder / path


def _beginning(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_READ_BYTES).decode("utf-8", "ignore")
    except OSError:
        return ""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)  # JSON written in ASCII


def training(registry: Registry, gpu_gib: float | None) -> Training:
    """What is ready to train, to answer and to measure; without one of them only the dataset can be made."""
    offered = [entry for entry in registry.registrations("trainer") if _is_usual(entry)]
    ready = tuple(entry.name for entry in offered if not entry.missing)
    easiest = sorted(offered, key=lambda entry: _rank(entry.name))[:1]
    needed = [*(() if ready else easiest), *_named(registry, ("runtime", "local"), ("evaluator", "text-overlap"))]
    lacking = [entry for entry in needed if entry.missing]
    return Training(() if lacking else ready, tuple(dict.fromkeys(entry.install for entry in lacking)), gpu_gib)


def _rank(trainer: str) -> tuple[bool, str]:
    """The one that runs everywhere comes first."""
    return trainer != "trl", trainer


def _named(registry: Registry, *names: tuple[str, str]) -> Iterator[Entry]:
    for kind, name in names:
        try:
            yield registry.get(kind, name)
        except PluginError:
            continue  # broken or removed: `docutune plugins list` shows it, and the written file is validated


def _is_usual(entry: Entry) -> bool:
    """Whether a trainer takes the options that every trainer of docutune takes, none of its own required."""
    config = entry.registration.config
    required = {name for name, info in config.model_fields.items() if info.is_required()}
    return issubclass(config, TrainingConfig) and required == {"model"}
