"""The one set of library versions that docutune is tested with, against what is installed."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)""")
_SHOWN_EXTRAS = ("trl", "unsloth", "eval", "langchain", "ui", "documents")


@dataclass(frozen=True, slots=True)
class Group:
    """The libraries of docutune itself (no extra) or of one extra. `different` reads "torch 2.12.0 (2.13.0)"."""

    extra: str | None
    present: tuple[str, ...]
    absent: tuple[str, ...]
    different: tuple[str, ...]


def groups() -> tuple[Group, ...]:
    """What is installed of docutune's own requirements, then of each extra."""
    required = _requirements()
    versions = _tested_versions()
    return tuple(_group(extra, required.get(extra, ()), versions) for extra in (None, *_SHOWN_EXTRAS))


def installed(library: str) -> str | None:
    """The installed version, or None."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _group(extra: str | None, names: tuple[str, ...], tested: Mapping[str, str]) -> Group:
    found = {name: installed(name) for name in names}
    different = (
        f"{name} {version} ({tested[name]} was tested)"
        for name, version in found.items()
        if version and name in tested and version.partition("+")[0] != tested[name]
    )
    return Group(
        extra,
        tuple(name for name, version in found.items() if version),
        tuple(name for name, version in found.items() if not version),
        tuple(different),
    )


def _requirements() -> dict[str | None, tuple[str, ...]]:
    """Extra -> the libraries that it names, from the metadata of the installed docutune."""
    found: dict[str | None, list[str]] = {}
    for line in importlib.metadata.requires("docutune") or ():
        name, extra = _REQUIREMENT.match(line), _EXTRA.search(line)
        if name and name.group() != "docutune":
            found.setdefault(extra.group(1) if extra else None, []).append(_normalized(name.group()))
    return {extra: tuple(names) for extra, names in found.items()}


def _tested_versions() -> dict[str, str]:
    lines = resources.files("docutune").joinpath("constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("#")[0].partition(";")[0].split("==") for line in lines)
    return {_normalized(pair[0].strip()): pair[1].strip() for pair in pairs if len(pair) == 2}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
