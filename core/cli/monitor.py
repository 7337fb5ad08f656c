"""`docutune monitor`."""

from __future__ import annotations

import signal

import click


@click.command()
@click.argument("run", required=False)
@click.option("--all", "every", is_flag=True, help="Show all runs of this workspace together.")
@click.option("--port", type=click.IntRange(min=1, max=65535), help="The port to listen on; by default a free one.")
def monitor(run: str | None, every: bool, port: int | None) -> None:
    """Watch trainings in TensorBoard: those of RUN, by default the newest run, also while it is at work.

    Loss, validation loss, learning rate, gradient norm, tokens per second, memory, and what the model answers to a few
    questions. The page is served to this machine alone (127.0.0.1), until Ctrl-C.
    """
    from docutune.api import Workspace
    from docutune.errors import UsageError

    if run and every:
        raise UsageError(f"--all shows every run, so {run!r} cannot be chosen as well", "leave one of them out")
    with Workspace.find().monitor(run, every, port) as board:
        click.echo(f"TensorBoard of {board.shown}: {board.address}")
        click.echo("Ctrl-C ends it", err=True)
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            return
