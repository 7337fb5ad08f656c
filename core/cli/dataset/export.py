"""`docutune dataset export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from docutune.cli.clean import readable
from docutune.cli.options import json_output, print_json

if TYPE_CHECKING:
    from docutune.records import Split

FORMS = ("messages", "alpaca", "sharegpt", "csv", "parquet", "hf")


@click.command()
@click.argument("version", default="latest")
@click.option("--format", "form", required=True, type=click.Choice(FORMS), help="The form to write.")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The file, for hf the folder.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(("train", "validation", "test")),
    help="Only this split; may be repeated.  [default: every sample]",
)
@click.option("--raw-cells", is_flag=True, help="csv: leave cells as they are that a spreadsheet takes for formulas.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@json_output
def export(
    version: str, form: str, output: Path, splits: tuple[Split, ...], raw_cells: bool, force: bool, as_json: bool
) -> None:
    """Write VERSION, by default the newest run's, into a file: whole or not at all.

    messages (JSON Lines) and parquet carry every field, and come back through docutune dataset import as the same
    version. What the others (alpaca, sharegpt, csv, and hf, a folder for datasets.load_from_disk) cannot carry is
    told. Every form has each sample's id, split, and where it comes from.
    """
    from docutune.api import Workspace
    from docutune.datasets.export import ExportRequest

    if raw_cells and form != "csv":
        raise click.UsageError("--raw-cells goes with --format csv")
    request = ExportRequest(version, form, output, splits, force, raw_cells)
    done = Workspace.find().datasets.export(request)
    if as_json:
        print_json(
            {
                "version": done.version,
                "output": str(done.output),
                "samples": done.samples,
                "bytes": done.bytes,
                "comes_back_as": done.comes_back_as,
                "drops": list(done.drops),
            }
        )
        return
    samples = f"{done.samples:,} sample{'' if done.samples == 1 else 's'}"
    click.echo(f"{done.output}: {samples} of version {done.version}, {readable(done.bytes)}")
    if done.comes_back_as:
        part = "" if done.comes_back_as == done.version else ", for it is a part of that version"
        click.echo(f"  docutune dataset import brings it back as version {done.comes_back_as}{part}")
    for line in done.drops:
        click.echo(f"  not in there: {line}", err=True)
