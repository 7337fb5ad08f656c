"""From the name that a user gives to a dataset version: a hash, its first digits, a tag, `latest` or a run's id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from docutune import tags
from docutune.errors import DocutuneError, UsageError
from docutune.suggestions import did_you_mean
from docutune.versions import versions as whole_versions
from docutune.workspace import Store, read_manifest

LATEST = "latest"
_RUN = re.compile(r"\d{8}-\d{6}(?:-\d+)?")
_DIGITS = re.compile(r"[0-9a-f]{4,16}")
_VERSION = re.compile(r"[0-9a-f]{16}")
_LIST = "docutune dataset list shows the versions and their tags"
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Chosen:
    """A version as it was named; `tag` or `run` where the name was one."""

    name: str
    version: str
    tag: str | None = None
    run: str | None = None


def resolve(store: Store, name: str) -> Chosen:
    """The version of that name; UsageError when nothing or more than one thing bears it.

    Its folder may be gone all the same: who reads it says so.
    """
    pins = tags.read(store)
    wanted = unicodedata.normalize("NFC", name)
    if wanted in pins.tags:
        return Chosen(name, pins.tags[wanted], tag=wanted)
    if wanted == LATEST or _RUN.fullmatch(wanted):
        return _of_run(store, wanted)
    known = {**dict.fromkeys(folders(store)), **dict.fromkeys(of_runs(store).values())}
    found = [version for version in known if version.startswith(wanted)] if _DIGITS.fullmatch(wanted) else []
    if len(found) > 1:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UsageError(f"{name!r} may mean {', '.join(found[:_SHOWN])}{more}", "give more digits")
    if not found:
        raise _unknown(name, [*pins.tags, LATEST], bool(known))
    return Chosen(name, found[0])


def folders(store: Store) -> list[str]:
    """The versions whose folders are here, sorted."""
    place = store.folder / "datasets"
    return sorted(path.name for path in place.iterdir() if _VERSION.fullmatch(path.name)) if place.is_dir() else []


def of_runs(store: Store) -> Mapping[str, str]:
    """Run -> its dataset version, oldest first, of those that came to one."""
    found: dict[str, str] = {}
    for folder in store.runs():
        try:
            version = read_manifest(folder).get("dataset")
        except DocutuneError:
            continue  # it left no manifest, or another version of docutune did
        if isinstance(version, str):
            found[folder.name] = version
    return found


def _of_run(store: Store, name: str) -> Chosen:
    versions = of_runs(store)
    if name == LATEST:
        if not versions:
            return Chosen(LATEST, _newest(store))
        name, version = list(versions.items())[-1]
        return Chosen(LATEST, version, run=name)
    run = store.run_folder(name).name
    if run not in versions:
        raise UsageError(f"run {run} made no dataset", f"choose another run, or a version: {_LIST}")
    return Chosen(name, versions[run], run=run)


def _newest(store: Store) -> str:
    """The newest version that is here without any run, such as an imported one."""
    found = [version.version for version in whole_versions(store)]
    if not found:
        raise UsageError(f"{store.folder}: no run has made a dataset yet", "make one: docutune run --until dataset")
    return found[-1]


def _unknown(name: str, known: list[str], any_version: bool) -> UsageError:
    if not any_version:
        return UsageError(f"{name!r}: there is no dataset version here yet", "make one: docutune run --until dataset")
    guess = did_you_mean(name, known) or ": it is no version, tag or run of this workspace"
    return UsageError(f"no dataset version is called {name!r}{guess}", _LIST)
