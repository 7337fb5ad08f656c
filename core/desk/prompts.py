"""Prompt templates as a page shows and changes them: which step uses one, and what it becomes filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docutune.config import PipelineConfig, load
from docutune.config.load import PIPELINE_FILE
from docutune.config.prompts import checked
from docutune.desk.filling import Filled, filled
from docutune.errors import ConfigError, DocutuneError, Problem, UsageError
from docutune.registry import Registry
from docutune.steps.base import Progress
from docutune.templates import Taken, Template, Templates
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """A template with the steps of the pipeline file that use its plugin; None where the file cannot be read."""

    template: Template
    steps: tuple[str, ...] | None


@dataclass(frozen=True)
class Prompts:
    """The templates of one workspace."""

    project: Path
    store: Store
    registry: Registry

    @property
    def templates(self) -> Templates:
        """What the commands work on."""
        return Templates(self.project, self.store, self.registry)

    def listed(self) -> list[Listed]:
        """Every template, by name."""
        config = self._config()
        return [Listed(item, None if config is None else tuple(_steps(config, item))) for item in self.templates.all()]

    def mistakes(self, name: str, text: str) -> tuple[Problem, ...]:
        """What keeps a text from taking the place of that template."""
        return checked(text, self.templates.find(name).shipped, name)[0]

    def save(self, name: str, text: str, sha256: str) -> Taken:
        """Put a text in force. ConfigError for its mistakes, UsageError when another text than `sha256` is in force.

        Nothing is written then.
        """
        template = self._as_shown(name, sha256)
        if problems := self.mistakes(name, text):
            raise ConfigError(problems, "nothing was written")
        return self.templates.take(template, text)

    def reset(self, name: str, sha256: str) -> Taken:
        """Put the packaged text in force again; UsageError as for `save`."""
        return self.templates.reset(self._as_shown(name, sha256))

    def filled(self, name: str, text: str, place: str | None, progress: Progress) -> Filled:
        """What would be asked with that text about a piece of the sources, or for a curator about a sample.

        Nothing is sent or kept. UsageError where no piece is asked about with this template.
        """
        if problems := self.mistakes(name, text):
            raise ConfigError(problems)
        config = load(self.project / PIPELINE_FILE, self.registry)
        return filled(self.templates.find(name), text, place, config, self.registry, self.store, progress)

    def _as_shown(self, name: str, sha256: str) -> Template:
        template = self.templates.find(name)
        if template.sha256 != sha256:
            raise UsageError(f"{name}: was changed by somebody else meanwhile", "open it again, then save")
        return template

    def _config(self) -> PipelineConfig | None:
        try:
            return load(self.project / PIPELINE_FILE, self.registry)
        except DocutuneError:
            return None  # its mistakes are told where it is changed


def _steps(config: PipelineConfig, template: Template) -> Iterator[str]:
    """The steps whose plugin the template belongs to."""
    sections = {"generate": config.generate, "curate": config.curate}
    for section, steps in sections.items():
        for step in steps:
            if step.entry.kind == template.kind and step.uses == template.name.partition("/")[0]:
                yield f"{section}:{step.name}"
