"""`docutune templates`: one file per command."""

from __future__ import annotations

import click

from docutune.cli.lazy import LazyGroup
from docutune.cli.table import TEMPLATES


@click.group(cls=LazyGroup, table=TEMPLATES, no_args_is_help=True)
def templates() -> None:
    """List, show and edit the prompts of generators and judges."""
