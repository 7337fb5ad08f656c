"""The command group, loaded command by command, and what every command shares: exit codes and error lines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from docutune import interrupts
from docutune.cli.lazy import LazyGroup
from docutune.cli.table import COMMANDS
from docutune.errors import Cancelled, ConfigError, DocutuneError


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"docutune {version('docutune')}")
        ctx.exit()


@click.group(
    cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def app() -> None:
    """Turn the documents and source code of a library into a fine-tuned model that knows that library."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; known errors become one line and a hint on stderr, all others keep their traceback.

    click itself ends quietly when the reader of stdout, such as `head`, has left. DOCUTUNE_STRICT=1 shows the cause
    behind a known error, too.
    """
    interrupts.listen()
    try:
        result: Any = app.main(arguments, prog_name="docutune", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except DocutuneError as error:
        _show(error)
        return interrupts.exit_code() if isinstance(error, Cancelled) else error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return interrupts.exit_code()
    return result if isinstance(result, int) else 0


def _show(error: DocutuneError) -> None:
    if os.environ.get("DOCUTUNE_STRICT") == "1" and error.__cause__ is not None:
        import traceback

        traceback.print_exception(error.__cause__)
    prefix = "" if isinstance(error, (ConfigError, Cancelled)) else "error: "  # to stop was the user's wish
    click.echo(f"{prefix}{error}", err=True)
