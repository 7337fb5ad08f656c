"""`docutune run` and `docutune plan`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from docutune.cli.options import json_output, overrides, pipeline_file, print_json

if TYPE_CHECKING:
    from docutune.changes import Changes
    from docutune.planning import Plan, Planned

_PATHS_SHOWN = 20


@click.command()
@pipeline_file
@overrides
@click.option("--until", metavar="STEP", help="Stop after this step, e.g. dataset, train or train:NAME.")
@click.option("--from", "remake", metavar="STEP", help="Make this step and all after it anew, whatever is kept.")
@click.option("--detach", is_flag=True, help="Run on without this terminal: follow with status --follow, or stop.")
@click.option("--terminal", type=click.Path(path_type=Path), hidden=True, help="Takes what a detached run prints.")
@json_output
def run(
    file: Path,
    overrides: tuple[str, ...],
    trainer: str | None,
    until: str | None,
    remake: str | None,
    detach: bool,
    terminal: Path | None,
    as_json: bool,
) -> int:
    """Run the pipeline: from sources to a tuned model and a report.

    What was made before and would come out the same is reused. Ctrl-C stops; the same command goes on from there.
    """
    from docutune.api import RunRequest, Workspace
    from docutune.cli.progress import RunView

    request, workspace = RunRequest(file, overrides, trainer, until, remake, terminal=terminal), Workspace.of(file)
    if detach:
        show_started(workspace.start_detached(request), as_json)
        return 0
    return show_summary(workspace.run(request, RunView()), as_json)


def show_started(run: Path, as_json: bool) -> None:
    """What to do with a run that goes on by itself."""
    from docutune.jobs.detached import TERMINAL

    if as_json:
        print_json({"run": run.name, "folder": str(run), "terminal": str(run / TERMINAL)})
        return
    click.echo(f"Run {run.name} has begun and goes on without this terminal.")
    click.echo("Follow it: docutune status --follow")
    click.echo("Stop it:   docutune stop")


@click.command()
@pipeline_file
@overrides
@click.option("--until", metavar="STEP", help="Plan up to this step.")
@click.option("--from", "remake", metavar="STEP", help="Plan to make this step and all after it anew.")
@json_output
def plan(
    file: Path, overrides: tuple[str, ...], trainer: str | None, until: str | None, remake: str | None, as_json: bool
) -> None:
    """Show what a run would do: documents added, changed, removed and reused since the last run, then every step.

    Documents are parsed for it (what is parsed is kept); nothing else is made. Stale tasks are those of the last run
    whose samples go.
    """
    from docutune.api import RunRequest, Workspace
    from docutune.records import to_json

    with _shown("parse") as progress:
        planned = Workspace.of(file).plan(RunRequest(file, overrides, trainer, until, remake), progress)
    print_json(to_json(planned)) if as_json else _show_plan(planned)


def _shown(step: str) -> AbstractContextManager[Callable[..., None]]:
    """Shows the progress of one step to somebody who watches; without a terminal rich is not even loaded."""
    if sys.stderr.isatty():
        from docutune.cli.progress import RunView

        return RunView().showing(step)
    return nullcontext(_unseen)


def _unseen(done: int, total: int | None = None, **figures: float) -> None:
    """Nobody watches."""


def _show_plan(plan: Plan) -> None:
    from docutune.cli.spending import estimate_lines, limit_line

    for note in plan.notes:
        click.echo(f"note: {note}", err=True)
    if plan.dataset is not None:
        named = "" if plan.dataset.name == plan.dataset.version else f" ({plan.dataset.name})"
        click.echo(f"dataset: version {plan.dataset.version}{named}, as it is")
    if plan.documents.since or plan.documents.added:
        for line in _document_lines(plan.documents):
            click.echo(line)
    for step in plan.steps:
        action = {"reuse": "reuse", "make": "make", "waits": "after the above"}[step.action]
        click.echo(f"{action:<16} {step.name:<28} {step.plugin:<16} {', '.join(_details(step))}".rstrip())
        for line in estimate_lines(step.estimate) if step.estimate else ():
            click.echo(f"{'':<16} {line}")
    for limit in plan.budget:
        click.echo(limit_line(limit))


def _document_lines(changes: Changes) -> Iterator[str]:
    """How the documents differ from the last run's, the paths of the first few."""
    groups = {"added": changes.added, "changed": changes.changed, "removed": changes.removed}
    if changes.since is None:
        yield f"documents: {len(changes.added):,}, none of them parsed by an earlier run"
        return
    counts = ", ".join(f"{len(paths):,} {word}" for word, paths in groups.items())
    yield f"documents since run {changes.since}: {counts}, {changes.reused:,} reused"
    for word, paths in groups.items():
        yield from (f"  {word:<8} {path}" for path in paths[:_PATHS_SHOWN])
        if len(paths) > _PATHS_SHOWN:
            yield f"  {word:<8} ... and {len(paths) - _PATHS_SHOWN:,} more (--json names all)"


