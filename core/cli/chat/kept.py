"""`docutune chats`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from docutune.cli.lazy import LazyGroup
from docutune.cli.options import json_output, print_json
from docutune.cli.table import CHATS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docutune.catalog import ChatRow
    from docutune.chats.export import Form

_WIDTH = 60


@click.group(cls=LazyGroup, table=CHATS, no_args_is_help=True)
def chats() -> None:
    """List, show, export and remove chats; docutune chat --load goes on with one."""


@click.command("list")
@json_output
def list_chats(as_json: bool) -> None:
    """List the chats of this workspace, the one that changed last first."""
    from docutune.api import Workspace

    found = Workspace.around().chats.list()
    for note in found.notes:
        click.echo(note, err=True)
    if as_json:
        print_json([dataclasses.asdict(row) for row in found.rows])
        return
    for line in listed(found.rows) or ["no chat yet; begin one with: docutune chat"]:
        click.echo(line)


def listed(rows: Sequence[ChatRow]) -> list[str]:
    """A line for each chat."""
    from docutune.cli.chat.visible import visible

    ids, models = (max((len(text) for text in texts), default=0) for texts in _columns(rows))
    return [
        f"{row.id:<{ids}}  {row.changed[:16].replace('T', ' ')}  {row.turns:>3}  {row.models:<{models}}  "
        f"{_clipped(visible(row.title))}"
        for row in rows
    ]


def _columns(rows: Sequence[ChatRow]) -> tuple[list[str], list[str]]:
    return [row.id for row in rows], [row.models for row in rows]


def _clipped(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


@click.command()
@click.argument("chat", metavar="CHAT", default="latest")
@json_output
def show(chat: str, as_json: bool) -> None:
    """Show a chat, by default the one that changed last."""
    from docutune.api import Workspace
    from docutune.cli.chat.visible import visible
    from docutune.records import to_json

    workspace = Workspace.around()
    if as_json:
        print_json(to_json(workspace.chats.show(chat)))
    else:
        click.echo(visible(workspace.chats.export(chat, "markdown")[0]), nl=False)


@click.command()
@click.argument("chat", metavar="CHAT", default="latest")
@click.option(
    "--to", "file", type=click.Path(dir_okay=False, path_type=Path), help="File, .md or .jsonl.  [default: print it]"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "messages"]),
    help="Form of what is printed.  [default: markdown]",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export(chat: str, file: Path | None, form: Form | None, force: bool) -> None:
    """Write a chat, by default the one that changed last: as Markdown for people, or as JSON Lines of messages.

    Messages are what `samples:` of a pipeline reads. Turns that were broken off or failed stand in Markdown alone.
    """
    from docutune.api import Workspace

    if file is not None and form is not None:
        raise click.UsageError("--to says the form by the end of its name: .md or .jsonl")
    kept = Workspace.around().chats
    if file is not None:
        missing = kept.write(chat, file, force)
        click.echo(f"wrote {file}")
    else:
        text, missing = kept.export(chat, form or "markdown")
        click.echo(text, nl=False)
    if missing:
        click.echo(f"left out: {lacking(missing)}", err=True)


def lacking(turns: int) -> str:
    """Turns that stand in no messages."""
    return f"{turns:,} question{'' if turns == 1 else 's'} without a whole answer"


@click.command()
@click.argument("chat", metavar="CHAT")
@click.option("--yes", is_flag=True, help="Remove without asking.")
def remove(chat: str, yes: bool) -> None:
    """Remove a chat. Samples and ratings that were made of its answers stay."""
    from docutune.api import Workspace
    from docutune.cli.confirm import confirm
    from docutune.errors import UsageError

    kept = Workspace.around().chats
    found = kept.show(chat)
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("docutune chats remove asks first, and there is no terminal to ask", "add --yes")
        if not confirm(f"remove chat {found.id} ({_clipped(found.title)})?", default=False):
            click.echo("nothing removed")
            return
    click.echo(f"removed {kept.remove(found.id)}")
