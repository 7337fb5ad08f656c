"""What keeps a dataset version beyond the runs that name it: tags, and having been imported. One file, tags.json."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock

from docutune import atomic
from docutune.errors import DocutuneError, UsageError
from docutune.workspace import Store

FILE = "tags.json"
_NAME = re.compile(r"[^\W\d_][\w.-]{0,63}")
_DIGITS = re.compile(r"[0-9a-f]{4,16}")
_LOCK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Imported:
    """Where an imported version comes from: the file's name, and when (ISO 8601 in UTC)."""

    file: str
    time: str


@dataclass(frozen=True, slots=True)
class Pins:
    """Tag -> version, and the versions that were imported."""

    tags: Mapping[str, str] = field(default_factory=dict)
    imported: Mapping[str, Imported] = field(default_factory=dict)

    def of(self, version: str) -> tuple[str, ...]:
        """The tags of a version, sorted."""
        return tuple(sorted(name for name, tagged in self.tags.items() if tagged == version))


def checked(name: str) -> str:
    """The tag's name in its normal form; UsageError where it could be taken for a version, a run or an option."""
    normal = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(normal):
        way = "begin with a letter; letters, digits, `.`, `-` and `_` may follow, 64 characters in all"
        raise UsageError(f"{name!r} is no name for a tag", way)
    if normal == "latest" or _DIGITS.fullmatch(normal):
        meaning = "the newest run's version" if normal == "latest" else "a version that begins with these digits"
        raise UsageError(f"a tag cannot be called {normal!r}, which means {meaning}", "choose another name, such as v1")
    return normal


def read(store: Store) -> Pins:
    """The tags and imports; needs no lock, for the file is replaced in one step."""
    path = store.folder / FILE
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        tags = {str(name): str(version) for name, version in told["tags"].items()}
        imported = {
            str(name): Imported(str(item["file"]), str(item["time"])) for name, item in told["imported"].items()
        }
    except FileNotFoundError:
        return Pins()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DocutuneError(
            f"{path}: cannot be read: {error}", "mend it, or move it away and set the tags again"
        ) from error
    return Pins(tags, imported)


def add_tag(store: Store, name: str, version: str, force: bool) -> str | None:
    """Let the tag name that version; the version it named before. UsageError when it names another and not `force`."""
    name, before = checked(name), None

    def change(pins: Pins) -> Pins:
        nonlocal before
        before = pins.tags.get(name)
        if before not in (None, version) and not force:
            raise UsageError(f"the tag {name!r} names {before} already", "move it with --force, or choose another name")
        return Pins({**pins.tags, name: version}, pins.imported)

    _change(store, change)
    return before


def remove_tag(store: Store, name: str) -> str:
    """Take a tag away; the version that it named. UsageError when there is none of that name."""
    wanted, before = unicodedata.normalize("NFC", name), ""

    def change(pins: Pins) -> Pins:
        nonlocal before
        if wanted not in pins.tags:
            raise UsageError(f"there is no tag {name!r}", "docutune dataset list shows the tags")
        before = pins.tags[wanted]
        return Pins({tag: version for tag, version in pins.tags.items() if tag != wanted}, pins.imported)

    _change(store, change)
    return before


def add_import(store: Store, version: str, file: str) -> None:
    """Remember that a version was imported, so that it stays although no run names it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _change(store, lambda pins: Pins(pins.tags, {**pins.imported, version: Imported(file, now)}))


def forget(store: Store, version: str) -> None:
    """Take away every tag of a version, and that it was imported."""

    def change(pins: Pins) -> Pins:
        tags = {name: tagged for name, tagged in pins.tags.items() if tagged != version}
        return Pins(tags, {name: item for name, item in pins.imported.items() if name != version})

    if version in {*(pins := read(store)).tags.values(), *pins.imported}:
        _change(store, change)


def _change(store: Store, change: Callable[[Pins], Pins]) -> None:
    """Read, change and replace the file while nobody else does."""
    store.create()
    with FileLock(store.folder / "tags.lock", timeout=_LOCK_SECONDS):
        pins = change(read(store))
        told = {
            "tags": dict(sorted(pins.tags.items())),
            "imported": {name: {"file": item.file, "time": item.time} for name, item in sorted(pins.imported.items())},
        }
        atomic.write_text(store.folder / FILE, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
