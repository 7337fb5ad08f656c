"""`docutune dataset validate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output, print_json, samples_for
from docutune.errors import EXIT_FAILURE

if TYPE_CHECKING:
    from docutune.datasets.checking import Checked


@click.command("validate")
@click.argument("files", nargs=-1, metavar="[FILE...]", type=click.Path(exists=True, path_type=Path))
@samples_for
@json_output
def validate(files: tuple[Path, ...], pipeline: Path, as_json: bool) -> int:
    """Check every row of question-answer files: FILE..., or all that the pipeline reads.

    Each problem is shown with file and line: rows that give no sample, roles and their order, empty turns, misspelt
    fields, encoding, samples that are too long, duplicates, and training rows that give away what is held out. The
    exit code is 1 when there is one.
    """
    from docutune.api import Workspace

    checked = Workspace.of(pipeline).datasets.check(pipeline, files)
    if as_json:
        problems = [item.facts() for item in checked.problems]
        print_json({"rows": checked.rows, "problems": problems, "notes": list(checked.notes)})
    else:
        _show(checked)
    return EXIT_FAILURE if checked.problems else 0


def _show(checked: Checked) -> None:
    for problem in checked.problems:
        click.echo(f"{problem.where}: {problem.reason}")
    for note in checked.notes:
        click.echo(f"note  {note}")
    for file, splits in checked.rows.items():
        sizes = ", ".join(f"{count:,} {split or 'without a split'}" for split, count in splits.items())
        click.echo(f"{file}: {sizes or 'no row'}")
    count = len(checked.problems)
    click.echo(f"{count:,} problem{'' if count == 1 else 's'}" if count else "no problem found")
