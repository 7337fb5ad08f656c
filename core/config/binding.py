"""Binds every step of a pipeline file to the plugin that it names and to that plugin's own Config."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from docutune.chat.options import ChatConfig
from docutune.config.chatting import bound, place_of_model
from docutune.config.explain import Explainer, problem
from docutune.config.models import IN_WORKERS, SECTIONS, StepConfig
from docutune.config.prompts import packaged, stray_folders, with_files
from docutune.config.strict import validate
from docutune.config.yaml_lines import Document, KeyPath, Place
from docutune.errors import PluginError, Problem
from docutune.hubs import Hubs
from docutune.records import JsonValue, Reads
from docutune.registry import Entry, Registry
from docutune.suggestions import listed

DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "generate": ("grounded",),
    "curate": ("leakage", "duplicates", "quality", "secrets"),
    "runtime": ("local",),
    "evaluate": ("text-overlap",),
}
"""Section -> the plugins that serve where the file leaves it out."""


@dataclass
class Binder:
    """Collects bound steps, and every problem on the way. `asks_runtime`: a step asks a chat model of this machine."""

    document: Document
    registry: Registry
    languages: tuple[str, ...]
    folder: Path
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asks_runtime: bool = False

    def section(self, section: str) -> tuple[StepConfig, ...]:
        """The steps of one section, those that are right."""
        written = self.document.tree.get(section) if isinstance(self.document.tree, dict) else None
        if written is None:
            steps = self._defaults(section)
        elif isinstance(written, list):
            steps = [((section, index), step) for index, step in enumerate(written)]
        else:
            steps = [((section,), written)]
        bound = [(path, raw, self._step(section, path, raw)) for path, raw in steps]
        self._find_same_names(
            (path, step.name if step else self._written_name(section, raw)) for path, raw, step in bound
        )
        found = tuple(step for _, _, step in bound if step)
        return self._with_default_parsers(found) if section == "parse" else found

    def _defaults(self, section: str) -> list[tuple[KeyPath, JsonValue]]:
        tree = self.document.tree if isinstance(self.document.tree, dict) else {}
        trained = tree.get("train")
        wanted = {"runtime": trained or self.asks_runtime, "evaluate": trained, "generate": _has_documents(tree)}
        names = DEFAULTS.get(section, ()) if wanted.get(section, True) else ()
        return [((section,), {"uses": name}) for name in names]

    def _step(self, section: str, path: KeyPath, raw: Any) -> StepConfig | None:
        """None when the step is wrong; the frame's own validation reports what is no mapping or has no `uses`."""
        if not isinstance(raw, dict) or not isinstance(raw.get("uses"), str):
            return None
        python = self._python(section, raw.get("python"), (*path, "python"))
        entry = self._entry(SECTIONS[section], raw["uses"], path, elsewhere=python is not None)
        if entry is None:
            return None
        options = self._options(entry, raw.get("with"), (*path, "with"))
        if options is None:
            return None
        self._refuse_devices(entry, options, (*path, "with", "devices"))
        if isinstance(options, ChatConfig):
            options = self._with_model(options, place_of_model(path, raw))
        name = raw.get("name")
        return StepConfig(
            uses=entry.name,
            name=name
            if isinstance(name, str)
            else _default_name(entry.kind, entry.name, getattr(options, "model", None)),
            options=options,
            entry=entry,
            python=python,
        )

    def _python(self, section: str, written: Any, path: KeyPath) -> Path | None:
        """The interpreter of a step; links stay, for a virtual environment is one."""
        if not isinstance(written, str) or not written:
            return None
        if section not in IN_WORKERS:
            self._add(
                path, f"a {SECTIONS[section]} runs in docutune's own process; only {listed(IN_WORKERS)} take this"
            )
            return None
        try:
            python = self.folder.absolute() / Path(written).expanduser()
        except RuntimeError:
            self._add(path, f"nobody's home is {written.partition('/')[0]}")
            return None
        if not python.is_file() or not os.access(python, os.X_OK):
            self._add(path, f"{python} is no program; name an interpreter such as .venv-gpu/bin/python")
        return python

    def _entry(self, kind: str, uses: str, path: KeyPath, elsewhere: bool = False) -> Entry | None:
        path = (*path, "uses") if (*path, "uses") in self.document.places else path
        if any(mark in uses for mark in ".:/"):
            known = self.registry.names(kind)
            message = f"{uses!r} is a Python path or file; write the name of an installed {kind}"
            self._add(path, f"{message}: {listed(known)}" if known else message)
            return None
        try:
            entry = self.registry.get(kind, uses)
        except PluginError as error:
            self._add(path, f"{error.message} ({error.hint})" if error.hint else error.message)
            return None
        lacks = None if elsewhere else entry.lacks()
        if lacks:
            self._add(path, lacks)
        return entry

    def _refuse_devices(self, entry: Entry, options: BaseModel, path: KeyPath) -> None:
        """A trainer that knows nothing of other processes would train on one device, or each one for itself."""
        devices = getattr(options, "devices", 1)
        if entry.kind != "trainer" or devices == 1 or entry.registration.several_devices:
            return
        able = [other.name for other in self.registry.registrations("trainer") if other.registration.several_devices]
        way = f"; on several trains {listed(able)}" if able else ""
        self._add(path, f"{entry} trains on one device, not on {devices}: write devices: 1{way}")

    def _with_model(self, options: ChatConfig, path: KeyPath) -> ChatConfig:
        """The options with their chat model by name; one of this machine is opened by the runtime."""
        self.asks_runtime = self.asks_runtime or options.is_local
        found = bound(options, self.document.tree, self.folder, Hubs(self.registry))
        if isinstance(found, ChatConfig):
            return found
        self._add(path, found)
        return options

    def _options(self, entry: Entry, raw: Any, path: KeyPath) -> BaseModel | None:
        if raw is None:
            raw = {}
        if not isinstance(raw, dict):
            return None
        config = entry.registration.config
        values = self._own_options(entry, raw, path)
        if "languages" in config.model_fields and values.get("languages") is None:
            values["languages"] = list(self.languages)
        if entry.registration.prompts is not None:
            values["prompts"] = self._prompts(entry, entry.registration.prompts, values, path)
        try:
            return validate(config, values)
        except ValidationError as error:
            explainer = Explainer(self.document, config, path, f"option of {entry}")
            self.problems += explainer.problems(error, values)
            return None

    def _prompts(self, entry: Entry, package: str, values: Mapping[str, Any], path: KeyPath) -> dict[str, str]:
        """The prompts in the languages of the step, by name."""
        if "prompts" in values:
            place = f"prompts/{entry.name}/<language>/<name>.md beside the pipeline file"
            self._add((*path, "prompts"), f"a prompt is written in a file: {place}")
        try:
            texts = packaged(package)
        except (OSError, ValueError, ImportError) as error:
            self._add(path, f"the prompts of {entry} cannot be read: {error}; install {entry.package} again")
            return {}
        found = with_files(texts, self.folder, entry.name)
        with_prompts = [item.name for item in self.registry.entries if item.registration.prompts]
        self.problems += [*found.problems, *stray_folders(self.folder, with_prompts)]
        self.notes += [note for note in found.notes if note not in self.notes]
        languages = values.get("languages")
        wanted = languages if isinstance(languages, list) else [name.partition("/")[0] for name in texts]
        return {name: text for name, text in found.texts.items() if name.partition("/")[0] in wanted}

    def _own_options(self, entry: Entry, raw: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        """The options without those of other plugins, which are nested under their names."""
        others = set(self.registry.names(entry.kind)) - {entry.name} - set(entry.registration.config.model_fields)
        ignored = [key for key, value in raw.items() if key in others and isinstance(value, dict)]
        for key in ignored:
            place = self.document.place((*path, key))
            where = f"{place.file}:{place.line}" if place.line else place.file
            self.notes.append(f"{where}: the options of {entry.kind} {key!r} are ignored by {entry.name!r}")
        return {key: value for key, value in raw.items() if key not in ignored}

    def _find_same_names(self, named: Iterable[tuple[KeyPath, str | None]]) -> None:
        known: set[str] = set()
        for path, name in named:
            if name in known:
                self._add(path, f"a second step is called {name!r}; give one of them another `name:`")
            known |= {name} if name else set()

    def _written_name(self, section: str, raw: Any) -> str | None:
        """What a step that is wrong will be called once it is right, as far as it says so."""
        step = raw if isinstance(raw, dict) else {}
        name, uses, options = step.get("name"), step.get("uses"), step.get("with")
        if isinstance(name, str):
            return name
        kind, model = SECTIONS[section], options.get("model") if isinstance(options, dict) else None
        if not isinstance(uses, str) or uses not in self.registry.names(kind):
            return None
        return _default_name(kind, uses, model) if kind != "trainer" or isinstance(model, str) else None

    def _with_default_parsers(self, named: tuple[StepConfig, ...]) -> tuple[StepConfig, ...]:
        """The named parsers come last: for a suffix that two of them read, the last one counts."""
        self._find_same_suffixes([step.entry for step in named])
        claimed = {claim for step in named for claim in step.entry.claims}
        usable = {step.uses for step in named}
        others = [entry for entry in self.registry.registrations("parser") if entry.name not in usable]
        free = [entry for entry in others if set(entry.claims) - claimed and not self._is_left_out(entry)]
        self._find_same_suffixes(free, claimed)
        defaults = (self._step("parse", ("parse",), {"uses": entry.name}) for entry in free)
        return (*(step for step in defaults if step), *named)

    def _is_left_out(self, entry: Entry) -> bool:
        """Whether a parser that nobody named cannot serve; its files are then not read, and a note says so."""
        reason = entry.lacks()
        if reason is None and any(info.is_required() for info in entry.registration.config.model_fields.values()):
            reason = f"{entry} needs options: name it in `parse:`"
        if reason:
            self.notes.append(f"{', '.join(entry.suffixes)} files are not read: {reason}")
        return reason is not None

    def _find_same_suffixes(self, entries: list[Entry], claimed: set[tuple[Reads, str]] | None = None) -> None:
        for claim, readers in _by_claim(entries):
            if len(readers) > 1 and claim not in (claimed or ()):
                names = listed((entry.name for entry in readers), "and")
                self._add(("parse",), f"parsers {names} both read {claim[1]} files; name one of them in `parse:`")

    def _add(self, path: KeyPath, message: str) -> None:
        self.problems.append(problem(self.document, path, message))


def _has_documents(tree: Mapping[str, Any]) -> bool:
    """Whether there is more to read than ready-made samples, from which nothing is generated."""
    sources = tree.get("sources")
    return not isinstance(sources, list) or any(
        not (isinstance(source, dict) and "samples" in source) for source in sources
    )


def unwritten_places(document: Document) -> dict[KeyPath, Place]:
    """Places for sections that the file leaves out, so that a problem with a default names no line."""
    file = document.places[()].file
    return {(section,): Place(file) for section in SECTIONS if (section,) not in document.places}


def _by_claim(entries: list[Entry]) -> Iterator[tuple[tuple[Reads, str], list[Entry]]]:
    readers: dict[tuple[Reads, str], list[Entry]] = {}
    for entry in entries:
        for claim in entry.claims:
            readers.setdefault(claim, []).append(entry)
    yield from sorted(readers.items())


def _default_name(kind: str, plugin: str, model: object) -> str:
    """A training is called after its base model, any other step after its plugin."""
    if kind != "trainer" or not isinstance(model, str):
        return plugin
    return model.rstrip("/").rpartition("/")[2].lower() or plugin
