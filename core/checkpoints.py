"""Checkpoints of a training: complete or absent, verified before they are used. For every trainer, in any format.

    checkpoints = Checkpoints(context.kept / "checkpoints", config.keep_checkpoints)
    with checkpoints.alone(context.note):
        found = checkpoints.newest(identity)            # found.checkpoint.folder holds what was saved, or is None
        ...
        with checkpoints.saving(step, identity) as folder:
            ...                                         # write files into folder

`identity` maps field -> JSON value: all that a training must agree on with the one that it continues.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune import atomic
from docutune.errors import DocutuneError
from docutune.records import JsonValue

MANIFEST = "manifest.json"

SAVE_GRACE = 120.0
"""Seconds that a trainer that was asked to stop may need: to end one forward pass, and to write a checkpoint."""

_VERSION = 1
_STEP = re.compile(r"step-(\d{8,})")
_UNFINISHED = re.compile(r"\.step-\d{8,}\.[0-9a-f]{8}\.tmp")
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that verified: `folder` holds exactly the files that were saved at that step, and its manifest."""

    folder: Path
    step: int
    identity: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Found:
    """The newest checkpoint that verified, or None; `skipped` says of each newer one what is wrong."""

    checkpoint: Checkpoint | None
    skipped: tuple[str, ...] = ()


class Checkpoints:
    """The checkpoints of one training, below one folder."""

    def __init__(self, folder: Path, keep: int = 2) -> None:
        """`keep`: how many of the newest stay."""
        self.folder = folder
        self._keep = keep

    @contextlib.contextmanager
    def alone(self, tell: Callable[[str], None], wait: float = SAVE_GRACE) -> Iterator[None]:
        """Keep every other process out of the folder; first wait for one that is still saving, and tell so.

        DocutuneError when it does not end within `wait` seconds. What an interrupted saving left behind is removed.
        """
        with atomic.writing(self.folder):
            atomic.make_folder(self.folder)
            descriptor = os.open(self.folder / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
        try:
            self._lock(descriptor, tell, time.monotonic() + wait)
            self._sweep()
            yield
        finally:
            os.close(descriptor)

    def newest(self, identity: Mapping[str, JsonValue]) -> Found:
        """The newest checkpoint that verifies, every byte of it.

        Raises DocutuneError when it belongs to another training: each field that differs, with both values.
        """
        found = self.latest()
        if found.checkpoint is not None:
            refuse_another(found.checkpoint, identity)
        return found

    def latest(self) -> Found:
        """The newest checkpoint that verifies, whatever its identity."""
        skipped: list[str] = []
        for folder in reversed(self._folders()):
            manifest, problem = _examined(folder)
            if problem is None:
                return Found(Checkpoint(folder, manifest["step"], manifest["identity"]), tuple(skipped))
            skipped.append(f"the checkpoint {folder.name} is not used: {problem}")
        return Found(None, tuple(skipped))

    @contextlib.contextmanager
    def saving(self, step: int, identity: Mapping[str, JsonValue], size: int = atomic.BLOCK) -> Iterator[Path]:
        """A private folder to write files into; when the block ends well it becomes the checkpoint of that step.

        Then it is read back, and only after that older ones than `keep` go. `size`: bytes that it will have, for the
        message when the disk is full. Raises DocutuneError when the disk refuses; checkpoints saved before stay.
        """
        final = self.folder / f"step-{step:08}"
        made = self.folder / f".{final.name}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            with atomic.writing(final, size, all_of_it=True):
                atomic.make_folder(made)
                yield made
                _write_manifest(made, step, identity)
                if final.exists():  # it did not verify, or nobody would save this step again
                    _discard(final)
            atomic.publish_folder(made, final)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self._read_back(final)
        self._rotate(final)

    def _folders(self) -> list[Path]:
        """All checkpoints by their names, oldest first, verified or not."""
        return _step_folders(self.folder)

    def _lock(self, descriptor: int, tell: Callable[[str], None], until: float) -> None:
        told = False
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            if time.monotonic() > until:
                raise DocutuneError(
                    f"{self.folder}: another process is still training here", "wait for it to end, or end it"
                )
            if not told:
                tell("waiting for the former training of this model to save and end")
                told = True
            time.sleep(_POLL_SECONDS)

    def _sweep(self) -> None:
        for path in self.folder.iterdir():
            if _UNFINISHED.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)

    def _read_back(self, folder: Path) -> None:
        problem = _examined(folder, from_disk=True)[1]
        if problem is not None:
            _discard(folder)
            raise DocutuneError(
                f"{folder}: what was just written reads back otherwise: {problem}",
                "see whether the disk is sound; the checkpoint before it stays",
            )

    def _rotate(self, newest: Path) -> None:
        """Remove all but the newest; later steps than the one just saved did not verify, or it would not be there."""
        folders = self._folders()
        place = folders.index(newest)
        for folder in [*folders[: max(0, place + 1 - self._keep)], *folders[place + 1 :]]:
            _discard(folder)


