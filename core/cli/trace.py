"""`docutune trace`."""

from __future__ import annotations

import click

from docutune.cli.options import json_output, print_json


@click.command()
@click.argument("what")
@click.option("--run", metavar="RUN", help="Let this run answer, not the newest one that knows it.")
@json_output
def trace(what: str, run: str | None, as_json: bool) -> None:
    """Show where WHAT comes from and what became of it.

    WHAT is a sample's id or its first digits (6 or more), a document's path (docs/guide.md, docs/guide.md:12 or
    docs/guide.md:12-20), a symbol's full name, a model's name or key, a dataset version, a run or latest. Where a word
    means two things, say which: model:NAME, symbol:NAME, sample:ID and so on.
    """
    from docutune.api import Workspace
    from docutune.cli.traced import show

    found = Workspace.find().trace(what, run)
    if as_json:
        print_json(found.to_json())
        return
    for note in found.notes:
        click.echo(f"note: {note}", err=True)
    for line in show(found.answer):
        click.echo(line)