def _details(step: Planned) -> Iterator[str]:
    """How many items, where a training goes on, and what it will take."""
    from docutune.memory import told

    if step.continues is not None:
        yield f"continue at step {step.continues:,}"
    if step.memory is not None:
        yield f"at most about {told(step.memory)} of memory (rows of max_length)"
    if step.asks is not None and step.action != "reuse":
        where = f"what is asked goes to {step.server}" if step.server else "nothing leaves this machine"
        yield f"asks {step.asks}, {where}"
    if step.count is not None:
        counts = {"to make": step.count.total - step.count.reused, "reused": step.count.reused, "stale": step.stale}
        yield from (f"{count:,} {word}" for word, count in counts.items() if count or word != "stale")


def show_summary(summary: dict[str, Any], as_json: bool) -> int:
    """The end of a run: figures and where the report is, or the whole summary as one JSON object, then what failed.

    Returns the exit code.
    """
    from docutune.errors import EXIT_FAILURE

    print_json(summary) if as_json else _show_figures(summary)
    sys.stdout.flush()  # what failed stands last
    for failure in summary["failures"]:
        for line in failure_lines(failure, Path(summary["folder"])):
            click.echo(line, err=True)
    return EXIT_FAILURE if summary["failures"] else 0


def goes_on(manifest: dict[str, Any]) -> str:
    """What the next run does after this one, which did not finish."""
    if found := manifest.get("continues"):
        from docutune.activity import goes_on as at_step

        return at_step(found)
    return "docutune run goes on: finished steps are kept"


def failure_lines(failure: dict[str, Any], run: Path) -> Iterator[str]:
    """A failed step as an error is shown: what is wrong, what to do, and the log where the hint does not name it."""
    yield f"error: {failure['step']}: {failure['message']}"
    if failure["hint"]:
        yield f"  {failure['hint']}"
    log = str(run / failure["log"]) if failure["log"] else ""
    if log and log not in (failure["hint"] or ""):
        yield f"  all that it printed: {log}"


def _show_figures(summary: dict[str, Any]) -> None:
    for model, evaluators in summary["figures"].items():
        for evaluator, figures in evaluators.items():
            click.echo(f"\n{model}, {evaluator}: base -> tuned, difference (its 95 % interval)")
            for figure in figures:
                click.echo(_figure_line(figure))
    trained = [training["status"] in ("made", "reused") for training in summary["trainings"]]
    done = f", {sum(trained)} of {len(trained)} models trained" if len(trained) > 1 and not all(trained) else ""
    click.echo(f"\nRun {summary['run']}: {summary['outcome']} in {summary['seconds']:.0f} s{done}")
    click.echo(f"Report: {summary['report']}")


def _figure_line(figure: dict[str, Any]) -> str:
    means = f"{figure['base']:6.3f} -> {figure['tuned']:6.3f}   {figure['difference']:+.3f}"
    interval = f"({figure['low']:+.3f} to {figure['high']:+.3f}, {figure['count']} questions)"
    return f"  {figure['metric']:<14} {means} {interval}  {figure['verdict']}"
