"""`docutune stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output, print_json

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.jobs.stopping import Stopped
    from docutune.owner import Owner

_SECONDS_BETWEEN_LINES = 10.0


@click.command()
@click.option("--now", is_flag=True, help="Kill it at once: what was not saved is made again.")
@click.option(
    "--grace",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="Kill it when it has not ended after so long; unset: when it gives no sign of life.",
)
@json_output
def stop(now: bool, grace: float | None, as_json: bool) -> None:
    """Stop the run at work in this workspace, whether it has a terminal or not; the next run goes on from there.

    A training saves what it has learned and ends; this command waits for that. Ctrl-C ends the waiting, not the
    stopping. Afterwards no process of the run is left.
    """
    from docutune.api import Workspace
    from docutune.interrupts import leaving

    workspace = Workspace.find()
    with leaving("no longer waited for; the run goes on stopping, and docutune stop --now kills it"):
        stopped = workspace.stop(0.0 if now else grace, _Waiting())
    if as_json:
        print_json(_facts(workspace, stopped))
    elif stopped is None:
        click.echo("no run is at work here")
    else:
        _show(workspace, stopped)


class _Waiting:
    """A line when the run was asked, and one now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, owner: Owner, seconds: float) -> None:
        if seconds >= self._next:
            name = f"run {owner.run}" if owner.run else "the run"
            since = f", {seconds:.0f} s so far" if self._next else ""
            click.echo(f"waiting for {name} (process {owner.process.pid}) to save and end{since}", err=True)
            self._next += _SECONDS_BETWEEN_LINES


def _facts(workspace: Workspace, stopped: Stopped | None) -> dict[str, object]:
    """As JSON: `run` is null when none was at work, or it had none yet."""
    if stopped is None:
        return {"stopped": False, "run": None}
    facts = {"stopped": True, "run": stopped.run, "process": stopped.process, "killed": stopped.killed}
    manifest = workspace.manifest(stopped.run) if stopped.run else {"outcome": "interrupted"}
    return {**facts, "outcome": manifest["outcome"], "continues": manifest.get("continues")}


def _show(workspace: Workspace, stopped: Stopped) -> None:
    from docutune.cli.run import goes_on

    how = "killed" if stopped.killed else "stopped"
    if stopped.run is None:
        click.echo(f"{how}: it had not begun")
        return
    manifest = workspace.manifest(stopped.run)
    how = "it finished" if manifest["outcome"] == "finished" else how
    click.echo(f"Run {stopped.run}: {how} after {manifest['seconds']:.0f} s")
    if manifest["outcome"] != "finished":
        click.echo(goes_on(manifest))
