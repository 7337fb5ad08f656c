"""What `docutune status --follow` shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from docutune.cli.options import print_json
from docutune.cli.progress import RunView
from docutune.cli.run import failure_lines, goes_on, show_summary
from docutune.errors import EXIT_FAILURE
from docutune.interrupts import leaving
from docutune.jobs.detached import TERMINAL

if TYPE_CHECKING:
    from docutune.api import Workspace


def show(workspace: Workspace, run: str | None, as_json: bool) -> int:
    """Show a run until it ends, then its end; the exit code."""
    view = RunView()
    with leaving("no longer followed; docutune stop would stop it"):
        try:
            manifest = workspace.follow(run, view)
        finally:
            view.leave()
    if as_json:
        print_json(manifest)
    else:
        _show_end(manifest, workspace.run_folder(manifest["run"]))
    return 0 if manifest["outcome"] == "finished" else EXIT_FAILURE


def _show_end(manifest: dict[str, Any], folder: Path) -> None:
    if (folder / "report.html").is_file():
        known = {"trainings": [], "figures": {}, "failures": [], **manifest}
        show_summary({**known, "folder": str(folder), "report": str(folder / "report.html")}, as_json=False)
        return
    current = manifest.get("current")
    place = f" in {current['name']}" if current else ""
    click.echo(f"\nRun {manifest['run']}: {manifest['outcome']}{place} after {manifest['seconds']:.0f} s")
    for failure in manifest.get("failures", ()):
        for line in failure_lines(failure, folder):
            click.echo(line, err=True)
    if manifest["outcome"] == "interrupted":
        click.echo(goes_on(manifest))
    elif (folder / TERMINAL).is_file():
        click.echo(f"all that it printed: {folder / TERMINAL}", err=True)
