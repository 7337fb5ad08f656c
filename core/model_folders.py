"""What a model's folder holds: a base, an adapter in PEFT format, or a model tuned in full; and where its base is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from docutune.errors import DocutuneError
from docutune.hubs import Hubs, NotHere
from docutune.models import folder_digest, is_whole, refuse_unusable
from docutune.named import described, folders_of
from docutune.records import ModelRef
from docutune.registry import Registry
from docutune.template import TEMPLATE
from docutune.training import TINY
from docutune.tuned import trained
from docutune.workspace import FOLDER, Store

Form: TypeAlias = Literal["base", "adapter", "whole"]

_ADAPTER = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_PROVENANCE = "provenance.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where names are looked up: the workspace, whose folder may be missing, and the folder that paths start from."""

    store: Store
    registry: Registry
    folder: Path
    download: bool = True

    @property
    def hubs(self) -> Hubs:
        """The hubs of this environment."""
        return Hubs(self.registry)


@dataclass(frozen=True, slots=True)
class Held:
    """What a folder holds. `facts` is what docutune left beside a model that it made; `warning` what may surprise."""

    ref: ModelRef
    form: Form
    base: str
    facts: Mapping[str, Any]
    warning: str | None = None


def look(folder: Path, name: str, place: Place, digest: str | None = None) -> Held:
    """The model in a folder; `digest` is its identity where that is known. DocutuneError when it cannot be used."""
    made = described(folder).get("adapter")
    if isinstance(made, str):  # a folder below models/ of a workspace
        folder = (folder / made).resolve()
    facts = _json(folder / _PROVENANCE)
    if (folder / _ADAPTER).is_file():
        return _adapter(folder, name, place, facts)
    refuse_unusable(folder, name)
    base = _base_of_whole(folder, place, facts)
    if base is not None:
        return Held(ModelRef(base.folder, base.digest, folder), "whole", _base_name(facts), facts)
    return Held(ModelRef(folder, digest or folder_digest(folder)), "base", name, facts)


def tiny(store: Store) -> ModelRef | None:
    """The embedded base of a workspace: the one of the newest model on it, or the only one that is there."""
    for model in trained(store):
        folder = store.folder / model.entry["base_folder"]
        if model.base == TINY and folder.is_dir():
            return ModelRef(folder, model.entry["base_digest"])
    return next(_embedded(store), None)


def _adapter(folder: Path, name: str, place: Place, facts: Mapping[str, Any]) -> Held:
    if not (folder / _WEIGHTS).is_file():
        others = sorted(path.name for path in folder.glob("adapter_model.*"))
        but = f", only {others[0]}, which could run code when it is read" if others else ""
        raise DocutuneError(f"model {name!r}: {folder} holds no {_WEIGHTS}{but}", "name a whole adapter in PEFT format")
    base = _base_name(facts) or str(_json(folder / _ADAPTER).get("base_model_name_or_path") or "")
    if not base:
        hint = f"write base_model_name_or_path into {folder / _ADAPTER}"
        raise DocutuneError(f"model {name!r} is an adapter that does not say to which base", hint)
    digest = _base_digest(facts)
    ref = _known_base(digest, folder, place) or _named_base(base, name, place)
    return Held(
        ModelRef(ref.folder, ref.digest, folder), "adapter", base, facts, _other_version(base, digest, ref.digest)
    )


def _named_base(base: str, name: str, place: Place) -> ModelRef:
    try:
        found = tiny(place.store) if base == TINY else place.hubs.resolve(base, place.folder, place.download)
    except DocutuneError as error:
        kind = NotHere if isinstance(error, NotHere) else DocutuneError
        raise kind(f"{name!r} is an adapter to {base!r}: {error.message}", error.hint) from None
    if found is None:
        hint = "go to the workspace in which it was trained, or merge it there: docutune models merge"
        raise DocutuneError(f"{name!r} is an adapter to {TINY}, which only its own workspace has", hint)
    return found


def _known_base(digest: str | None, folder: Path, place: Place) -> ModelRef | None:
    """The base of that identity where a workspace has it: this one, or the one in which the adapter lies."""
    above = [parent.parent for parent in folder.parents if parent.name == FOLDER]
    for store in (place.store, *map(Store, above)) if digest else ():
        bases = ((store.folder / model.entry["base_folder"], model.entry["base_digest"]) for model in trained(store))
        for base, identity in bases:
            if identity == digest and base.is_dir():
                return ModelRef(base, identity)
        for embedded in _embedded(store):
            if embedded.digest == digest:
                return embedded
    return None


def _embedded(store: Store) -> Iterator[ModelRef]:
    """The bases that were made in a workspace."""
    for folder in folders_of(store, "models"):
        facts = described(folder)
        if "adapter" not in facts and isinstance(facts.get("digest"), str):
            yield ModelRef(folder, facts["digest"])


def _base_of_whole(folder: Path, place: Place, facts: Mapping[str, Any]) -> ModelRef | None:
    """What a model was tuned from, so that both can be asked; None where that is unknown or not on this disk."""
    base = _base_name(facts)
    if not base or not (folder / TEMPLATE).is_file() or not is_whole(folder):
        return None
    known = _known_base(_base_digest(facts), folder, place)
    if known is not None or base == TINY:
        return known
    try:
        return place.hubs.resolve(base, place.folder, download=False)
    except DocutuneError:
        return None


def _base_name(facts: Mapping[str, Any]) -> str:
    base = facts.get("base")
    return str(base.get("name") or "") if isinstance(base, dict) else ""


def _base_digest(facts: Mapping[str, Any]) -> str | None:
    base = facts.get("base")
    digest = base.get("digest") if isinstance(base, dict) else None
    return digest if isinstance(digest, str) else None


def _other_version(base: str, trained_on: str | None, found: str) -> str | None:
    """A line where two identities of one kind differ: two commits, or two hashes of files."""
    if trained_on is None or trained_on == found or len(trained_on) != len(found):
        return None
    return f"{base} on this disk is {found[:12]}, and the adapter was trained on {trained_on[:12]} of it"


def _json(path: Path) -> dict[str, Any]:
    """A file beside a model; nothing where it is missing or damaged."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
