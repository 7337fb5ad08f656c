"""What the runs of a workspace name: kept objects, datasets and models. Whatever none of them names may go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from docutune.errors import DocutuneError
from docutune.workspace import Store, read_manifest

OBJECTS = "objects.txt"
_OBJECT = re.compile(r"(?:cache|results|replies)/[0-9a-f]{64}")
_CLOCK_SECONDS = 2.0  # the coarsest modification time that a file system keeps
_MODEL_DIGITS = 24
_KEYED = re.compile(rf"[0-9a-f]{{{_MODEL_DIGITS}}}")
_FOLDERS = {"models": _KEYED, "training": _KEYED, "datasets": re.compile(r"[0-9a-f]{16}")}


@dataclass(frozen=True, slots=True)
class Named:
    """What must stay. `objects` are "cache/<key>" and "results/<key>", the others names of folders.

    `since` (seconds since 1970): what is younger belongs to a run that did not finish and may go on. None in place of a
    set: some run does not say what it used, so all may be in use; `notes` say which and why.
    """

    objects: frozenset[str] | None
    datasets: frozenset[str] | None
    models: frozenset[str] | None
    since: float | None
    notes: tuple[str, ...] = ()

    def keeps(self, names: frozenset[str] | None, name: str, changed: float) -> bool:
        """Whether something of that name, last changed at that time, must stay."""
        return names is None or name in names or (self.since is not None and changed >= self.since)


def choose(store: Store, keep: int | None) -> tuple[list[Path], list[Path]]:
    """The runs to keep and those to remove, oldest first.

    With `keep`, besides the newest runs the newest that finished and the newest with a model stay: what an interrupted
    run would reuse, and what a conversation would ask. A run's folder that is a link stays, too.
    """
    runs = store.runs()
    if keep is None or len(runs) <= keep:
        return runs, []
    latest = (store.folder / "runs" / "latest").resolve().name
    wanted = set(runs[-keep:]) | {run for run in runs if run.is_symlink() or run.name == latest}
    manifests = {run: _manifest(run) or {} for run in runs}
    finished = [place for place, run in enumerate(runs) if manifests[run].get("outcome") == "finished"]
    modelled = [run for run in runs if manifests[run].get("models")]
    wanted |= {*runs[finished[-1] if finished else 0 :], *modelled[-1:]}
    return [run for run in runs if run in wanted], [run for run in runs if run not in wanted]


def named_by(store: Store, runs: Sequence[Path], kept: Set[str] = frozenset()) -> Named:
    """What these runs name, and what their models stand on; `kept` are dataset versions that something else names."""
    collected = _Collected()
    for run in runs:
        collected.add(run)
    since = _since(runs)
    objects = None if collected.objects_unknown else frozenset(collected.objects)
    if collected.folders_unknown:
        return Named(None, None, None, since, tuple(collected.notes))
    bases, datasets = _stood_on(store, collected.models, since)
    models = frozenset(collected.models | bases)
    return Named(objects, frozenset(collected.datasets | datasets | kept), models, since, tuple(collected.notes))


@dataclass
class _Collected:
    objects: set[str] = field(default_factory=set)
    datasets: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    objects_unknown: bool = False
    folders_unknown: bool = False

    def add(self, run: Path) -> None:
        """Take in what one run names."""
        manifest = _manifest(run)
        if manifest is None:
            self.objects_unknown = self.folders_unknown = True
            self.notes.append(f"run {run.name} has no manifest that this version reads: all that it may name stays")
            return
        self.models |= set(_models(manifest))
        if version := manifest.get("dataset"):
            self.datasets.add(version)
        if takes := manifest.get("takes"):
            self.datasets.add(takes["version"])
        objects = _objects(run, manifest)
        if objects is None:
            self.objects_unknown = True
            self.notes.append(
                f"run {run.name} has no {OBJECTS} that says which cached items and step results it used: all stay"
            )
        else:
            self.objects |= objects


def _manifest(run: Path) -> dict[str, Any] | None:
    try:
        return read_manifest(run)
    except DocutuneError:
        return None


def _objects(run: Path, manifest: Mapping[str, Any]) -> set[str] | None:
    """The lines of objects.txt, for which every step that ended has written its own. None when they are not known.

    A kill may tear the last line of a run that did not finish; its step did not end.
    """
    try:
        whole, _, torn = (run / OBJECTS).read_text("utf-8").rpartition("\n")
    except (OSError, ValueError):
        ended = any(step["status"] in ("made", "reused") for step in manifest["steps"])
        return None if ended else set()
    lines = set(whole.split("\n")) if whole else set()
    unharmed = all(_OBJECT.fullmatch(line) for line in lines) and not (torn and manifest["outcome"] == "finished")
    return lines if unharmed else None


def _models(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Names of folders in models/: of the steps that make models, and of the models with their bases."""
    for step in manifest["steps"]:
        if step["name"].startswith(("base:", "train:")):
            yield step["key"][:_MODEL_DIGITS]
    for model in manifest.get("models", ()):
        yield model["key"][:_MODEL_DIGITS]
        for place in (model["adapter"], model["base_folder"]):
            parts = PurePosixPath(place).parts
            if len(parts) > 1 and parts[0] == "models":
                yield parts[1]


def _since(runs: Sequence[Path]) -> float | None:
    """When the first run began after which none finished."""
    began = None
    for run in reversed(runs):
        manifest = _manifest(run)
        if manifest is None or manifest["outcome"] == "finished":
            break
        began = datetime.fromisoformat(manifest["started"]).timestamp() - _CLOCK_SECONDS
    return began


def _stood_on(store: Store, models: set[str], since: float | None) -> tuple[set[str], set[str]]:
    """The embedded bases and the datasets of the models that stay."""
    folders = list(folders_of(store, "models"))
    facts_of = {folder.name: described(folder) for folder in folders}
    young = {folder.name for folder in folders if since is not None and folder.lstat().st_mtime >= since}
    staying = [facts for name, facts in facts_of.items() if name in models or name in young]
    digests = {facts["base"].get("digest") for facts in staying if isinstance(facts.get("base"), dict)}
    bases = {name for name, facts in facts_of.items() if "base" not in facts and facts.get("digest") in digests}
    return bases, {str(facts["dataset"]) for facts in staying if "dataset" in facts}


def folders_of(store: Store, area: str) -> Iterator[Path]:
    """The models, trainings or dataset versions that docutune made; links and what else lies there are not its own."""
    place = store.folder / area
    if place.is_symlink() or not place.is_dir():
        return
    for path in sorted(place.iterdir()):
        if _FOLDERS[area].fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield path


def described(folder: Path) -> dict[str, Any]:
    """What a model's model.json says; nothing when it is damaged: such a model is made again."""
    try:
        facts = json.loads((folder / "model.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
