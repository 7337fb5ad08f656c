"""The `sources:` of a pipeline file that may not be right yet: what its files of samples hold, and one entry more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from docutune import atomic
from docutune.chat.options import ChatConfig
from docutune.config import SourceConfig, StepConfig
from docutune.config.binding import Binder, unwritten_places
from docutune.config.strict import validate
from docutune.config.yaml_lines import Document, read_yaml
from docutune.errors import ConfigError
from docutune.records import Reads
from docutune.registry import Registry
from docutune.scaffold.write import scalar
from docutune.steps.sources import SourceFile, find_files
from docutune.training import TrainingConfig

PIPELINE_FILE = "pipeline.yaml"


@dataclass(frozen=True)
class Sources:
    """What the pipeline file of a project says of samples; of one that is missing or has mistakes, what can be read.

    ConfigError, from every property, when the file is no YAML at all.
    """

    path: Path
    registry: Registry

    @property
    def exists(self) -> bool:
        """Whether there is a pipeline file."""
        return self.path.is_file()

    @cached_property
    def _document(self) -> Document:
        content = self.path.read_bytes() if self.exists else b"{}"
        document = read_yaml(content, str(self.path))
        if document.tree is None and document.problems:
            raise ConfigError(document.problems)
        return replace(document, places={**document.places, **unwritten_places(document)})

    @property
    def _tree(self) -> Mapping[str, Any]:
        return self._document.tree if isinstance(self._document.tree, dict) else {}

    @property
    def project(self) -> str:
        """The project's name, by default the folder's."""
        name = self._tree.get("project")
        return name if isinstance(name, str) and name else self.path.resolve().parent.name or "library"

    @cached_property
    def parsers(self) -> Mapping[str, StepConfig]:
        """Suffix -> the parser that reads files of samples, with the options of `parse:`."""
        steps = Binder(self._document, self.registry, ("en",), self.path.parent).section("parse")
        return {suffix: step for step in steps for reads, suffix in step.entry.claims if reads == "samples"}

    @property
    def claims(self) -> set[tuple[Reads, str]]:
        """What parsers of samples read."""
        return {("samples", suffix) for suffix in self.parsers}

    @cached_property
    def entries(self) -> tuple[SourceConfig, ...]:
        """The entries of samples that are right."""
        return tuple(self._entries())

    def _entries(self) -> Iterator[SourceConfig]:
        written = self._tree.get("sources")
        for entry in written if isinstance(written, list) else []:
            try:
                source = validate(SourceConfig, entry)
            except ValidationError:
                continue  # docutune validate tells of it
            if source.reads == "samples":
                yield source

    @property
    def trainings(self) -> tuple[TrainingConfig, ...]:
        """The options of the trainings that are right."""
        steps = Binder(self._document, self.registry, ("en",), self.path.parent).section("train")
        return tuple(step.options for step in steps if isinstance(step.options, TrainingConfig))

    @cached_property
    def curators(self) -> tuple[StepConfig, ...]:
        """The curators of a run, in their order; none that is wrong or not installed."""
        written = self._tree.get("language", "en")
        languages = tuple(written) if isinstance(written, list) else (written,)
        return Binder(self._document, self.registry, languages, self.path.parent).section("curate")

    @property
    def offline_curators(self) -> tuple[StepConfig, ...]:
        """Those of them that ask no chat model."""
        return tuple(step for step in self.curators if not isinstance(step.options, ChatConfig))

    def files(self, entries: Sequence[SourceConfig] | None = None) -> tuple[SourceFile, ...]:
        """The files of samples that are there."""
        wanted = self.entries if entries is None else entries
        there = [entry for entry in wanted if (self.path.parent / entry.place).exists()]
        return find_files(there, self.path.parent, self.claims).files

    def own_files(self, target: Path) -> tuple[SourceFile, ...]:
        """The files of samples that are not replayed, and one to add to, if it is there and none of them."""
        found = self.files([entry for entry in self.entries if entry.replay is None])
        if not target.exists() or target.resolve() in {file.path.resolve() for file in found}:
            return found
        return (*found, *self.files([SourceConfig(samples=target)]))

    def reads(self, file: Path) -> bool:
        """Whether some entry reads that file, which must exist."""
        return file.resolve() in {found.path.resolve() for found in self.files()}

    def lines_for(self, place: str) -> tuple[str, str]:
        """What to write by hand, so that the pipeline reads a file."""
        return "sources:", f"  - samples: {scalar(place)}"

    def add(self, place: str) -> bool:
        """Add an entry of samples at the end of `sources:`, and touch no other line; False where that is not safe."""
        content = self.path.read_bytes()
        try:
            text = _with_entry(content.decode("utf-8"), scalar(place))
        except (UnicodeDecodeError, yaml.YAMLError):
            return False
        if text is None:
            return False
        after = read_yaml(text.encode(), str(self.path))
        wanted = {**self._tree, "sources": [*self._tree["sources"], {"samples": place}]}
        if after.problems or after.tree != wanted:
            return False
        atomic.write_bytes(self.path, text.encode())
        return True


def _with_entry(text: str, place: str) -> str | None:
    """The text with the entry below the last one of a `sources:` that stands line by line; None for any other."""
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text if text.endswith("\n") else text + newline
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) and not root.flow_style else []
    found = next((value for key, value in pairs if key.value == "sources"), None)
    if not isinstance(found, yaml.SequenceNode) or found.flow_style or not found.value:
        return None
    lines = text.splitlines(keepends=True)
    first, after = found.value[0].start_mark.line, found.end_mark.line
    dash = re.match(r"( *- *)\S", lines[first])
    if dash is None:
        return None
    written = [at for at in range(first, after) if not re.match(r"\s*(#.*)?$", lines[at])]
    lines.insert(written[-1] + 1, f"{dash[1]}samples: {place}{newline}")
    return "".join(lines)
