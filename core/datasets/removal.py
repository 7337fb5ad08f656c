"""Removing a dataset version: never one that something names, unless it is forced."""

from __future__ import annotations

import shutil
import uuid

from docutune import tags
from docutune.atomic import size, sync_folder, writing
from docutune.datasets.uses import Users, Uses
from docutune.errors import UsageError
from docutune.version_names import resolve
from docutune.workspace import Store


def removable(store: Store, name: str, force: bool) -> tuple[str, int, Uses]:
    """The version of that name, its bytes and who names it; UsageError when something does and not `force`."""
    version = resolve(store, name).version
    folder = store.dataset_folder(version)
    if not folder.is_dir():
        raise UsageError(f"dataset version {version} is not here any more", "docutune dataset list shows what is")
    uses = Users(store).of(version)
    users = list(uses.told())
    if users and not force:
        raise UsageError(
            f"dataset version {version} is named by {'; '.join(users)}",
            "--force removes it all the same: models stay, but what they were trained on is no longer here",
        )
    return version, size(folder), uses


def remove(store: Store, name: str, force: bool) -> str:
    """Remove a version with its tags, while no run is at work; the version. The folder loses its name first."""
    with store.locked("clean"):
        version, _, _ = removable(store, name, force)
        folder = store.dataset_folder(version)
        aside = folder.with_name(f".{version}.{uuid.uuid4().hex[:8]}.tmp")
        with writing(folder):
            folder.rename(aside)
            sync_folder(folder.parent)
        tags.forget(store, version)
        shutil.rmtree(aside, ignore_errors=True)
    return version