def last_step(folder: Path) -> int | None:
    """The step of the newest checkpoint below `folder`, by its name alone; None when there is none. Changes nothing."""
    folders = _step_folders(folder)
    return _step_of(folders[-1]) if folders else None


def refuse_another(checkpoint: Checkpoint, identity: Mapping[str, JsonValue]) -> None:
    """Raise DocutuneError when the checkpoint's training is not this one; it names what differs."""
    differing = differences(checkpoint.identity, identity)
    if differing:
        raise DocutuneError(
            f"{checkpoint.folder}: this checkpoint is of another training: {'; '.join(differing)}",
            f"set it back to continue, or remove {checkpoint.folder.parent} to start anew",
        )


def differences(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]) -> list[str]:
    """A phrase for each field that differs: "lora_rank was 16, is now 32"."""
    names = [*new, *(name for name in old if name not in new)]
    return [
        f"{name} was {_shown(old, name)}, is now {_shown(new, name)}"
        for name in names
        if name not in old or name not in new or old[name] != new[name]
    ]


def _shown(values: Mapping[str, JsonValue], name: str) -> str:
    if name not in values:
        return "not there"
    text = json.dumps(values[name], ensure_ascii=False)
    digest = re.fullmatch(r'"([0-9a-f]{16})[0-9a-f]+"', text)
    return digest[1] if digest else text


def _step_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _STEP.fullmatch(path.name)), key=_step_of)


def _step_of(folder: Path) -> int:
    match = _STEP.fullmatch(folder.name)
    assert match is not None
    return int(match[1])


def _discard(folder: Path) -> None:
    """Take the name away, make that durable, then remove the files: what has its name is whole."""
    nameless = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    with atomic.writing(folder):
        folder.replace(nameless)
        atomic.sync_folder(folder.parent)
    shutil.rmtree(nameless, ignore_errors=True)


def _write_manifest(folder: Path, step: int, identity: Mapping[str, JsonValue]) -> None:
    """Wait until the disk has every file; then say what they are."""
    files: dict[str, JsonValue] = {}
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        files[path.relative_to(folder).as_posix()] = {"sha256": digest, "bytes": path.stat().st_size}
    whole: dict[str, JsonValue] = {"version": _VERSION, "step": step, "identity": dict(identity), "files": files}
    atomic.write_bytes(folder / MANIFEST, _rendered(whole))


def _rendered(whole: Mapping[str, JsonValue]) -> bytes:
    """The manifest's only form: with its own digest, so that a changed byte anywhere in it shows."""
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
    return (json.dumps({**whole, "sha256": digest}, indent=1, sort_keys=True) + "\n").encode()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir() and path != folder / MANIFEST)


def _examined(folder: Path, from_disk: bool = False) -> tuple[dict[str, Any], str | None]:
    """The manifest, and what is wrong with the checkpoint. `from_disk`: not what the system remembers of the files."""
    try:
        manifest = _read_manifest(folder)
        return manifest, _problem(folder, manifest, from_disk)
    except FileNotFoundError as error:
        return {}, f"{Path(error.filename).name} is missing"
    except (OSError, ValueError) as error:
        return {}, str(error)


def _read_manifest(folder: Path) -> dict[str, Any]:
    content = (folder / MANIFEST).read_bytes()
    try:
        manifest = json.loads(content)
        whole = {name: value for name, value in manifest.items() if name != "sha256"}
        sound = _rendered(whole) == content and whole["step"] == _step_of(folder)
    except (ValueError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise ValueError(f"{MANIFEST} is damaged")
    if whole["version"] != _VERSION:
        raise ValueError(f"{MANIFEST} is of version {whole['version']}, this docutune reads {_VERSION}")
    return whole


def _problem(folder: Path, manifest: Mapping[str, Any], from_disk: bool) -> str | None:
    named, there = manifest["files"], {path.relative_to(folder).as_posix() for path in _files(folder)}
    for name in sorted(named.keys() | there):
        if name not in there:
            return f"{name} is missing"
        if name not in named:
            return f"{name} does not belong to it"
        size = (folder / name).stat().st_size
        if size != named[name]["bytes"]:
            return f"{name} has {size:,} bytes, not {named[name]['bytes']:,}"
        if _digest(folder / name, from_disk) != named[name]["sha256"]:
            return f"{name} is changed"
    return None


def _digest(path: Path, from_disk: bool) -> str:
    with path.open("rb") as file:
        if from_disk:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(file, "sha256").hexdigest()
