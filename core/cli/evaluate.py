"""`docutune eval`."""

from __future__ import annotations

from pathlib import Path

import click

from docutune.cli.options import json_output, overrides, pipeline_file


@click.command("eval")
@pipeline_file
@overrides
@click.option("--detach", is_flag=True, help="Run on without this terminal: follow with status --follow, or stop.")
@click.option("--terminal", type=click.Path(path_type=Path), hidden=True, help="Takes what a detached run prints.")
@json_output
def evaluate(
    file: Path, overrides: tuple[str, ...], trainer: str | None, detach: bool, terminal: Path | None, as_json: bool
) -> int:
    """Measure a model again, base against tuned.

    Uses the models that `docutune run` trained and never trains; answers given before are not asked for again.
    """
    from docutune.api import RunRequest, Workspace
    from docutune.cli.progress import RunView
    from docutune.cli.run import show_started, show_summary

    request = RunRequest(file, overrides, trainer, only_evaluate=True, terminal=terminal)
    if detach:
        show_started(Workspace.of(file).start_detached(request), as_json)
        return 0
    return show_summary(Workspace.of(file).run(request, RunView()), as_json)
