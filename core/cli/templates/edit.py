"""`docutune templates edit`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from docutune.templates import Taken, Template, Templates


@click.command()
@click.argument("name", metavar="TEMPLATE")
@click.option(
    "--file",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Take the text of this file, or of standard input (-), instead of opening an editor.",
)
@click.option("--reset", is_flag=True, help="Go back to the packaged text; yours stays in the history.")
def edit(name: str, file: Path | None, reset: bool) -> None:
    """Put a text of your own in the place of a prompt template: it opens in $EDITOR.

    It is checked before it is taken; a text with mistakes is kept, and the next edit goes on with it. The next run
    remakes the samples of that kind and language alone.
    """
    from docutune.api import Workspace
    from docutune.errors import UsageError

    if reset and file is not None:
        raise UsageError("--reset takes no text, and --file gives one", "give one of them")
    templates = Workspace.find().templates
    template = templates.find(name)
    if reset:
        taken = templates.reset(template)
    elif file is None:
        taken = templates.take(template, _edited(templates, template))
    else:
        taken = templates.take(template, _read(file), None if str(file) == "-" else file)
    _show(taken)


def _read(file: Path) -> str:
    """The text of a file, or of standard input."""
    from docutune.errors import UsageError

    try:
        with click.open_file(str(file), encoding="utf-8-sig") as stream:
            return str(stream.read())
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read: {error}", "name a text file in UTF-8") from error


def _edited(templates: Templates, template: Template) -> str:
    """What the draft holds when the editor has closed."""
    from docutune.errors import UsageError

    draft = templates.draft(template)
    try:
        click.edit(filename=str(draft))
    except click.ClickException as error:
        templates.drop_untouched(template)
        way = "set EDITOR to an editor, or give the text of a file with --file"
        raise UsageError(f"no editor: {error.message}", way) from error
    return _read(draft)


def _show(taken: Taken) -> None:
    template = taken.template
    place = "the packaged text" if template.own is None else os.path.relpath(template.own)
    for note in taken.notes:
        click.echo(f"note: {place} {note}", err=True)
    state = "in force now" if taken.changed else "in force as before"
    click.echo(f"{template.name}: {place} is {state} ({template.sha256[:12]})")
