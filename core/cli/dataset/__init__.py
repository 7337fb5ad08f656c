"""`docutune dataset`: one file per command."""

from __future__ import annotations

import click

from docutune.cli.lazy import LazyGroup
from docutune.cli.table import DATASET


@click.group(cls=LazyGroup, table=DATASET, no_args_is_help=True)
def dataset() -> None:
    """Look after dataset versions and question-answer files."""
