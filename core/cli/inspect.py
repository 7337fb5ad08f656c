"""`docutune status` and `docutune report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from docutune.cli.options import json_output, print_json
from docutune.cli.run import failure_lines, goes_on

if TYPE_CHECKING:
    from docutune.api import Workspace

FORMS = ("html", "md", "json")


@click.command()
@click.argument("run", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs to list.")
@click.option("--rebuild", is_flag=True, help="First make the index again from the runs' own files.")
@click.option("--follow", is_flag=True, help="Show RUN, by default the one at work, until it ends; Ctrl-C leaves it.")
@json_output
def status(run: str | None, limit: int, rebuild: bool, follow: bool, as_json: bool) -> int:
    """Show the runs of this workspace, or the steps of one RUN.

    --follow shows, from any terminal, what `docutune run` shows; the exit code is 1 when the run did not finish.
    """
    from docutune.api import Workspace

    workspace = Workspace.find()
    if rebuild:
        count = workspace.rebuild_catalog()
        click.echo(f"index rebuilt: {count:,} run{'' if count == 1 else 's'}", err=True)
    if follow:
        from docutune.cli.follow import show

        return show(workspace, run, as_json)
    if run:
        manifest = workspace.manifest(run)
        print_json(manifest) if as_json else _show_run(manifest)
    else:
        _show_runs(workspace, limit, as_json)
    return 0


def _show_runs(workspace: Workspace, limit: int, as_json: bool) -> None:
    from docutune.records import to_json

    rows = workspace.runs(limit)
    if as_json:
        print_json(to_json(rows))
        return
    for row in rows:
        models = f"now in {row.step}" if row.step else ", ".join(row.models) or "-"
        models += f"  failed: {', '.join(row.failed)}" if row.failed else ""
        click.echo(f"{row.id:<18} {row.outcome:<12} {row.seconds:8.1f} s  dataset {row.dataset or '-':<16}  {models}")
    if not rows:
        click.echo("no run yet; start one with: docutune run")


def _show_run(manifest: dict[str, Any]) -> None:
    click.echo(f"run {manifest['run']} of {manifest['project']}: {manifest['outcome']}, {manifest['seconds']:.1f} s")
    if takes := manifest.get("takes"):
        named = "" if takes["name"] == takes["version"] else f", named as {takes['name']}"
        click.echo(f"  on dataset version {takes['version']}{named}")
    for step in manifest["steps"]:
        click.echo(f"  {step['status']:<10} {step['name']:<28} {step['seconds']:8.1f} s")
    if current := manifest.get("current"):
        click.echo(
            f"  {manifest['outcome']:<11} {current['name']:<27} {current['seconds']:8.1f} s  {_done(current)}".rstrip()
        )
    if manifest.get("continues"):
        click.echo(f"  {goes_on(manifest)}")
    for failure in manifest.get("failures", ()):
        for line in failure_lines(failure, Path("runs", manifest["run"])):
            click.echo(f"  {line}")
    for document in manifest.get("documents", ()):
        for problem in document["problems"]:
            click.echo(f"  {document['source']}: {problem}")


def _done(step: dict[str, Any]) -> str:
    """How far a step is: "40/120", or nothing when it has not said."""
    if step["done"] is None:
        return ""
    return f"{step['done']:,}/{step['total']:,}" if step["total"] else f"{step['done']:,}"


@click.command()
@click.argument("run", required=False)
@click.option("--format", "form", type=click.Choice(FORMS), help="Print the report in this form.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a copy there; its suffix says the form."
)
def report(run: str | None, form: str | None, output: Path | None) -> None:
    """Show or write the report of a run, by default the newest run that has one."""
    from docutune.api import Workspace
    from docutune.errors import UsageError

    form = _form(form, output)
    workspace = Workspace.find()
    folder = workspace.run_folder(run) if run else _newest_reported(workspace)
    source = folder / f"report.{form}"
    if not source.is_file():
        hint = "a run that was stopped, or failed before its models, has none; docutune status lists them"
        raise UsageError(f"{folder}: this run has no report", hint)
    if output is None:
        click.echo(source.read_text(encoding="utf-8"), nl=False)
        click.echo(f"\n{folder / 'report.html'}", err=True)
    else:
        _copy(source, output)
        click.echo(output)


def _form(form: str | None, output: Path | None) -> str:
    """The report's suffix: as --format says, else as the copy is called."""
    from docutune.errors import UsageError

    suffix = output.suffix.lstrip(".") if output else ""
    if output and form is None and suffix not in FORMS:
        raise UsageError(f"--output {output}: a report ends in .html, .md or .json", "or say what it is with --format")
    if form and suffix in FORMS and suffix != form:
        raise UsageError(f"--format {form} contradicts --output {output}", "leave one of them out")
    return form or suffix or "md"


def _newest_reported(workspace: Workspace) -> Path:
    folder, newer = workspace.reported_run()
    if newer:
        runs = "1 newer run has" if newer == 1 else f"{newer} newer runs have"
        click.echo(f"report of run {folder.name}: {runs} none", err=True)
    return folder


def _copy(source: Path, output: Path) -> None:
    from docutune.errors import DocutuneError

    try:
        output.write_bytes(source.read_bytes())
    except OSError as error:
        raise DocutuneError(
            f"--output {output}: cannot be written: {error.strerror or error}",
            "name a file in a folder that exists and that you may write to",
        ) from error
