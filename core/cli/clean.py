"""`docutune clean`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from docutune.cli.options import json_output, print_json

if TYPE_CHECKING:
    from docutune.cleaning import Cleaning

NAMES = {
    "runs": ("run", "runs"),
    "models": ("model", "models"),
    "training": ("interrupted training", "interrupted trainings"),
    "datasets": ("dataset version", "dataset versions"),
    "cache": ("cached item", "cached items"),
    "results": ("step result", "step results"),
    "leftovers": ("leftover of a killed process", "leftovers of killed processes"),
    "index": ("entry of the index without a run", "entries of the index without a run"),
}
_LISTED = ("runs", "models", "training", "datasets", "leftovers", "index")  # the others have only a hash for a name
_SHOWN = 10


@click.command()
@click.option("--keep", metavar="N", type=click.IntRange(min=1), help="Free all but the newest N runs, too.")
@click.option("--dry-run", is_flag=True, help="Only say what would be freed.")
@click.option("--yes", is_flag=True, help="Free without asking.")
@json_output
def clean(keep: int | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Free what no run of this workspace names: kept items, datasets, models, cut-off trainings, leftovers of kills.

    It says what it would free, by kind and size, and asks. What an interrupted run has made stays, so that the same
    command can still go on. With --keep also older runs are freed, with what only they named; the newest run that
    finished, those after it, and the newest that has a model always stay. Questions and answers of docutune chat are
    never touched.
    """
    from docutune.api import Workspace

    workspace = Workspace.find()
    found = workspace.unnamed(keep)
    if not (dry_run or yes or sys.stdin.isatty()):
        from docutune.errors import UsageError

        raise UsageError(
            "docutune clean asks before it frees, and there is no terminal to ask", "add --yes or --dry-run"
        )
    if not found.items or dry_run:
        _report(found, False, as_json)
        return
    if not yes:
        _show(found, "would free", err=as_json)
        if not click.confirm("free this?", err=True):
            click.echo("nothing freed", err=True)
            return
    _report(workspace.clean(found, keep), True, as_json)


def _report(cleaning: Cleaning, freed: bool, as_json: bool) -> None:
    if as_json:
        kinds = {kind: _kind(cleaning, kind) for kind in NAMES}
        print_json({"freed": freed, "bytes": cleaning.bytes, "kinds": kinds, "notes": list(cleaning.notes)})
    else:
        _show(cleaning, "freed" if freed else "would free", err=False)


def _kind(cleaning: Cleaning, kind: str) -> dict[str, Any]:
    items = cleaning.of(kind)
    facts: dict[str, Any] = {"count": len(items), "bytes": sum(item.bytes for item in items)}
    return {**facts, "names": [item.name for item in items]} if kind in _LISTED else facts


def _show(cleaning: Cleaning, verb: str, err: bool) -> None:
    for note in cleaning.notes:
        click.echo(f"note: {note}", err=True)
    if not cleaning.items:
        click.echo("nothing to free", err=err)
        return
    click.echo(f"{verb} {readable(cleaning.bytes)}:", err=err)
    for kind, (one, many) in NAMES.items():
        if items := cleaning.of(kind):
            size = readable(sum(item.bytes for item in items))
            click.echo(f"  {size:>9}  {len(items):,} {one if len(items) == 1 else many}", err=err)
            for item in items[:_SHOWN] if kind in _LISTED else ():
                click.echo(f"             {item.label or item.name}", err=err)
            if kind in _LISTED and len(items) > _SHOWN:
                click.echo(f"             and {len(items) - _SHOWN} more", err=err)


def readable(size: float) -> str:
    """A size in decimal units, as `ls --si` shows them."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
