"""How a dataset version was made, as far as the run tells that made it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune import versions
from docutune.config.overrides import override
from docutune.config.yaml_lines import read_yaml
from docutune.corpus import ROWS, Dataset, row_of, version_of
from docutune.trace.history import History, Run

Left = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Making:
    """A version with its rows and, where a run tells, what it was made of.

    `documents`: source -> SHA-256. `file`: the pipeline file with the changes of the command line. `rejected`: id of a
    sample that was left out -> who left it out, and why.
    """

    dataset: Dataset
    run: str | None
    documents: Mapping[str, str]
    file: Mapping[str, Any]
    prompts: Mapping[str, str]
    rejected: Mapping[str, Left]


def making(history: History, version: str, run: Run | None) -> Making:
    """A version as that run made it; the rows of one without a run are those in its own folder.

    DocutuneError when its rows are gone or were changed.
    """
    store = history.store
    if run is None:
        rejected = _left_out(versions.read_rejected(store, version))
        return Making(versions.read(store, version), None, {}, {}, {}, rejected)
    return Making(
        dataset=_own_rows(run.folder, version) or versions.read(store, version),
        run=run.id,
        documents={source: str(entry.get("sha256", "")) for source, entry in run.documents.items()},
        file=_pipeline(run),
        prompts=run.facts.get("prompts", {}),
        rejected=_left_out(rejected_of(run.folder)),
    )


def runs_between(history: History, before: str, after: str) -> tuple[Run | None, Run | None]:
    """The runs that tell most of why `after` differs from `before`: made them, and lie next to each other."""
    first, second = _makers(history, before), _makers(history, after)
    pairs = [(a, b) for a in first for b in second]
    if not pairs:
        return (first[-1] if first else None), (second[-1] if second else None)
    place = {run.id: number for number, run in enumerate(reversed(history.runs))}

    def far(pair: tuple[Run, Run]) -> tuple[int, bool]:
        distance = place[pair[1].id] - place[pair[0].id]
        return abs(distance), distance < 0

    return min(pairs, key=far)


def rejected_of(run: Path) -> list[dict[str, Any]]:
    """The lines of a run's rejected.jsonl; none where it has no such file, or it is damaged."""
    try:
        return [json.loads(line) for line in (run / versions.REJECTED).read_bytes().splitlines()]
    except (OSError, ValueError):
        return []


def steps_of(file: Mapping[str, Any], section: str) -> Iterator[tuple[str, Any]]:
    """The plugins that a section names, with their options."""
    written = file.get(section)
    for step in written if isinstance(written, list) else ():
        if isinstance(step, dict) and isinstance(step.get("uses"), str):
            yield step["uses"], step.get("with") or {}


def _makers(history: History, version: str) -> Sequence[Run]:
    runs = history.versions.get(version, ())
    return [run for run in runs if not run.takes]


def _own_rows(run: Path, version: str) -> Dataset | None:
    """The rows as the run wrote them: with the lines of its own documents. None where they are gone or damaged."""
    try:
        lines = (run / ROWS).read_bytes().splitlines()
        rows = tuple(row_of(json.loads(line)) for line in lines)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Dataset(version, rows) if version_of(rows) == version else None


def _pipeline(run: Run) -> Mapping[str, Any]:
    try:
        document = read_yaml((run.folder / "pipeline.yaml").read_bytes(), "pipeline.yaml")
    except OSError:
        return {}
    facts = run.facts.get("pipeline", {})
    tree = override(document, facts.get("overrides") or (), None).tree if document.tree else None
    return tree if isinstance(tree, dict) else {}


def _left_out(lines: Sequence[Mapping[str, Any]]) -> dict[str, Left]:
    return {str(item["subject"]): (str(item["producer"]), str(item["reason"])) for item in lines}
