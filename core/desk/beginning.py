"""A first pipeline file from a page: what was found here, what can be chosen, and the file that comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from docutune.desk.roots import inside
from docutune.doctor import gpu_memory
from docutune.errors import DocutuneError, UsageError
from docutune.records import JsonValue
from docutune.registry import Registry
from docutune.scaffold.find import find
from docutune.scaffold.suggest import language, project_name, training
from docutune.scaffold.templates import QA, TO_COME, sources_of
from docutune.scaffold.tree import TOP, Source
from docutune.scaffold.write import Choices, write

_MOST_FOLDERS = 300
_NAME = re.compile(r"[\w@][\w .+#&'()/-]{0,99}")
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that `sources:` may name: as it would be written, and how many files it holds by suffix.

    `found`: documents, code or samples are there; else it is a plain folder that may be named.
    """

    name: str
    entry: Mapping[str, JsonValue]
    counts: Mapping[str, int]
    found: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What a first pipeline file would say; `model` is None where nothing can be trained, for want of `lacking`."""

    project: str
    language: str
    model: str | None
    trainers: tuple[str, ...]
    lacking: tuple[str, ...]
    choices: tuple[Choice, ...]


def offer(folder: Path, registry: Registry) -> Offer:
    """Look at the folder."""
    findings = find(folder, registry)
    able = training(registry, gpu_memory())
    choices = [Choice(_name(source), _entry(source), source.counts, True) for source in findings.sources]
    known = {source.path for source in findings.sources}
    rest = [path for path in findings.tree.folders if path != TOP and path not in known][:_MOST_FOLDERS]
    choices += [Choice(f"{path}/", {"path": str(path)}, {}, False) for path in sorted(rest)]
    return Offer(
        project_name(folder),
        language(findings, findings.sources),
        able.model,
        able.trainers,
        able.lacking,
        tuple(choices),
    )


def begin(
    file: Path, registry: Registry, project: str, languages: tuple[str, ...], names: tuple[str, ...], model: str | None
) -> None:
    """Write the file with the chosen sources; without any for question-answer pairs that are yet to come.

    UsageError when there is one already, or for what lies outside of the folder.
    """
    folder = file.parent
    _check_name(project.strip())
    findings = find(folder, registry)
    found = {_name(source): source for source in findings.sources}
    sources = tuple(found.get(name) or _folder(folder, name) for name in names)
    template = QA if all(source.holds == "samples" for source in sources) else "library"
    able = training(registry, gpu_memory())
    trained = model.strip() if model and model.strip() and able.trainer else None
    chosen = Choices(
        project.strip(),
        languages,
        folder,
        sources_of(template, sources) or (TO_COME,),
        trained,
        able.trainer or "trl",
        (),
        template,
    )
    write(chosen, file, registry)


def _check_name(project: str) -> None:
    if not project:
        raise DocutuneError("the project has no name", "give it the name of the library")
    if not _NAME.fullmatch(project):
        shown = project if len(project) <= _LONGEST_SHOWN else f"{project[:_LONGEST_SHOWN]}…"
        raise UsageError(
            f"{shown!r} is no name for a project",
            "begin it with a letter or a digit; letters, digits, spaces and . _ - + # & ' ( ) / may follow, up to 100",
        )


def _folder(folder: Path, name: str) -> Source:
    path = inside(folder, name).relative_to(folder.resolve())
    return Source("documents", PurePosixPath(path), {})


def _name(source: Source) -> str:
    return str(source.path)


def _entry(source: Source) -> Mapping[str, JsonValue]:
    """As it would stand in a pipeline file beside that folder."""
    key = "samples" if source.holds == "samples" else "path"
    entry: dict[str, JsonValue] = {key: str(source.path)}
    if source.split:
        entry["split"] = source.split
    for name, patterns in (("include", source.include), ("exclude", source.exclude)):
        if patterns:
            entry[name] = list(patterns)
    return entry
