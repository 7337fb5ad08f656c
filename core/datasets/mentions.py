"""The pipeline files beside a workspace that name a dataset version to train on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from docutune.config.yaml_lines import read_yaml
from docutune.errors import DocutuneError
from docutune.version_names import folders, resolve
from docutune.workspace import Store

_LARGEST = 1_000_000  # bytes; no pipeline file is larger


@dataclass(frozen=True, slots=True)
class Mentions:
    """File -> the versions that its `dataset:` may mean, and what could not be found out."""

    files: Mapping[str, frozenset[str]]
    notes: tuple[str, ...] = ()

    @property
    def versions(self) -> frozenset[str]:
        """All of them."""
        return frozenset().union(*self.files.values())


def mentions(store: Store) -> Mentions:
    """What the YAML files of the project's folder say under `dataset:`."""
    project = store.folder.parent
    files: dict[str, frozenset[str]] = {}
    notes = []
    for path, name in _named(project):
        if name is None:
            notes.append(f"{path.name} cannot be read, so every dataset version stays: it may name one")
            files[path.name] = frozenset(folders(store))
        else:
            files[path.name] = _meant(store, name)
    return Mentions(files, tuple(notes))


def _named(project: Path) -> Iterator[tuple[Path, str | None]]:
    """Each pipeline file with the name under its `dataset:`, None for one that is not understood."""
    for path in sorted({*project.glob("*.yaml"), *project.glob("*.yml")}):
        try:
            content = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
        except OSError:
            continue  # a folder, a broken link, or not for us to read: nobody trains from it either
        if b"dataset" not in content:
            continue
        document = read_yaml(content, path.name)
        tree = document.tree
        if isinstance(tree, dict) and isinstance(tree.get("dataset"), str):
            yield path, str(tree["dataset"])
        elif tree is None and document.problems and b"version" in content:
            yield path, None


def _meant(store: Store, name: str) -> frozenset[str]:
    """The version of that name, all that it may mean, or none."""
    try:
        return frozenset({resolve(store, name).version})
    except DocutuneError:
        return frozenset(version for version in folders(store) if version.startswith(name))
