"""`docutune dataset list`."""

from __future__ import annotations

import click

from docutune.cli.options import json_output, print_json


@click.command("list")
@json_output
def list_versions(as_json: bool) -> None:
    """List the dataset versions of this workspace, oldest first."""
    from docutune.api import Workspace

    found = Workspace.find().datasets.list()
    if as_json:
        facts = [{"version": item.version, "samples": item.samples, "made": item.made.isoformat()} for item in found]
        print_json(facts)
        return
    for item in found:
        sizes = ", ".join(f"{count:,} {split}" for split, count in item.samples.items() if count)
        click.echo(f"{item.version}  {item.made:%Y-%m-%d %H:%M}  {sizes}")
    if not found:
        click.echo("no dataset version yet: docutune run makes one")
