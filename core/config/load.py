"""Finds, reads and checks a pipeline file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docutune.chat.options import BudgetConfig, ChatConfig, Prices
from docutune.config.binding import Binder, unwritten_places
from docutune.config.dataset import choose, idle, validated
from docutune.config.explain import Explainer, describe, problem
from docutune.config.models import SECTIONS, Frame, PipelineConfig, SplitConfig, StepConfig
from docutune.config.overrides import override
from docutune.config.strict import validate
from docutune.config.yaml_lines import Document, read_yaml
from docutune.errors import ConfigError, DocutuneError, Problem, UsageError
from docutune.hubs import Hubs
from docutune.rated import rejected
from docutune.records import Reads
from docutune.registry import Registry
from docutune.suggestions import did_you_mean

PIPELINE_FILE = "pipeline.yaml"


def find_pipeline(folder: Path) -> Path:
    """The pipeline.yaml of this folder or the nearest one above it, relative where that is shorter."""
    for candidate in (folder, *folder.resolve().parents):
        if (candidate / PIPELINE_FILE).is_file():
            return Path(os.path.relpath(candidate / PIPELINE_FILE))
    raise UsageError(f"no {PIPELINE_FILE} in this folder or above it", "name the file, or change to its folder")


def load(
    path: Path,
    registry: Registry,
    overrides: Sequence[str] = (),
    trainer: str | None = None,
    content: bytes | None = None,
) -> PipelineConfig:
    """Read a pipeline file. ConfigError holds every problem at once, in the order of their lines.

    `overrides` are "key.path=value" texts and `trainer` replaces the plugin of every training; both come first.
    `content` is what will stand in the file, where that is not written yet.
    """
    document = read_yaml(_content(path) if content is None else content, str(path))
    if document.tree is None and document.problems:
        raise ConfigError(document.problems)
    document = override(document, overrides, trainer)
    document = replace(document, places={**document.places, **unwritten_places(document)})
    if not isinstance(document.tree, dict):
        found = "the file is empty" if document.tree is None else f"the file is {describe(document.tree)}"
        keys = "version, project and sources"
        raise ConfigError((*document.problems, problem(document, (), f"{found}; it needs {keys}")))
    return _checked(path, document, registry)


def _checked(path: Path, document: Document, registry: Registry) -> PipelineConfig:
    problems = list(document.problems)
    frame = _frame(document, problems)
    languages = frame.language if frame else _languages(document.tree)
    binder = Binder(document, registry, languages, path.parent)
    sections = {section: binder.section(section) for section in SECTIONS}
    claims = {claim for step in sections["parse"] for claim in step.entry.claims}
    problems += [*_source_problems(document, path.parent, claims), *binder.problems]
    problems += _model_problems(document, path.parent, Hubs(registry))
    problems += _ratings_problems(document, path.parent)
    problems += _price_problems(document, frame, (*sections["generate"], *sections["curate"]))
    chosen = choose(document, frame, path, problems)
    problems += _validation_problems(document, frame, validated(frame, chosen, path))
    problems = [item for item in problems if item in document.problems or item.key not in document.unreadable]
    if problems or frame is None:
        raise ConfigError(tuple(sorted(dict.fromkeys(problems), key=_line)))
    if chosen is not None:
        binder.notes += idle(document, chosen)
        sections |= {"generate": (), "curate": ()}
    if sections["evaluate"] and not sections["train"]:
        binder.notes.append("nothing is trained, so `evaluate:` has nothing to compare")
    return PipelineConfig(
        version=frame.version,
        project=frame.project,
        language=frame.language,
        sources=frame.sources or (),
        dataset=chosen,
        budget=frame.budget or BudgetConfig(),
        split=frame.split or SplitConfig(),
        ratings=frame.ratings and path.absolute().parent / frame.ratings,
        path=path.absolute(),
        notes=tuple(binder.notes),
        **sections,
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
        raise ConfigError((Problem(str(path), None, "", reason),), _way_out(path, error)) from None


def _way_out(path: Path, error: OSError) -> str | None:
    if isinstance(error, FileNotFoundError):
        return _near(path) or "docutune init writes a pipeline file"
    if not isinstance(error, IsADirectoryError):
        return "see that you may read it" if isinstance(error, PermissionError) else None
    if (path / PIPELINE_FILE).is_file():
        return f"name the file: {path / PIPELINE_FILE}"
    return "name a pipeline file; folders to read stand in it, under `sources:`"


def _near(path: Path) -> str | None:
    names = [item.name for item in path.parent.iterdir() if item.is_file()] if path.parent.is_dir() else []
    return did_you_mean(path.name, names).removeprefix("; ") or None


def _frame(document: Document, problems: list[Problem]) -> Frame | None:
    try:
        return validate(Frame, document.tree)
    except ValidationError as error:
        problems += Explainer(document, Frame).problems(error, document.tree)
        return None


def _languages(tree: Any) -> tuple[str, ...]:
    """The languages of a file that has other problems, so that these do not make new ones."""
    written = tree.get("language", "en")
    found = [written] if isinstance(written, str) else written if isinstance(written, list) else []
    return tuple(name for name in found if name in ("en", "zh")) or ("en",)


def _source_problems(document: Document, folder: Path, claims: Set[tuple[Reads, str]]) -> list[Problem]:
    tree = document.tree
    written: Any = tree.get("sources") if isinstance(tree, dict) else None
    problems = []
    for index, source in enumerate(written if isinstance(written, list) else []):
        for key in ("path", "samples"):
            path = source.get(key) if isinstance(source, dict) else None
            if isinstance(path, str) and not (folder / path).exists():
                problems.append(problem(document, ("sources", index, key), _absent(path, folder)))
            elif isinstance(path, str) and key == "path" and _holds_samples(folder / path, claims):
                message = f"{Path(path).suffix} files hold samples, no documents; write - samples: {path}"
                problems.append(problem(document, ("sources", index, key), message))
    return problems


def _holds_samples(path: Path, claims: Set[tuple[Reads, str]]) -> bool:
    """Whether no parser reads this file as a document, but one does as samples."""
    suffix = path.suffix.lower()
    return path.is_file() and ("documents", suffix) not in claims and ("samples", suffix) in claims


def _absent(path: str, folder: Path) -> str:
    target = folder / path
    siblings = [item.name for item in target.parent.iterdir() if item.exists()] if target.parent.is_dir() else []
    return f"no file or folder {path!r} beside the pipeline file{did_you_mean(target.name, siblings)}"


def _model_problems(document: Document, folder: Path, hubs: Hubs) -> list[Problem]:
    """Models that are not on this disk although their names say so; the hub is not asked."""
    tree = document.tree
    written: Any = tree.get("train") if isinstance(tree, dict) else None
    problems = []
    for index, step in enumerate(written if isinstance(written, list) else []):
        options = step.get("with") if isinstance(step, dict) else None
        name = options.get("model") if isinstance(options, dict) else None
        message = hubs.mistake(name, folder) if isinstance(name, str) and name else None
        if message:
            problems.append(problem(document, ("train", index, "with", "model"), message))
    return problems


def _ratings_problems(document: Document, folder: Path) -> Iterator[Problem]:
    written: Any = document.tree.get("ratings") if isinstance(document.tree, dict) else None
    if not isinstance(written, str):
        return
    try:
        rejected(folder / written)
    except DocutuneError as error:
        yield problem(document, ("ratings",), f"{error.message} ({error.hint})")


def _validation_problems(document: Document, frame: Frame | None, validated: bool) -> Iterator[Problem]:
    """What goes by the validation loss needs validation samples; files of samples and versions may bring their own."""
    if frame is None or validated:
        return
    way = "the dataset version has no validation samples"
    if frame.dataset is None:
        way = "split.validation is 0: set it to a share above 0"
        given = any(source.reads == "samples" for source in frame.sources or ())
        if given or (frame.split or SplitConfig()).validation > 0:
            return
    for index, step in enumerate(frame.train or ()):
        options = step.options or {}
        for key, asked in (("early_stopping", options.get("early_stopping")), ("keep", options.get("keep") == "best")):
            if asked:
                yield problem(document, ("train", index, "with", key), f"goes by the validation loss, and {way}")


def _price_problems(document: Document, frame: Frame | None, steps: Sequence[StepConfig]) -> Iterator[Problem]:
    """A limit in dollars means nothing while nobody says what tokens cost."""
    if frame is None or frame.budget is None or frame.budget.max_cost_usd is None:
        return
    for step in steps:
        if isinstance(step.options, ChatConfig) and Prices.of(step.options) is None:
            message = f"needs the prices of {step.options.named}: set input_price and output_price of {step.name!r}"
            yield problem(document, ("budget", "max_cost_usd"), message)


def _line(problem: Problem) -> tuple[bool, int]:
    return problem.line is None, problem.line or 0
