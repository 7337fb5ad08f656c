"""Names of base models to folders on this disk: a folder, or a model of a hub. Which hubs there are, plugins say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from docutune import downloads
from docutune.contracts import Hub
from docutune.errors import DocutuneError, PluginError
from docutune.guard import as_json, guarded, series
from docutune.models import folder_digest, in_folder, is_folder_name, lacking, place, refuse_unusable
from docutune.records import ModelRef, Snapshot
from docutune.registry import Entry, Registry
from docutune.training import TINY

DEFAULT = "huggingface"
"""The hub that is meant where a name says no other one."""

WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""What is downloaded of a model: weights, texts and templates, nothing that could be run."""

_HUB = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*):(.*)", re.DOTALL)
_NAME = re.compile(r"(\w[\w.-]*/)?\w[\w.-]*", re.ASCII)


class NotHere(DocutuneError):
    """A model of a hub that is not whole on this disk, where nothing was to be downloaded."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a hub gave: a folder with a whole model or an adapter, and its identity; `hub` is where it came from."""

    folder: Path
    digest: str
    hub: str


@dataclass(frozen=True, slots=True)
class Hubs:
    """The hubs of this environment."""

    registry: Registry

    def resolve(self, name: str, base_folder: Path, download: bool = True) -> ModelRef:
        """The base model called `name`: a folder (absolute, or relative to `base_folder`), or a model of a hub.

        "owner/name" is one of the default hub, "modelscope:owner/name" one of the hub of that name. It is downloaded
        once into the hub's own cache; without `download` nothing else serves. The digest is what the hub calls exactly
        these files, or a hash of them. Raises DocutuneError when there is no such model, or no usable one.
        """
        if is_folder_name(name, base_folder):
            return in_folder(place(name, base_folder).resolve(), name)
        found = self.fetch(name, download)
        refuse_unusable(found.folder, name)
        return ModelRef(found.folder, found.digest)

    def on_disk(self, name: str, base_folder: Path) -> Path | None:
        """The folder of a base model that is on this disk, looked for as `resolve` does; None when there is none.

        builtin/tiny is not looked for: where it lies is for the workspace to say.
        """
        if name == TINY:
            return None
        try:
            folder = place(name, base_folder).resolve()
            if not is_folder_name(name, base_folder):
                folder = self.fetch(name, download=False).folder
        except DocutuneError:
            return None
        return None if lacking(folder) else folder

    def mistake(self, name: str, base_folder: Path) -> str | None:
        """What is wrong with a model's name or folder, as far as a look at this disk tells; None when nothing is."""
        if name == TINY:
            return None
        if name.startswith("builtin/"):
            return f"there is no built-in model {name!r}; did you mean {TINY!r}?"
        if is_folder_name(name, base_folder):
            return lacking(place(name, base_folder).resolve())
        if name.lower() == TINY.rpartition("/")[2]:
            return f"there is no model {name!r}; did you mean {TINY!r}?"
        try:
            entry, repository = self.entry(name)
        except DocutuneError as error:
            return f"{error.message} ({error.hint})" if error.hint else error.message
        if "/" not in repository and self.on_disk(name, base_folder) is None:
            way = "write owner/name, or a path with ./"
            return f"{name!r} is no folder, and no model of that name is in the cache of {entry.name}: {way}"
        return entry.lacks() if entry.name != DEFAULT else None

    def entry(self, name: str) -> tuple[Entry, str]:
        """The hub that a name means, and the model's name there. DocutuneError when it can be no such name."""
        named = _HUB.fullmatch(name)
        hub, repository = named.groups() if named else (DEFAULT, name)
        if not _NAME.fullmatch(repository):
            hint = "write owner/name, or a path that starts with ./"
            raise DocutuneError(f"{name!r} is neither a folder nor a hub name", hint)
        return self.registry.get("hub", hub), repository

    def fetch(self, name: str, download: bool = True) -> Fetched:
        """What a hub has under that name: taken from this disk where it is whole there, else downloaded.

        DocutuneError says why it cannot be had.
        """
        entry, repository = self.entry(name)
        hub = self._open(entry)
        there = _found(hub, entry, repository)
        if there is None:
            if not download:
                raise NotHere(f"model {name!r} is not whole on this disk", "download it: name it in a command")
            there = _downloaded(hub, entry, repository, name)
        return Fetched(there.folder, there.revision or folder_digest(there.folder), entry.name)

    def cached(self) -> list[str]:
        """The names of all models that the usable hubs have on this disk, as a user would write them."""
        found = []
        for entry in self.registry.registrations("hub"):
            try:
                names = self._cached_by(entry)
            except DocutuneError:
                continue  # it is told of when one of its models is named
            found += [name if entry.name == DEFAULT else f"{entry.name}:{name}" for name in names]
        return found

    def _cached_by(self, entry: Entry) -> list[str]:
        hub = self._open(entry)
        with guarded(entry.full_name, "while it looked at its cache"):
            return [str(name) for name in series("names", entry.full_name, "names", hub.names())]

    def _open(self, entry: Entry) -> Hub:
        return cast(Hub, self.registry.create(entry, entry.registration.config()))


def _found(hub: Hub, entry: Entry, repository: str) -> Snapshot | None:
    """What is on this disk, if all of it is there."""
    with guarded(entry.full_name, "while it looked at its cache"):
        found = hub.find(repository, WANTED)
    if found is None:
        return None
    _check(found, entry, "find")
    return found if downloads.whole(entry.name, repository, found.folder) else None


def _downloaded(hub: Hub, entry: Entry, repository: str, name: str) -> Snapshot:
    downloads.begin(entry.name, repository)
    with guarded(entry.full_name, f"while it fetched {name}"):
        found = hub.fetch(repository, WANTED)
    _check(found, entry, "fetch")
    wrong = downloads.finish(entry.name, repository, found.folder)
    if wrong:
        hint = f"remove the folder {found.folder} and try again"
        raise DocutuneError(f"model {name!r} of {entry.name} is damaged: {wrong}", hint)
    return found


def _check(found: Snapshot, entry: Entry, call: str) -> None:
    as_json(Snapshot, entry.full_name, call, found)
    if not found.folder.is_dir():
        raise PluginError(f"{entry.full_name} gave back a folder from {call}() that is not there: {found.folder}")
