"""`docutune dataset report`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output

if TYPE_CHECKING:
    from docutune.report.quality import Quality


@click.command("report")
@click.argument("version", default="latest")
@click.option(
    "--pipeline",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the trainings of this pipeline file; by default of pipeline.yaml.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a copy there; its suffix, .html or .json, says the form.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@json_output
def report(version: str, pipeline: Path | None, output: Path | None, opens: bool, as_json: bool) -> None:
    """Show the quality of a dataset VERSION, by default that of the newest run.

    Counts, lengths in tokens and what max_length cuts off, duplicates and held-out questions that are trained, too,
    languages, symbols without samples, which tokens bear loss, and some samples. A page has it all.
    """
    from docutune.api import Workspace
    from docutune.report.quality_page import to_html, to_json_text

    form = _form(output)
    quality, page = Workspace.find().datasets.report(version, pipeline, _note)
    if output is not None:
        _write(output, to_html(quality) if form == ".html" else to_json_text(quality))
    if as_json:
        click.echo(to_json_text(quality), nl=False)
    else:
        _show(quality, output or page)
    if opens and click.launch(page.as_uri()):
        click.echo(f"no browser could be opened here; the page is {page}", err=True)


def _show(quality: Quality, page: Path) -> None:
    from docutune.report.findings import findings, headline
    from docutune.report.words import Words

    english = replace(quality, language="en")
    words = Words("en")
    click.echo(f"{quality.version}: {headline(english)}")
    for finding in findings(english):
        click.echo(f"  {words.say(f'level.{finding.level}'):<13} {finding.text}")
    click.echo(page)


def _note(text: str) -> None:
    click.echo(f"note  {text}", err=True)


def _form(output: Path | None) -> str:
    from docutune.errors import UsageError

    suffix = ".html" if output is None else output.suffix
    if suffix not in (".html", ".json"):
        raise UsageError(f"--output {output}: the report ends in .html or .json")
    return suffix


def _write(output: Path, text: str) -> None:
    from docutune.errors import DocutuneError

    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise DocutuneError(
            f"--output {output}: cannot be written: {error.strerror or error}",
            "name a file in a folder that exists and that you may write to",
        ) from error
