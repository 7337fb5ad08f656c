"""`docutune dataset list`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from docutune.cli.options import json_output, print_json
from docutune.cli.traced import plain

if TYPE_CHECKING:
    from docutune.datasets.listing import Listed


@click.command("list")
@json_output
def list_versions(as_json: bool) -> None:
    """List the dataset versions of this workspace, oldest first, with what stands on them."""
    from docutune.api import Workspace

    found = Workspace.find().datasets.list()
    if as_json:
        print_json([_facts(item) for item in found])
        return
    for item in found:
        for line in _lines(item):
            click.echo(line)
    if not found:
        click.echo("no dataset version yet: docutune run makes one")


def _facts(item: Listed) -> dict[str, Any]:
    from docutune.records import to_json

    uses = item.uses
    return {
        "version": item.version,
        "damaged": item.facts is None,
        "samples": item.facts.samples if item.facts else None,
        "left_out": item.facts.left_out if item.facts else None,
        "made": item.facts.made.isoformat() if item.facts else None,
        "tags": list(uses.tags),
        "imported": to_json(uses.imported),
        "runs": list(uses.runs),
        "models": list(uses.models),
        "pipelines": list(uses.pipelines),
    }


def _lines(item: Listed) -> Iterator[str]:
    if item.facts is None:
        yield f"{item.version}  damaged: dataset.json is missing or was changed"
    else:
        sizes = ", ".join(f"{count:,} {split}" for split, count in item.facts.samples.items() if count)
        tagged = f"  [{', '.join(item.uses.tags)}]" if item.uses.tags else ""
        yield f"{item.version}  {item.facts.made:%Y-%m-%d %H:%M}  {sizes}{tagged}"
    uses = item.uses
    if uses.imported:
        yield f"    imported from {plain(uses.imported.file)}"
    if uses.runs:
        more = f" and {len(uses.runs) - 1:,} more" if len(uses.runs) > 1 else ""
        yield f"    run {uses.runs[0]}{more}"
    if uses.models:
        yield f"    model {', '.join(uses.models)}"
    if uses.pipelines:
        yield f"    named in {', '.join(uses.pipelines)}"
