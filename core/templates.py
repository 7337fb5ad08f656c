"""Prompt templates of the installed plugins: which there are, what is in force, what was, and texts of one's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Template as Filling

from docutune import atomic
from docutune.config.prompts import checked, own_file, packaged
from docutune.errors import ConfigError, PluginError, UsageError
from docutune.notebook import Notebook, Wording, wordings
from docutune.registry import KINDS, Registry
from docutune.suggestions import did_you_mean
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Template:
    """A template by its name ("langchain/en/how-to"). `text` is in force; `own` is the file that holds it, if any.

    `problems` keep a run from using the file. `kind` is the plugin's.
    """

    name: str
    kind: str
    shipped: str
    text: str
    own: Path | None = None
    problems: tuple[str, ...] = ()

    @property
    def language(self) -> str:
        """The folder that it stands in: "en"."""
        return self.name.split("/")[1]

    @property
    def placeholders(self) -> tuple[str, ...]:
        """What is filled in, in the order of the packaged text."""
        return tuple(Filling(self.shipped).get_identifiers())

    @property
    def sha256(self) -> str:
        """Of the text in force: part of what keys a task."""
        return digest(self.text)


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an edit: the template as it is now, whether that is new, and what its author should know."""

    template: Template
    changed: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Templates:
    """The templates of one workspace."""

    project: Path
    store: Store
    registry: Registry

    def all(self) -> list[Template]:
        """Every template of every installed plugin that has some, by name; PluginError where they cannot be read."""
        return sorted(self._all(), key=lambda template: template.name)

    def find(self, name: str) -> Template:
        """The template of that name, or the one whose name ends so; UsageError when there is none or more than one."""
        known = self.all()
        wanted = name.removesuffix(".md").removeprefix("prompts/")
        found = [item for item in known if item.name == wanted or item.name.endswith(f"/{wanted}")]
        if len(found) == 1:
            return found[0]
        names = [item.name for item in found or known]
        if found:
            raise UsageError(f"{name!r} is the end of several names", f"write one of {', '.join(names)}")
        guess = did_you_mean(wanted, [*names, *(item.partition("/")[2] for item in names)])
        raise UsageError(f"no template is called {name!r}{guess}", "docutune templates list shows them")

    def history(self, template: Template) -> list[Wording]:
        """Every text that was in force through an edit or that a run used, oldest first."""
        return self._notebook.wordings(template.name)

    def earlier(self, template: Template, sha256: str) -> Wording:
        """The text whose SHA-256 begins so; UsageError when there is none."""
        for wording in reversed(self.history(template)):
            if sha256 and wording.sha256.startswith(sha256.lower()):
                return wording
        raise UsageError(
            f"{template.name} had no text whose hash begins with {sha256!r}",
            f"docutune templates show {template.name} --history lists them",
        )

    def draft(self, template: Template) -> Path:
        """A copy to edit: what an edit that was not taken left, else the text in force. No run reads it."""
        path = self._draft(template)
        if not path.is_file():
            atomic.write_text(path, template.text)
        return path

    def take(self, template: Template, text: str, file: Path | None = None) -> Taken:
        """Put a text in force. ConfigError names every mistake; then `file`, or else the draft, keeps the text."""
        draft = self._draft(template)
        problems, notes = checked(text, template.shipped, str(file or draft))
        if problems:
            if file is None:
                atomic.write_text(draft, text)
            again = "" if file else f": docutune templates edit {template.name} goes on with it"
            raise ConfigError(problems, f"not taken; {file or draft} keeps the text{again}")
        if text == template.shipped:
            return self.reset(template)
        changed = text != template.text or bool(template.problems)
        if changed:
            self._put(template, text)
        draft.unlink(missing_ok=True)
        return Taken(self.find(template.name), changed, notes)

    def drop_untouched(self, template: Template) -> None:
        """Remove a draft that says what is in force."""
        draft = self._draft(template)
        if draft.is_file() and draft.read_bytes() == template.text.encode():
            draft.unlink()

    def reset(self, template: Template) -> Taken:
        """Put the packaged text in force again: a file of one's own goes, the notebook keeps its text."""
        self._draft(template).unlink(missing_ok=True)
        if template.own is None:
            return Taken(template, changed=False)
        self._note_present(template)
        with atomic.writing(template.own):
            template.own.unlink(missing_ok=True)
        self._notebook.add_wordings(wordings({template.name: template.shipped}, "reset"))
        return Taken(self.find(template.name), changed=True)

    def _put(self, template: Template, text: str) -> None:
        self._note_present(template)
        atomic.write_text(own_file(self.project, *_parts(template.name)), text)
        self._notebook.add_wordings(wordings({template.name: text}, "edit"))

    def _note_present(self, template: Template) -> None:
        """The text that goes is noted first, so that nothing that was in force is lost."""
        self._notebook.add_wordings(wordings({template.name: template.text}, "before"), unknown_only=True)

    def _draft(self, template: Template) -> Path:
        """Hidden, so that no run takes it for a template."""
        own = own_file(self.project, *_parts(template.name))
        return own.with_name(f".{own.stem}.draft{own.suffix}")

    @cached_property
    def _notebook(self) -> Notebook:
        return Notebook(self.store)

    def _all(self) -> Iterator[Template]:
        for entry in (entry for kind in KINDS for entry in self.registry.registrations(kind)):
            package = entry.registration.prompts
            if package is None:
                continue
            try:
                texts = packaged(package)
            except (OSError, ValueError, ImportError) as error:
                hint = f"install {entry.package} again"
                raise PluginError(f"the prompts of {entry} cannot be read: {error}", hint) from error
            yield from (self._template(f"{entry.name}/{name}", entry.kind, text) for name, text in texts.items())

    def _template(self, name: str, kind: str, shipped: str) -> Template:
        own = own_file(self.project, *_parts(name))
        try:
            text = own.read_text("utf-8-sig")
        except FileNotFoundError:
            return Template(name, kind, shipped, shipped)
        except (OSError, ValueError) as error:
            return Template(name, kind, shipped, shipped, own, (f"{own}: cannot be read: {error}",))
        problems, _ = checked(text, shipped, str(own))
        return Template(name, kind, shipped, text, own, tuple(map(str, problems)))


def digest(text: str) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _parts(name: str) -> tuple[str, str]:
    """The plugin, and the template's name within it."""
    plugin, _, rest = name.partition("/")
    return plugin, rest
