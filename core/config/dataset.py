"""The key `dataset:`: a version to train on, in place of what would make one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docutune.config.explain import problem
from docutune.config.models import Frame
from docutune.config.yaml_lines import Document
from docutune.errors import DocutuneError, Problem
from docutune.version_names import Chosen, resolve
from docutune.versions import describe
from docutune.workspace import Store

_IDLE = ("generate", "curate", "ratings", "split")
_MISSING = "missing key: documents, source code and samples to read (or `dataset:`, a version to train on)"


def choose(document: Document, frame: Frame | None, path: Path, problems: list[Problem]) -> Chosen | None:
    """The version that `dataset:` names. Its rows are read by the run; here its files are only seen to be whole."""
    if frame is None:
        return None
    if frame.dataset is None:
        if frame.sources is None:
            problems.append(problem(document, ("sources",), _MISSING))
        return None
    store = Store(path.absolute().parent)
    try:
        chosen = resolve(store, frame.dataset)
    except DocutuneError as error:
        message = f"{error.message} ({error.hint})" if error.hint else error.message
        problems.append(problem(document, ("dataset",), message))
        return None
    if describe(store, chosen.version) is None:
        state = "damaged" if store.dataset_folder(chosen.version).is_dir() else "not here any more"
        way = "make or import it again; docutune dataset list shows the versions that are here"
        problems.append(problem(document, ("dataset",), f"version {chosen.version} is {state}: {way}"))
    return chosen


def idle(document: Document, chosen: Chosen) -> Iterator[str]:
    """What else the file says of how a dataset is made; it counts for nothing beside `dataset:`."""
    written = document.tree if isinstance(document.tree, dict) else {}
    keys = [f"{key}:" for key in _IDLE if written.get(key) is not None]
    named = chosen.version if chosen.name == chosen.version else f"{chosen.version} ({chosen.name})"
    if keys:
        count = "counts" if len(keys) == 1 else "count"
        yield f"dataset: names version {named}, so {' and '.join(keys)} {count} for nothing"


def validated(frame: Frame | None, chosen: Chosen | None, path: Path) -> bool:
    """Whether the version that is named has validation samples of its own; one that is not found may have some."""
    if frame is not None and frame.dataset is not None and chosen is None:
        return True
    known = describe(Store(path.absolute().parent), chosen.version) if chosen else None
    return known is not None and known.samples.get("validation", 0) > 0
