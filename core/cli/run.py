"""`docutune run` and `docutune plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from docutune.cli.options import json_output, overrides, pipeline_file, print_json


@click.command()
@pipeline_file
@overrides
@click.option("--until", metavar="STEP", help="Stop after this step, e.g. dataset, train or train:NAME.")
@click.option("--from", "remake", metavar="STEP", help="Make this step and all after it anew, whatever is kept.")
@json_output
def run(
    file: Path, overrides: tuple[str, ...], trainer: str | None, until: str | None, remake: str | None, as_json: bool
) -> None:
    """Run the pipeline: from sources to a tuned model and a report.

    What was made before and would come out the same is reused. Ctrl-C stops; the same command goes on from there.
    """
    from docutune.api import RunRequest, Workspace
    from docutune.cli.progress import RunView

    request = RunRequest(file, overrides, trainer, until, remake)
    show_summary(Workspace.of(file).run(request, RunView()), as_json)


@click.command()
@pipeline_file
@overrides
@click.option("--until", metavar="STEP", help="Plan up to this step.")
@click.option("--from", "remake", metavar="STEP", help="Plan to make this step and all after it anew.")
@json_output
def plan(
    file: Path, overrides: tuple[str, ...], trainer: str | None, until: str | None, remake: str | None, as_json: bool
) -> None:
    """Show what a run would do.

    Documents are parsed for it (that is quick and kept); nothing else is made.
    """
    from docutune.api import RunRequest, Workspace
    from docutune.records import to_json

    def quiet(done: int, total: int | None = None, **figures: float) -> None:
        """Parsing for a plan shows nothing."""

    planned = Workspace.of(file).plan(RunRequest(file, overrides, trainer, until, remake), quiet)
    if as_json:
        print_json(to_json(planned))
        return
    for step in planned:
        count = f"{step.count.total:,} items, {step.count.reused:,} reused" if step.count else ""
        action = {"reuse": "reuse", "make": "make", "waits": "after the above"}[step.action]
        click.echo(f"{action:<16} {step.name:<28} {step.plugin:<16} {count}".rstrip())


def show_summary(summary: dict[str, Any], as_json: bool) -> None:
    """The end of a run: figures and where the report is, or the whole summary as one JSON object."""
    if as_json:
        print_json(summary)
        return
    for model, evaluators in summary["figures"].items():
        for evaluator, figures in evaluators.items():
            click.echo(f"\n{model}, {evaluator}: base -> tuned, difference (its 95 % interval)")
            for figure in figures:
                click.echo(_figure_line(figure))
    click.echo(f"\nRun {summary['run']}: {summary['outcome']} in {summary['seconds']:.0f} s")
    click.echo(f"Report: {summary['report']}")


def _figure_line(figure: dict[str, Any]) -> str:
    means = f"{figure['base']:6.3f} -> {figure['tuned']:6.3f}   {figure['difference']:+.3f}"
    interval = f"({figure['low']:+.3f} to {figure['high']:+.3f}, {figure['count']} questions)"
    return f"  {figure['metric']:<14} {means} {interval}  {figure['verdict']}"
