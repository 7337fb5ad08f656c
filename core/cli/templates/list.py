"""`docutune templates list`."""

from __future__ import annotations

import os

import click

from docutune.cli.options import json_output, print_json

_DIGITS = 12


@click.command("list")
@json_output
def list_templates(as_json: bool) -> None:
    """List every prompt template of the installed plugins: its hash, its placeholders, and the file in its place."""
    from docutune.api import Workspace

    found = Workspace.find().templates.all()
    if as_json:
        print_json(
            [
                {
                    "name": item.name,
                    "kind": item.kind,
                    "language": item.language,
                    "placeholders": list(item.placeholders),
                    "file": None if item.own is None else str(item.own),
                    "sha256": item.sha256,
                    "problems": list(item.problems),
                }
                for item in found
            ]
        )
        return
    width = max((len(item.name) for item in found), default=0)
    for item in found:
        place = "shipped" if item.own is None else os.path.relpath(item.own)
        placeholders = " ".join(f"${name}" for name in item.placeholders)
        click.echo(f"{item.name:<{width}}  {item.sha256[:_DIGITS]}  {place}  {placeholders}".rstrip())
        for problem in item.problems:
            click.echo(f"  {problem}")
    if not found:
        click.echo("no installed plugin has prompt templates")
