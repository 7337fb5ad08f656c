"""`docutune models`: one file per command."""

from __future__ import annotations

import click

from docutune.cli.lazy import LazyGroup
from docutune.cli.table import MODELS


@click.group(cls=LazyGroup, table=MODELS, no_args_is_help=True)
def models() -> None:
    """List trained models, merge them and write them for other tools."""
