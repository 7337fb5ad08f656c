"""`docutune dataset remove`."""

from __future__ import annotations

import sys

import click

from docutune.cli.clean import readable


@click.command()
@click.argument("version")
@click.option("--force", is_flag=True, help="Remove it although something names it, with its tags.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
def remove(version: str, force: bool, yes: bool) -> None:
    """Remove VERSION, if no tag, pipeline file, model, training, run or note names it.

    With --force it goes all the same. Models that were trained on it still answer; their samples can no longer be
    shown, and they are trained again when the next run needs them with the version made anew.
    """
    from docutune.api import Workspace
    from docutune.errors import UsageError

    datasets = Workspace.find().datasets
    found, size, uses = datasets.removable(version, force)
    for line in uses.told():
        click.echo(f"named by {line}", err=True)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("docutune dataset remove asks first, and there is no terminal to ask", "add --yes")
        if not click.confirm(f"remove version {found} ({readable(size)})?", err=True):
            click.echo("nothing removed", err=True)
            return
    click.echo(f"removed {datasets.remove(found, force)} ({readable(size)})")
