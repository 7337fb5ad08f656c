"""`docutune ui`."""

from __future__ import annotations

import click


@click.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option(
    "--port", default=7860, show_default=True, type=click.IntRange(0, 65535), help="Port to serve on; 0: a free one."
)
@click.option(
    "--language",
    default="en",
    show_default=True,
    type=click.Choice(["en", "zh"]),
    help="Language of the first page; each page can be switched.",
)
@click.option(
    "--password-env",
    metavar="NAME",
    help="Environment variable that holds the password; needed for any address but this machine's own.",
)
@click.option("--frontend", default="gradio", show_default=True, help="Plugin that serves the page.")
def ui(folder: str, host: str, port: int, language: str, password_env: str | None, frontend: str) -> None:
    """Work in a browser: sources, training and its progress, plugins and settings of the workspace in FOLDER.

    FOLDER may be empty: the page offers to make its pipeline file. Runs go on when the page or this command ends.
    """
    from pathlib import Path

    from docutune.api import Workspace
    from docutune.contracts import Address

    workspace = Workspace(Path(folder).resolve())
    try:
        workspace.serve_page(frontend, Address(host, port, language), password_env, _say)
    except KeyboardInterrupt:
        return


def _say(address: str) -> None:
    click.echo(f"docutune is at {address}")
    click.echo("Ctrl-C ends the page; runs go on", err=True)
