"""`docutune dataset tag`."""

from __future__ import annotations

import click


@click.command()
@click.argument("name", metavar="TAG")
@click.argument("version", required=False)
@click.option("--force", is_flag=True, help="Move the tag if it names another version.")
@click.option("--delete", is_flag=True, help="Take the tag away; the version stays.")
def tag(name: str, version: str | None, force: bool, delete: bool) -> None:
    """Let TAG stand for VERSION, by default the newest run's: in commands, and as `dataset: TAG` in a pipeline.

    A version that has a tag is never freed by docutune clean.
    """
    from docutune.api import Workspace

    datasets = Workspace.find().datasets
    if delete:
        if version or force:
            raise click.UsageError("--delete takes the name of the tag alone")
        click.echo(f"tag {name} is gone; it named {datasets.untag(name)}")
        return
    chosen, before = datasets.tag(name, version or "latest", force)
    moved = f" (before: {before})" if before not in (None, chosen) else ""
    click.echo(f"{name} -> {chosen}{moved}")
