"""`docutune chat`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click


@click.command()
@click.argument("question", nargs=-1)
@click.option("--model", help="The training's name; by default the newest model of this workspace.")
@click.option("--run", help="Take the model of this run.")
@click.option("--base", is_flag=True, help="Ask the base model, without the adapter.")
@click.option("--max-new-tokens", default=256, show_default=True, help="Longest reply, in tokens.")
@click.option("--temperature", default=0.0, show_default=True, help="0 always takes the likeliest token.")
def chat(
    question: tuple[str, ...], model: str | None, run: str | None, base: bool, max_new_tokens: int, temperature: float
) -> None:
    """Ask the tuned model a QUESTION; the answer appears as it is written.

    Without one, questions are read from standard input, a line each.
    """
    from docutune.api import Workspace
    from docutune.records import Message

    workspace = Workspace.find()
    with workspace.session(model, run) as session:
        for text in [" ".join(question)] if question else _lines():
            messages = [Message("user", text)]
            sampling = {"max_new_tokens": max_new_tokens, "temperature": temperature}
            for piece in session.stream(messages, "base" if base else "tuned", **sampling):
                click.echo(piece, nl=False)
                sys.stdout.flush()
            click.echo()


def _lines() -> Iterator[str]:
    """Questions as they are typed or piped in."""
    for line in sys.stdin:
        if line.strip():
            yield line.strip()
