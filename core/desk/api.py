"""Everything that a page shows or changes beyond what commands do, as functions of one workspace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from docutune.config import load
from docutune.errors import ConfigError, DocutuneError
from docutune.records import JsonValue
from docutune.registry import Entry, Registry
from docutune.workspace import Store

if TYPE_CHECKING:
    from docutune.desk.beginning import Offer
    from docutune.desk.dataset import DatasetDesk
    from docutune.desk.exports import Exports
    from docutune.desk.file import PipelineFile
    from docutune.desk.forms import Checked, Field
    from docutune.desk.judging import Judging
    from docutune.desk.live import Live, Look
    from docutune.desk.loaded import Loader
    from docutune.desk.preview import Preview
    from docutune.desk.prompts import Prompts
    from docutune.desk.providers import Key
    from docutune.desk.reports import Reports
    from docutune.desk.seat import Open
    from docutune.desk.shelf import Offered
    from docutune.desk.talks import Talks
    from docutune.doctor import Check
    from docutune.model_names import Named
    from docutune.model_registry.api import Models
    from docutune.monitoring import Monitor
    from docutune.steps.base import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Desk:
    """What pages share. `manifest` tells of a run; `named` finds a model and `opened` opens it: all as a Workspace."""

    project: Path
    store: Store
    registry: Registry
    manifest: Callable[[str], dict[str, Any]]
    named: Callable[[str | None], Named]
    opened: Open
    _boards: dict[str, Monitor] = field(default_factory=dict)
    _shared: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def file(self) -> PipelineFile:
        """The pipeline file."""
        from docutune.desk.file import PipelineFile

        return PipelineFile(self.project, self.registry)

    @property
    def prompts(self) -> Prompts:
        """Prompt templates, changed and filled in."""
        from docutune.desk.prompts import Prompts

        return Prompts(self.project, self.store, self.registry)

    @property
    def reports(self) -> Reports:
        """The reports of finished runs."""
        from docutune.desk.reports import Reports

        return Reports(self.store)

    @property
    def judging(self) -> Judging:
        """Blind rating of models' answers."""
        from docutune.desk.judging import Judging

        return Judging(self.store)

    @cached_property
    def live(self) -> Live:
        """Reads the run at work."""
        from docutune.desk.live import Live

        return Live(self.store, self.manifest)

    @property
    def loaded(self) -> Loader:
        """The one model that is loaded for all pages of this process."""
        from docutune.desk.loaded import Loader

        return self._one("loaded", lambda: Loader(self.named, self.opened, self._refuse_unknown))

    @property
    def exports(self) -> Exports:
        """The one export that is written for all pages of this process, and those that were."""
        from docutune.desk.exports import Exports

        return self._one("exports", lambda: Exports(self._models))

    def offered_models(self) -> tuple[Offered, ...]:
        """The models on this disk that a page offers to load."""
        from docutune.desk.exports import FOLDER
        from docutune.desk.shelf import offered

        return offered(self._models, self.project / FOLDER)

    def model_changes(self) -> tuple[float, ...]:
        """Another value after a model or an export came or went, or a run began; see shelf.changes."""
        from docutune.desk.exports import FOLDER
        from docutune.desk.shelf import changes

        return changes(self._models, self.project / FOLDER)

    @cached_property
    def dataset(self) -> DatasetDesk:
        """What pages show of datasets, and do with them, beyond `Workspace.datasets`."""
        from docutune.desk.dataset import DatasetDesk

        return DatasetDesk(self.file, self.store)

    @property
    def talks(self) -> Talks:
        """The answers that are being written in chats for all pages of this process."""
        from docutune.chats.api import Chats
        from docutune.desk.talks import Talks

        return self._one("talks", lambda: Talks(Chats(self.store, self.registry)))

    @property
    def _models(self) -> Models:
        from docutune.model_registry.api import Models

        return Models(self.project, self.store, self.registry)

    def _refuse_unknown(self, model: str | None) -> None:
        from docutune import model_names

        model_names.refuse_unknown(model, model_names.Place(self.store, self.registry, Path.cwd()))

    def _one(self, name: str, make: Callable[[], T]) -> T:
        """What all threads share, made when it is first asked for."""
        with self._lock:
            if name not in self._shared:
                self._shared[name] = make()
            found: T = self._shared[name]
            return found

    def look(self) -> Look | None:
        """The run at work, else the newest; None while there is none."""
        return self.live.look()

    def offer(self) -> Offer:
        """What a first pipeline file would say, and what its sources may name."""
        from docutune.desk.beginning import offer

        return offer(self.project, self.registry)

    def begin(self, project: str, languages: Sequence[str], names: Sequence[str], model: str | None) -> None:
        """Write a first pipeline file. UsageError when there is one already."""
        from docutune.desk.beginning import begin

        begin(self.file.path, self.registry, project, tuple(languages), tuple(names), model)

    def preview(self, progress: Progress) -> Preview:
        """Parse the sources of the pipeline file, and nothing more."""
        from docutune.desk.preview import preview

        return preview(load(self.file.path, self.registry), self.registry, self.store, progress)

    def fields(self, entry: Entry) -> tuple[Field, ...]:
        """The options of a plugin as the fields of a form."""
        from docutune.desk.forms import fields

        return fields(entry.registration.config)

    def written(self, entry: Entry, shown: Mapping[str, Any], stated: Collection[str] = ()) -> dict[str, JsonValue]:
        """The values of such a form as a pipeline file would hold them; those `stated` in it are written anyway."""
        from docutune.desk.forms import fields, written

        return written(fields(entry.registration.config), shown, stated)

    def check(self, entry: Entry, values: Mapping[str, JsonValue]) -> Checked:
        """What the plugin's Config says of these values."""
        from docutune.desk.forms import check

        return check(entry.registration.config, values)

    def as_yaml(self, entry: Entry, values: Mapping[str, JsonValue]) -> str:
        """A step with that plugin as it stands in a pipeline file."""
        import yaml

        step: dict[str, Any] = {"uses": entry.name, **({"with": dict(values)} if values else {})}
        return yaml.safe_dump([step], sort_keys=False, allow_unicode=True)

    def explain(self, error: DocutuneError, index: int) -> Checked:
        """The mistakes that a pipeline file was refused for, those of `train[index]` by the field of its form."""
        from docutune.desk.forms import Checked, told

        if not isinstance(error, ConfigError):
            return Checked({}, (str(error),))
        return told(error.problems, f"train[{index}].with")

    def provider_keys(self) -> tuple[Key, ...]:
        """Which keys of providers are set; names of variables, never a value."""
        from docutune.desk.providers import keys

        try:
            config = load(self.file.path, self.registry) if self.file.path.is_file() else None
        except DocutuneError:
            config = None  # its mistakes are told where it is changed
        return keys(config)

    def machine(self) -> tuple[Check, ...]:
        """What this machine can do, and what is missing."""
        from docutune.doctor import check_machine

        return tuple(check_machine())

    def board(self, run: str, closing: ExitStack) -> Monitor:
        """TensorBoard over a run, begun once and served until `closing` is closed."""
        from docutune.monitoring import monitor

        with self._lock:
            if run not in self._boards:
                self._boards[run] = closing.enter_context(monitor(self.store, run, False, None))
            return self._boards[run]
