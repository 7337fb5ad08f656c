"""`docutune chat`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output, print_json

if TYPE_CHECKING:
    from docutune.api import Workspace


@click.command()
@click.argument("question", nargs=-1)
@click.option("--model", help="The training's name; by default the newest model of this workspace.")
@click.option("--run", help="Take the model of this run.")
@click.option("--base", is_flag=True, help="Ask the base model, without the adapter.")
@click.option(
    "--max-new-tokens", type=click.IntRange(min=1), default=256, show_default=True, help="Longest reply, in tokens."
)
@click.option(
    "--temperature",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="0 always takes the likeliest token.",
)
@click.option("--history", is_flag=True, help="Show the questions asked so far and their answers.")
@json_output
def chat(
    question: tuple[str, ...],
    model: str | None,
    run: str | None,
    base: bool,
    max_new_tokens: int,
    temperature: float,
    history: bool,
    as_json: bool,
) -> None:
    """Ask the tuned model a QUESTION; the answer appears as it is written.

    Without one, questions are read from standard input, a line each.
    """
    from docutune.api import Workspace
    from docutune.errors import UsageError
    from docutune.records import Sampling

    if question and not " ".join(question).strip():
        raise UsageError("the question is empty", "write it after docutune chat, in quotation marks")
    workspace = Workspace.find()
    if history:
        _show_history(workspace, as_json)
        return
    texts = [" ".join(question)] if question else _lines()
    _say_loading(workspace.model_name(model, run))
    sampling = Sampling(temperature, max_new_tokens=max_new_tokens)
    with workspace.conversation(model, run, "base" if base else "tuned") as ask:
        for text in texts:
            pieces = []
            for piece in ask(text, sampling):
                pieces.append(piece)
                if not as_json:
                    click.echo(piece, nl=False)
                    sys.stdout.flush()
            print_json({"question": text, "answer": "".join(pieces)}) if as_json else click.echo()


def _lines() -> Iterator[str]:
    """Questions as they are typed, after a prompt, or piped in."""
    interactive = sys.stdin.isatty()
    while True:
        if interactive:
            click.echo("> ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            break
        if line.strip():
            yield line.strip()
    if interactive:
        click.echo(err=True)


def _say_loading(name: str) -> None:
    """Loading takes a while: somebody who watches is told what is waited for."""
    if sys.stderr.isatty():
        click.echo(f"loading {name}…", err=True)


def _show_history(workspace: Workspace, as_json: bool) -> None:
    from docutune.records import to_json

    exchanges = workspace.exchanges()
    if as_json:
        print_json(to_json(exchanges))
        return
    for exchange in exchanges:
        click.echo(
            f"{exchange.time}  {exchange.model} ({exchange.variant})\n  > {exchange.question}\n  {exchange.answer}"
        )
