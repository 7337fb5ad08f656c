"""`docutune models remove`."""

from __future__ import annotations

import sys

import click

from docutune.cli.clean import readable
from docutune.cli.options import json_output, print_json


@click.command()
@click.argument("model")
@click.option("--force", is_flag=True, help="Remove it although a run names it.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_output
def remove(model: str, force: bool, yes: bool, as_json: bool) -> None:
    """Remove MODEL, a name or the beginning of a key, if no run names it.

    It says what would go and asks. With --force it goes all the same: reports stay, and the next docutune run trains
    the model again.
    """
    from docutune.api import Workspace
    from docutune.errors import UsageError

    models = Workspace.find().models
    found = models.removable(model, force)
    for line in found.told():
        click.echo(f"named by {line}", err=True)
    for line in found.goes():
        click.echo(f"  {line}", err=True)
    size = readable(found.model.bytes)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("docutune models remove asks first, and there is no terminal to ask", "add --yes")
        if not click.confirm(f"remove model {found.model.name} {found.model.key} ({size})?", err=True):
            click.echo("nothing removed", err=True)
            return
    gone = models.remove(model, force).model
    if as_json:
        print_json({"removed": gone.key, "name": gone.name, "bytes": gone.bytes})
    else:
        click.echo(f"removed {gone.name} {gone.key} ({size})")
