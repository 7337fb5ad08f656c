"""`docutune dataset log`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output, print_json
from docutune.cli.traced import plain

if TYPE_CHECKING:
    from docutune.datasets.log import Entry


@click.command()
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="How many entries; 0: all.")
@json_output
def log(limit: int, as_json: bool) -> None:
    """Show how the dataset changed from run to run, newest first, and why.

    A run made a version, reused one, or took one that its pipeline names with `dataset:`.
    """
    from docutune.api import Workspace
    from docutune.records import to_json

    entries = Workspace.find().datasets.log(limit or None)
    if as_json:
        print_json(to_json(entries))
        return
    for entry in entries:
        for line in _lines(entry):
            click.echo(line)
    if not entries:
        click.echo("no dataset version yet: docutune run makes one")


def _lines(entry: Entry) -> Iterator[str]:
    words = {"made": "made", "reused": "the same", "taken": "taken", "imported": "imported"}
    where = f"run {entry.run}" if entry.run else f"from {plain(entry.outcome)}"
    outcome = f", {entry.outcome}" if entry.run and entry.outcome != "finished" else ""
    tagged = f"  [{', '.join(entry.tags)}]" if entry.tags else ""
    yield f"{entry.time[:16].replace('T', ' ')}  {entry.version}  {words[entry.act]:<8}  {where}{outcome}{tagged}"
    if change := entry.change:
        counts = f"{change.added:,} added, {change.removed:,} removed, {change.changed:,} changed"
        yield f"    since {change.since}: {counts}"
        if change.why:
            yield f"    {'; '.join(change.why)}"
    if entry.note:
        yield f"    {entry.note}"
