"""What `docutune init` says of the machine and of the folder that it looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from docutune.scaffold.find import Findings
    from docutune.scaffold.suggest import Training
    from docutune.scaffold.tree import Source

NOTHING = "none"
"""What is written where no model is to be trained."""

_WHAT = {"documents": "documents", "code": "code", "samples": "pairs"}


def show_machine(folder: Path) -> None:
    """The machine and the libraries, as `docutune doctor` checks them, and what to do about what is missing."""
    from docutune.doctor import OK, check_start

    for check in check_start(folder):
        click.echo(f"{check.status:<4}  {check.name}: {check.found}")
        if check.status != OK:
            click.echo(f"      {check.advice}")


def show_findings(findings: Findings, folder: Path) -> None:
    """The numbered sources, and what was not taken; UsageError when there are none."""
    from docutune.errors import UsageError
    from docutune.scaffold.templates import TO_COME

    found = [source for source in findings.sources if source is not TO_COME]
    if found:
        click.echo(f"\nFound in {folder.resolve()}:")
    elif findings.sources:
        click.echo(f"\nNo question-answer file in {folder.resolve()} yet; they will be read from {TO_COME.path}")
    width = max((len(str(source.path)) for source in found), default=0)
    for number, source in enumerate(found, 1):
        click.echo(f"{number:>4}  {_WHAT[source.holds]:<10} {source.path!s:<{width}}  {_counts(source)}")
    for line in _not_taken(findings):
        click.echo(f"      {line}")
    if not findings.sources:
        raise UsageError(
            f"{folder.resolve()}: found no document, no Python package and no file of question-answer pairs "
            f"({', '.join(findings.looked_for)})",
            "name the folder that holds them: docutune init FOLDER",
        )


def _counts(source: Source) -> str:
    files = _kinds(source.counts.items())
    if source.holds != "samples":
        return files
    splits = f" ({', '.join(source.splits)})" if source.splits else ""
    pairs = "pair" if source.pairs == 1 and source.whole else "pairs"
    return f"{files}: {source.pairs:,}{'' if source.whole else ' or more'} {pairs}{splits}"


def _not_taken(findings: Findings) -> Iterator[str]:
    from docutune.scaffold.tree import MAX_DEPTH, MAX_ENTRIES, MAX_IN_FOLDER

    if findings.unread:
        yield f"no installed parser reads: {_kinds(findings.unread.items())}"
    if findings.cards:
        more = f" and {len(findings.cards) - 5} more" if len(findings.cards) > 5 else ""
        places = ", ".join(map(str, findings.cards[:5]))
        yield f"left out, for it goes with pairs: {places}{more} (as a document: `- path:` under sources)"
    if findings.samples.without:
        places = ", ".join(map(str, findings.samples.without[:5]))
        yield f"no pairs seen in {places} (columns may be named: docutune plugins info pairs)"
    if findings.samples.passed_over:
        yield f"not looked into for pairs, being too many or too large: {findings.samples.passed_over:,} files"
    if findings.tree.closed:
        yield f"not readable: {', '.join(map(str, findings.tree.closed[:5]))}"
    if not findings.tree.whole:
        bounds = f"{MAX_ENTRIES:,} names, {MAX_IN_FOLDER:,} in one folder, {MAX_DEPTH} folders deep"
        yield f"there is more than the look takes in ({bounds}): name the folder of one library"


def _kinds(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts))


def about_models(training: Training) -> Iterator[str]:
    """What there is to know before a base model is named."""
    if training.trainer is None:
        yield f"\nOnly the dataset can be made here. To train: {to_install(training)}"
    elif training.gpu_gib is None:
        yield "\nWithout a GPU only builtin/tiny can be trained, a model of a few million parameters, made on the spot:"
        yield "--model builtin/tiny."
        yield "It shows that the way works and is not meant for use. For that: Qwen/Qwen3-0.6B and a GPU."
    else:
        yield f"\nThe GPU has {training.gpu_gib:.0f} GiB: Qwen/Qwen3-0.6B fits small ones, Qwen/Qwen3-1.7B needs 6 GB."
    if training.trainer is not None:
        yield f"Any other model may be named, too (owner/name on the hub, or a folder); {NOTHING}: the dataset only."


def to_install(training: Training) -> str:
    """What to install before anything can be trained."""
    return "; ".join(training.lacking) or "install a trainer: docutune plugins list"
