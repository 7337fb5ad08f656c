"""What is published is written under a temporary name, synced, renamed, and then its folder is synced: in that order.

A run and a question go on in this process, with the calls that reach the disk written down as they are made.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from disk import PIPELINE, TAPE
from workspace import SITE, make_project

GROWING = {"events.jsonl", "log.txt", "objects.txt"}  # appended to: no reader takes a torn last line
OTHERS = {"jobs", "tensorboard", "sessions"}  # written by workers while they work; nothing of it is ever reused


@dataclass
class Calls:
    """The calls that reach the disk, oldest first: (name, path, target of a rename or files below a renamed folder)."""

    made: list[tuple[str, Path, Path]] = field(default_factory=list)
    below: dict[int, set[Path]] = field(default_factory=dict)

    def watch(self) -> None:
        """From now on write down every fsync, mkdir and rename of this process."""
        fsync, mkdir = os.fsync, os.mkdir
        renames: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in ("rename", "replace")}

        def noted_fsync(descriptor: int) -> None:
            fsync(descriptor)
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            self.made.append(("fsync", path, path))

        def noted_mkdir(path: Any, *more: Any, **named: Any) -> None:
            mkdir(path, *more, **named)
            self.made.append(("mkdir", Path(path).absolute(), Path(path).absolute()))

        def noted(rename: Callable[..., Any]) -> Callable[..., None]:
            def noted_rename(source: Any, target: Any) -> None:
                source, target = Path(source).absolute(), Path(target).absolute()
                self.below[len(self.made)] = {path for path in source.rglob("*") if path.is_file()}
                self.made.append(("rename", source, target))
                rename(source, target)

            return noted_rename

        os.fsync, os.mkdir = noted_fsync, noted_mkdir
        for name, rename in renames.items():
            setattr(os, name, noted(rename))

    def after(self, place: int, path: Path, name: str = "fsync") -> int | None:
        """Where that call comes after `place`."""
        return next((i for i in range(place + 1, len(self.made)) if self.made[i][:2] == (name, path)), None)

    def before(self, place: int, path: Path) -> bool:
        """Whether the path was synced before `place`."""
        return any(call[:2] == ("fsync", path) for call in self.made[:place])


def problems(calls: Calls, workspace: Path) -> Iterator[str]:
    """Every publishing that was not done in order."""
    manifests = [i for i, call in enumerate(calls.made) if call[0] == "rename" and call[2].name == "manifest.json"]
    for place, (name, source, target) in enumerate(calls.made):
        if workspace not in target.parents or OTHERS & set(target.relative_to(workspace).parts):
            continue
        hidden = any(part.endswith((".tmp", ".old")) for part in target.relative_to(workspace).parts)
        if hidden:
            continue
        named = next((number for number in manifests if number > place), len(calls.made))
        synced = calls.after(place, target.parent)
        if name != "fsync" and (synced is None or synced > named):
            yield f"{target}: its folder was not synced before a manifest could name it"
        if name == "rename":
            yield from _published(calls, place, source, target)


def _published(calls: Calls, place: int, source: Path, target: Path) -> Iterator[str]:
    if not (source.name.startswith(".") and source.name.endswith(".tmp")):
        yield f"{target}: was written as {source.name}"
    contents = calls.below[place] or {source}
    if not target.is_symlink():
        yield from (f"{path}: not synced before the rename" for path in contents if not calls.before(place, path))


def unpublished(calls: Calls, workspace: Path) -> Iterator[str]:
    """Every file that came into being by another way than a rename."""
    targets = {call[2] for call in calls.made if call[0] == "rename"}
    for area in ("cache", "results", "datasets", "models", "runs"):
        for path in (workspace / area).rglob("*"):
            parts = path.relative_to(workspace).parts
            apart = path.name in GROWING or "latest" in parts or OTHERS & set(parts)
            if path.is_file() and not apart and not targets & {path, *path.parents}:
                yield f"{path}: was not published by a rename"


def main(is_short: bool, seed: int) -> list[str]:
    """Run once, print the counts, and return what was out of order."""
    calls = Calls()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        project = make_project(Path(folder, "acme"), PIPELINE, "tape", TAPE)
        (project / "base").mkdir()
        (project / "base/config.json").write_text("{}")
        (project / "base/model.safetensors").write_bytes(b"weights")
        sys.path.insert(0, str(project / SITE))
        os.environ |= {"PYTHONPATH": os.pathsep.join(sys.path), "XDG_CACHE_HOME": str(Path(folder, "home"))}
        os.chdir(project)
        from docutune.cli import main as docutune

        calls.watch()
        codes = [docutune(["run"]), docutune(["chat", "hello"])]
        workspace = project / ".docutune"
        found = [*problems(calls, workspace), *unpublished(calls, workspace)]
        os.chdir("/")
    renames = sum(call[0] == "rename" for call in calls.made)
    print(f"order: {renames} renames, {len(calls.made) - renames} syncs and folders; {len(found)} out of order")
    return [*found, *(f"docutune ended with {code}" for code in codes if code != 0)]
