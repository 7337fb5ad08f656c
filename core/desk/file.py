"""The pipeline file of a workspace as a page shows and changes it: never blindly over what somebody else wrote.

A form shows one part of the file and changes that part alone. It remembers what it showed: where that is changed or
gone by then, nothing is written; what was changed in other parts, or added, stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune import atomic
from docutune.config import load
from docutune.config.load import PIPELINE_FILE
from docutune.config.yaml_lines import read_yaml
from docutune.desk.roots import inside
from docutune.desk.writing import Change, changed, ratings, sources, training
from docutune.errors import DocutuneError, UsageError
from docutune.records import JsonValue
from docutune.registry import Registry


@dataclass(frozen=True, slots=True)
class Training:
    """One entry of `train:` as written, and the digest of all of it."""

    name: str
    uses: str
    options: Mapping[str, JsonValue]
    digest: str


@dataclass(frozen=True, slots=True)
class Written:
    """The pipeline file as it stands; `mistakes` says why it cannot be run, "" where it can."""

    path: Path
    exists: bool = False
    mistakes: str = ""
    project: str = ""
    sources: tuple[Mapping[str, JsonValue], ...] = ()
    trainings: tuple[Training, ...] = ()

    def training_digest(self, index: int) -> str:
        """Of `train[index]`, or of its absence; "" where there is no file."""
        if not self.exists:
            return ""
        return self.trainings[index].digest if index < len(self.trainings) else _digest(None)


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """`pipeline.yaml` of one workspace."""

    project: Path
    registry: Registry

    @property
    def path(self) -> Path:
        """Where it stands, or will."""
        return self.project / PIPELINE_FILE

    def read(self) -> Written:
        """As it stands; a file with mistakes is shown as far as it can be read."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return Written(self.path)
        except OSError as error:
            raise DocutuneError(f"{self.path}: cannot be read: {error.strerror}", "see that you may read it") from error
        tree = read_yaml(content, str(self.path)).tree
        top: Mapping[str, Any] = tree if isinstance(tree, dict) else {}
        return Written(
            self.path,
            True,
            self._mistakes(content),
            str(top.get("project") or ""),
            tuple(entry for entry in _list(top.get("sources")) if isinstance(entry, dict)),
            tuple(_training(step) for step in _list(top.get("train")) if isinstance(step, dict)),
        )

    def save_training(self, index: int, uses: str, options: Mapping[str, JsonValue], digest: str) -> Written:
        """Write one training down; `digest` is that of the entry that was shown.

        UsageError when somebody else changed it meanwhile or the file is gone, ConfigError when what would stand there
        is not right; nothing is written then.
        """
        before = self.read()
        self._refuse_changed(before, before.training_digest(index) == digest)
        return self._save(training(index, uses, options))

    def save_sources(
        self, entries: Sequence[Mapping[str, JsonValue]], shown: Sequence[Mapping[str, JsonValue]]
    ) -> Written:
        """Write down what is read, where these were `shown`; entries that came since stay. Errors as `save_training`.

        UsageError, too, for what lies outside of the workspace, unless it stood there before.
        """
        written = self.read()
        before = [dict(entry) for entry in written.sources]
        self._refuse_changed(written, all(dict(entry) in before for entry in shown))
        for entry in entries:
            if dict(entry) not in before:
                inside(self.project, str(entry.get("path") or entry.get("samples") or ""))
        if not entries:
            raise UsageError("no source is chosen", "choose at least one folder or file")
        known = [dict(entry) for entry in (*entries, *shown)]
        return self._save(sources([*entries, *(entry for entry in before if entry not in known)]))

    def save_ratings(self, place: str) -> Written:
        """Write down which file of ratings is heeded, in the file as it stands."""
        return self._save(ratings(place))

    def _refuse_changed(self, now: Written, same: bool) -> None:
        """A file that is gone, or has mistakes since it was shown, is told as that; else what changed is a conflict."""
        if not now.exists or same:
            return
        if now.mistakes:
            raise UsageError(now.mistakes, "correct the file, load the page again, then save")
        raise UsageError(f"{self.path}: was changed by somebody else meanwhile", "load the page again, then save")

    def _save(self, change: Change) -> Written:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            raise UsageError(f"{self.path}: there is no such file", "make it first, in the tab Sources") from None
        if not isinstance(read_yaml(content, str(self.path)).tree, dict):
            load(self.path, self.registry)  # says what is wrong with it
        made = changed(content, change)
        load(self.path, self.registry, content=made)
        if made != content:
            atomic.write_bytes(self.path, made)
        return self.read()

    def _mistakes(self, content: bytes) -> str:
        try:
            load(self.path, self.registry, content=content)
        except DocutuneError as error:
            return str(error)
        return ""


def _digest(part: Any) -> str:
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _training(step: Mapping[str, Any]) -> Training:
    options = step.get("with") if isinstance(step.get("with"), dict) else {}
    assert isinstance(options, dict)
    name = str(step.get("name") or options.get("model") or step.get("uses"))
    return Training(name, str(step.get("uses")), options, _digest(step))
