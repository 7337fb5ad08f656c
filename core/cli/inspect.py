"""`docutune status` and `docutune report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from docutune.cli.options import json_output, print_json


@click.command()
@click.argument("run", required=False)
@click.option("--limit", default=20, show_default=True, help="How many runs to list.")
@click.option("--rebuild", is_flag=True, help="First make the index again from the runs' own files.")
@json_output
def status(run: str | None, limit: int, rebuild: bool, as_json: bool) -> None:
    """Show the runs of this workspace, or the steps of one RUN."""
    from docutune.api import Workspace
    from docutune.records import to_json

    workspace = Workspace.find()
    if rebuild:
        click.echo(f"index rebuilt: {workspace.rebuild_catalog()} runs", err=True)
    if run:
        manifest = workspace.manifest(run)
        print_json(manifest) if as_json else _show_run(manifest)
        return
    rows = workspace.runs(limit)
    if as_json:
        print_json(to_json(rows))
        return
    for row in rows:
        models = ", ".join(row.models) or "-"
        click.echo(f"{row.id:<18} {row.outcome:<12} {row.seconds:8.1f} s  dataset {row.dataset or '-':<16}  {models}")
    if not rows:
        click.echo("no run yet; start one with: docutune run")


def _show_run(manifest: dict[str, Any]) -> None:
    click.echo(f"run {manifest['run']} of {manifest['project']}: {manifest['outcome']}, {manifest['seconds']:.1f} s")
    for step in manifest["steps"]:
        click.echo(f"  {step['status']:<10} {step['name']:<28} {step['seconds']:8.1f} s")
    for document in manifest.get("documents", ()):
        for problem in document["problems"]:
            click.echo(f"  {document['source']}: {problem}")


@click.command()
@click.argument("run", required=False)
@click.option("--format", "form", type=click.Choice(["html", "md", "json"]), help="Print the report in this form.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a copy there; its suffix says the form."
)
def report(run: str | None, form: str | None, output: Path | None) -> None:
    """Show or write the report of a run, by default the newest."""
    from docutune.api import Workspace
    from docutune.errors import UsageError

    workspace = Workspace.find()
    folder = workspace.run_folder(run)
    if output is None and form is None:
        form = "md"
    suffix = form or (output.suffix.lstrip(".") if output else "md")
    source = folder / f"report.{suffix}"
    if suffix not in ("html", "md", "json"):
        raise UsageError(f"--output {output}: a report ends in .html, .md or .json")
    if not source.is_file():
        raise UsageError(f"{folder}: this run has no report", "only a finished run has one; docutune status lists them")
    if output is None:
        click.echo(source.read_text(encoding="utf-8"), nl=False)
        click.echo(f"\n{folder / 'report.html'}", err=True)
    else:
        output.write_bytes(source.read_bytes())
        click.echo(output)
