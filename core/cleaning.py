"""Finds what of a workspace no kept run names, and frees it; killed at any moment, it leaves nothing named missing."""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from docutune import atomic, tags
from docutune.catalog import Catalog
from docutune.datasets.mentions import mentions
from docutune.errors import DocutuneError
from docutune.held import fresh, held
from docutune.named import Named, choose, described, folders_of, named_by
from docutune.workspace import Store

KINDS = ("runs", "models", "training", "datasets", "cache", "results", "leftovers", "index")
"""What may be freed, in the order in which it goes, but for leftovers: nothing names them, so they go first."""

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8,12}\.tmp(?P<old>\.old)?")
_AREAS = ("cache", "results", "replies", "datasets", "models", "training", "runs", "sessions")
_UNLOCKED = (".", "cache", "sessions")  # where others than the run at work write, too: plan, chat


@dataclass(frozen=True, slots=True)
class Item:
    """Something that may go: `name` is its path below `.docutune/`, or a run that only the index still has."""

    kind: str
    name: str
    bytes: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What may go, or what went; `notes` say what had to stay, and why."""

    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """The sizes of all files together."""
        return sum(item.bytes for item in self.items)

    def of(self, kind: str) -> list[Item]:
        """The items of one kind."""
        return [item for item in self.items if item.kind == kind]


def look(store: Store, keep: int | None) -> Cleaning:
    """Find what may go; call under the workspace's lock. With `keep`, also all runs but the newest ones."""
    links = [area for area in _AREAS if (store.folder / area).is_symlink()]
    runs, dropped = choose(store, None if "runs" in links else keep)
    pins, files = tags.read(store), mentions(store)
    named = named_by(store, runs, {*pins.tags.values(), *pins.imported, *files.versions})
    items = [
        *(Item("runs", f"runs/{run.name}", _size(run), run.name) for run in dropped),
        *_folders(store, "models", named, named.models),
        *_trainings(store, named),
        *_folders(store, "datasets", named, named.datasets),
        *(item for area in ("cache", "results") for item in _objects(store, area, named)),
        *_leftovers(store, [] if "runs" in links else runs),
        *_index(store),
    ]
    notes = [f"{area}/ is a link: nothing behind it is looked at" for area in links]
    return Cleaning(tuple(items), (*named.notes, *files.notes, *notes))


def free(store: Store, cleaning: Cleaning) -> Cleaning:
    """Free what was found and is still there; call under the workspace's lock. Returns what went.

    Folders lose their name before they lose a file, a run goes before what it names, and a model before what it stands
    on: whatever still has its name is whole.
    """
    gone = [item for item in cleaning.of("leftovers") if _remove(store.folder / item.name)]
    gone += _free_folders(store, "runs", cleaning.of("runs"))
    Catalog(store).forget({item.label for item in cleaning.items if item.kind in ("runs", "index")})
    gone += cleaning.of("index")
    models = sorted(cleaning.of("models"), key=lambda item: item.label.startswith("base "))
    gone += _free_folders(store, "models", models)
    gone += _free_folders(store, "training", cleaning.of("training"))
    gone += _free_folders(store, "datasets", cleaning.of("datasets"))
    gone += [item for area in ("results", "cache") for item in cleaning.of(area) if _remove(store.folder / item.name)]
    return Cleaning(tuple(gone), cleaning.notes)


def _folders(store: Store, area: str, named: Named, names: frozenset[str] | None) -> Iterator[Item]:
    for folder in folders_of(store, area):
        if not named.keeps(names, folder.name, folder.lstat().st_mtime):
            name = described(folder).get("name", "base") if area == "models" else ""
            yield Item(area, f"{area}/{folder.name}", _size(folder), f"{name} {folder.name}".strip())


def _trainings(store: Store, named: Named) -> Iterator[Item]:
    """Interrupted trainings that no run names, and what is left of one whose model is there."""
    for folder in folders_of(store, "training"):
        ended = (store.folder / "models" / folder.name / "model.json").is_file()
        if ended or not named.keeps(named.models, folder.name, folder.lstat().st_mtime):
            yield Item("training", f"training/{folder.name}", _size(folder), folder.name)


