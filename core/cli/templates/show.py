"""`docutune templates show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docutune.notebook import Wording
    from docutune.templates import Template

_DIGITS = 12
_BY = {
    "edit": "edited",
    "reset": "set back to the packaged text",
    "run": "used by a run",
    "before": "in force before an edit",
}


@click.command()
@click.argument("name", metavar="TEMPLATE")
@click.option("--shipped", is_flag=True, help="Show the packaged text, be there one of your own or not.")
@click.option("--history", is_flag=True, help="List the texts that were in force or that a run used, oldest first.")
@click.option("--hash", "sha256", metavar="HASH", help="Show the earlier text whose hash begins so.")
@json_output
def show(name: str, shipped: bool, history: bool, sha256: str | None, as_json: bool) -> None:
    """Show the text of a prompt template that is in force, as it stands in its file."""
    from docutune.api import Workspace
    from docutune.errors import UsageError
    from docutune.records import to_json

    if sum((shipped, history, sha256 is not None)) > 1:
        raise UsageError("--shipped, --history and --hash name different texts", "give one of them")
    templates = Workspace.find().templates
    template = templates.find(name)
    if history:
        found = templates.history(template)
        print_json(to_json(found)) if as_json else _show_history(template, found)
        return
    text = template.shipped if shipped else template.text
    if sha256 is not None:
        text = templates.earlier(template, sha256).text
    print_json({"name": template.name, "text": text}) if as_json else click.echo(text, nl=not text.endswith("\n"))


def _show_history(template: Template, found: Sequence[Wording]) -> None:
    newest = {wording.sha256: place for place, wording in enumerate(found)}
    for place, wording in enumerate(found):
        now = "  (in force)" if place == newest.get(template.sha256) else ""
        click.echo(f"{wording.time}  {wording.sha256[:_DIGITS]}  {_BY[wording.by]}{now}")
    if not found:
        click.echo(f"{template.name}: no run has used it yet, and nobody has edited it")
    else:
        click.echo(f"One of them: docutune templates show {template.name} --hash HASH")
