"""`docutune serve`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from docutune.serving.server import Server


@click.command()
@click.argument("model", required=False)
@click.option("--run", help="Take the model of this run.")
@click.option("--base", is_flag=True, help="Offer the base model alone.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; any but loopback needs a key."
)
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0: a free one."
)
@click.option("--api-key-env", metavar="NAME", help="Environment variable that holds the key which clients must send.")
@click.option(
    "--max-request-bytes",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Longest request; longer ones are refused.",
)
@click.option(
    "--concurrency", default=16, show_default=True, type=click.IntRange(min=1), help="Replies written at a time."
)
@click.option(
    "--max-waiting",
    default=32,
    show_default=True,
    type=click.IntRange(min=0),
    help="Requests that may wait for their turn; more are refused.",
)
def serve(
    model: str | None,
    run: str | None,
    base: bool,
    host: str,
    port: int,
    api_key_env: str | None,
    max_request_bytes: int,
    concurrency: int,
    max_waiting: int,
) -> None:
    """Serve MODEL, by default the newest of this workspace, to programs that speak OpenAI's chat completions.

    Its base answers beside it, as NAME:base. A line tells of each request, without what was said. Ctrl-C ends the
    server and unloads the model.
    """
    from docutune import interrupts
    from docutune.api import Workspace
    from docutune.errors import JobError
    from docutune.serving.settings import Settings, key_of

    key = key_of(api_key_env) if api_key_env is not None else None
    settings = Settings(host, port, key, max_request_bytes, concurrency, max_waiting)
    serving = Workspace.around().serve(settings, _tell_loading, model, run, base)
    with serving as server, interrupts.ended_by(lambda: _end(server)):
        _tell_address(server, key is not None)
        for line in server.news():
            with contextlib.suppress(OSError):  # nobody reads them; clients go on being answered
                click.echo(line, err=True)
        failed = server.failed
    if failed:
        raise JobError("the model's process had ended before the server did")


def _tell_loading(name: str, url: str) -> None:
    click.echo(f"loading {name} for {url}", err=True)


def _end(server: Server) -> str:
    server.end()
    return "unloading the model"


def _tell_address(server: Server, keyed: bool) -> None:
    click.echo(f"{', '.join(server.names)} at {server.url}/v1")
    click.echo(f"{'clients must send the key; ' if keyed else ''}Ctrl-C ends it", err=True)
