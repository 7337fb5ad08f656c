"""What a MODEL argument may name, for every command: a training, a key, a folder, a model of a hub, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docutune import models, tuned
from docutune.errors import DocutuneError, PluginError, UsageError
from docutune.hubs import NotHere
from docutune.model_folders import Form, Held, Place, look, tiny
from docutune.named import described, folders_of
from docutune.records import ModelRef
from docutune.suggestions import did_you_mean
from docutune.training import TINY
from docutune.tuned import Trained, model_names, trained
from docutune.workspace import Store

__all__ = ["Named", "Place", "RuntimeChoice", "find", "refuse_unknown"]

_KEY = re.compile(r"[0-9a-f]{4,64}")
_DIGITS = 12
_SHOWN = 8
_PIPELINE = "pipeline.yaml"


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """Which runtime opens a model: the plugin's name, its options, the interpreter of another environment."""

    uses: str = "local"
    options: Mapping[str, Any] = field(default_factory=dict)
    python: Path | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A model that was named, on this disk.

    `name` is what people and programs call it; `origin` one line on what it is and where it was found. `form` says what
    `ref` holds: a base alone, an adapter to it, or a whole model that was tuned in full. `base` is the name of the
    base; `run` and `key` stand where a training of this workspace made it. `warning` says what may surprise.
    """

    ref: ModelRef
    name: str
    origin: str
    form: Form
    base: str
    runtime: RuntimeChoice = RuntimeChoice()
    run: str | None = None
    key: str | None = None
    warning: str | None = None


def find(name: str | None, run: str | None, place: Place) -> Named:
    """The model called `name`, by default the newest of the workspace; `run` names the run whose training is meant.

    In this order: a training's name, the first digits of a model's key, builtin/tiny, a folder, a model of a hub. What
    begins with /, ./, ../ or ~ can only be a folder. UsageError when there is none, with those there are;
    DocutuneError when what is there cannot be used.
    """
    if name is None or run is not None:
        return _trained_here(name, run, place)
    if name.startswith(models.FOLDER_MARKS):
        return _in_folder(name, place)
    found = _of_runs(name, None, place) or _of_key(name, place)
    if found is not None:
        return found
    if name == TINY:
        return _tiny(place)
    if models.is_folder_name(name, place.folder):
        return _in_folder(name, place)
    if "/" in name or ":" in name or _is_cached(name, place):
        return _of_hub(name, place)
    raise _unknown(name, None, place)


def refuse_unknown(name: str | None, place: Place) -> None:
    """Errors as `find` where this disk tells already that there is no such model; nothing is downloaded.

    Whether a hub has a model that is not here is for the hub to say.
    """
    try:
        find(name, None, replace(place, download=False))
    except NotHere:
        return


def _trained_here(name: str | None, run: str | None, place: Place) -> Named:
    """The newest of all or of a run, where `name` says no other."""
    store = place.store
    if run is None and not store.runs() and not (store.folder.parent / _PIPELINE).is_file():
        hint = "name one: a folder such as ./model, or owner/name of a hub; or go to the folder of your pipeline file"
        raise UsageError("no model is named, and nothing was trained here", hint)
    found = _of_runs(name, run, place)
    if found is None and next(trained(store, run), None) is None:
        raise tuned.none_of(store, run)
    if found is None:
        raise _unknown(name or "", run, place)
    return found


def _of_runs(name: str | None, run: str | None, place: Place) -> Named | None:
    """The newest of that name, or of that key."""
    known = list(trained(place.store, run))
    named = [model for model in known if name in (None, model.name)]
    if not named and name is not None:
        named = _by_key(name, known)
    return _as_named(named[0], place.store) if named else None


def _by_key(digits: str, known: list[Trained]) -> list[Trained]:
    """Those whose key begins with these digits; UsageError when that may mean several keys."""
    found = [model for model in known if _KEY.fullmatch(digits) and model.key.startswith(digits)]
    _refuse_several(digits, [model.key for model in found])
    return found


def _refuse_several(digits: str, keys: list[str]) -> None:
    different = sorted({key[:_DIGITS] for key in keys})
    if len(different) > 1:
        raise UsageError(f"{digits!r} may mean the models {', '.join(different)}", "give more digits of the key")


def _as_named(model: Trained, store: Store) -> Named:
    ref = tuned.reference(store, model)
    return Named(
        ref,
        model.name,
        f"training {model.name!r} of run {model.run}, on {model.base}",
        "whole" if ref.adapter is not None and models.is_whole(ref.adapter) else "adapter",
        model.base,
        _choice(model.runtime),
        model.run,
        model.key,
    )


def _of_key(digits: str, place: Place) -> Named | None:
    """A model on the disk that no run names any more."""
    if not _KEY.fullmatch(digits):
        return None
    folders = [folder for folder in folders_of(place.store, "models") if folder.name.startswith(digits)]
    folders = [folder for folder in folders if "adapter" in described(folder)]
    _refuse_several(digits, [folder.name for folder in folders])
    if not folders:
        return None
    held = look(folders[0], digits, place)
    name, run = str(held.facts.get("name") or digits), held.facts.get("run")
    origin = f"training {name!r} of a run that is gone, on {held.base}"
    return _told(held, name, origin, place, run, str(held.facts.get("key") or folders[0].name))


def _tiny(place: Place) -> Named:
    ref = tiny(place.store)
    if ref is None:
        hint = "a run that trains it makes it from the sources: docutune run"
        raise UsageError(f"{TINY} has not been made here yet", hint)
    return Named(ref, TINY, f"the embedded base of this workspace, in {ref.folder}", "base", TINY, _newest(place, True))


def _in_folder(name: str, place: Place) -> Named:
    folder = models.place(name, place.folder).resolve()
    if not folder.is_dir():
        siblings = sorted(item.name for item in folder.parent.iterdir()) if folder.parent.is_dir() else []
        raise UsageError(f"no folder {folder}{did_you_mean(folder.name, siblings)}", _ways(place))
    held = look(folder, name, place)
    return _told(held, str(held.facts.get("name") or folder.name), f"{_what(held)} in {folder}", place)


def _of_hub(name: str, place: Place) -> Named:
    try:
        fetched = place.hubs.fetch(name, place.download)
    except PluginError:
        raise
    except DocutuneError as error:
        known = [*model_names(place.store), *place.hubs.cached()]
        kind = NotHere if isinstance(error, NotHere) else DocutuneError
        raise kind(f"{error.message}{did_you_mean(name, known)}", error.hint) from None
    held = look(fetched.folder, name, place, fetched.digest)
    return _told(held, name, f"{_what(held)} of {fetched.hub}, in {fetched.folder}", place)


def _told(held: Held, name: str, origin: str, place: Place, run: Any = None, key: str | None = None) -> Named:
    runtime = _newest(place, held.form != "adapter")
    run = run if isinstance(run, str) else None
    return Named(held.ref, name, origin, held.form, held.base, runtime, run, key, held.warning)


def _what(held: Held) -> str:
    if held.form == "base":
        return "a model"
    return f"an adapter to {held.base}" if held.form == "adapter" else f"a model tuned from {held.base}"


def _newest(place: Place, whole: bool) -> RuntimeChoice:
    """The runtime of the newest run; without any, whole models are opened as they are, and adapters on a base that is
    held as trainings hold it by default.
    """
    for model in trained(place.store):
        return _choice(model.runtime)
    return RuntimeChoice(options={"quantization": "none"}) if whole else RuntimeChoice()


def _choice(runtime: Mapping[str, Any]) -> RuntimeChoice:
    python = Path(runtime["python"]) if runtime.get("python") else None
    return RuntimeChoice(runtime["uses"], runtime["options"], python)


def _is_cached(name: str, place: Place) -> bool:
    """Whether a name without an owner is that of a model in the default hub's cache."""
    try:
        place.hubs.fetch(name, download=False)
    except DocutuneError:
        return False
    return True


def _unknown(name: str, run: str | None, place: Place) -> UsageError:
    names = model_names(place.store)
    cached = place.hubs.cached()
    why = tuned.failed(place.store, run, name) or did_you_mean(name, [*names, TINY, *cached])
    where = f" in run {place.store.run_folder(run).name}" if run else ""
    return UsageError(f"there is no model {name!r}{where}{why}", _ways(place))


def _ways(place: Place) -> str:
    """What there is, in a line or two."""
    names, cached = model_names(place.store), place.hubs.cached()
    more = f" and {len(cached) - _SHOWN} more" if len(cached) > _SHOWN else ""
    lines = [
        f"models of this workspace: {', '.join(names)}" if names else "",
        f"downloaded: {', '.join(cached[:_SHOWN])}{more}" if cached else "",
        "a folder begins with ./, a model of a hub is owner/name",
    ]
    return "; ".join(filter(None, lines))