def _objects(store: Store, area: str, named: Named) -> Iterator[Item]:
    if named.objects is None:
        return
    for folder in _entries(store.folder / area, r"[0-9a-f]{2}", os.DirEntry.is_dir):
        for file in _entries(Path(folder), r"[0-9a-f]{62}", os.DirEntry.is_file):
            with suppress(FileNotFoundError):  # removed by hand in this moment
                found = file.stat(follow_symlinks=False)
                if not named.keeps(named.objects, f"{area}/{folder.name}{file.name}", found.st_mtime):
                    yield Item(area, f"{area}/{folder.name}/{file.name}", found.st_size)


def _entries(folder: Path, pattern: str, kind: Callable[..., bool]) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder under such names; links do not count, nor what is behind them."""
    if folder.is_symlink() or not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        yield from (
            entry for entry in entries if re.fullmatch(pattern, entry.name) and kind(entry, follow_symlinks=False)
        )


def _leftovers(store: Store, runs: Sequence[Path]) -> Iterator[Item]:
    """What killed processes left behind: unfinished files and folders, chats that ended, texts of a base model."""
    places = [store.folder, *(store.folder / area for area in _AREAS)]
    for area in ("cache", "results", "replies"):
        places += [Path(entry) for entry in _entries(store.folder / area, r"[0-9a-f]{2}", os.DirEntry.is_dir)]
    found = [path for place in places for path in _temporary(store, place)]
    for run in runs:
        if not run.is_symlink():
            found += [path for path in _inside(run) if _left_in_run(run, path)]
    chats = _entries(store.folder / "sessions", r"[^.].*", os.DirEntry.is_dir)
    found += [Path(entry) for entry in chats if not held(Path(entry))]
    for path in found:
        yield Item("leftovers", path.relative_to(store.folder).as_posix(), _size(path))


def _temporary(store: Store, place: Path) -> Iterator[Path]:
    if place != store.folder and (place.is_symlink() or not place.is_dir()):
        return
    shared = (place.relative_to(store.folder).parts or (".",))[0] in _UNLOCKED
    for path in sorted(place.iterdir()):
        if _is_temporary(path) and not (shared and fresh(path)):
            yield path


def _is_temporary(path: Path) -> bool:
    """A folder that was moved aside, and whose successor never came, is the last of its name: it stays."""
    match = _TEMPORARY.fullmatch(path.name)
    return match is not None and (not match["old"] or path.with_name(match["name"]).exists())


def _left_in_run(run: Path, path: Path) -> bool:
    texts = path.name == "texts.jsonl" and path.relative_to(run).parts[0] == "jobs"
    return texts or _is_temporary(path)


def _index(store: Store) -> Iterator[Item]:
    """Runs that the index has and whose folders are gone."""
    if (store.folder / "catalog.sqlite").is_file():
        folders = {run.name for run in store.runs()}
        for row in Catalog(store).runs():
            if row.id not in folders:
                yield Item("index", row.id, 0, row.id)


def _free_folders(store: Store, area: str, items: Sequence[Item]) -> list[Item]:
    """Take their names away, make that durable, then remove them."""
    nameless = {}
    with _removing(store.folder / area):
        for item in items:
            path = store.folder / item.name
            nameless[item] = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
            with suppress(FileNotFoundError):  # somebody else removed it
                path.replace(nameless[item])
        if items:
            atomic.sync_folder(store.folder / area)
    return [item for item in items if _remove(nameless[item])]


def _remove(path: Path) -> bool:
    """Remove a file, a link or a folder with all in it; False when it was not there or somebody still writes there."""
    with _removing(path):
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            return False
    return True


@contextmanager
def _removing(path: Path) -> Iterator[None]:
    """Give one line when the disk refuses: where, and why."""
    try:
        yield
    except OSError as error:
        raise DocutuneError(
            f"{error.filename or path}: cannot be removed: {error.strerror or error}",
            "see that you may write there, then give the same command again: it goes on from here",
        ) from error


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; links, and what has just gone, count for nothing."""
    files = _inside(path) if path.is_dir() and not path.is_symlink() else [path]
    total = 0
    for file in files:
        with suppress(FileNotFoundError):
            total += 0 if file.is_symlink() else file.lstat().st_size
    return total


def _inside(folder: Path) -> Iterator[Path]:
    """Every file below a folder; links are not followed, and are no files."""
    for place, _, names in os.walk(folder):
        files = (Path(place, name) for name in names)
        yield from (file for file in files if not file.is_symlink())
