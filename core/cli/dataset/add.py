"""`docutune dataset add`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from docutune.cli.confirm import confirm
from docutune.cli.dataset.import_ import listing
from docutune.cli.options import samples_for

if TYPE_CHECKING:
    from docutune.datasets.adding import Adding, Typed
    from docutune.records import Split

_HELP = "An empty line ends a text; an empty question ends the typing. Ctrl-C loses nothing that was added before."


@click.command("add")
@click.option("--question", metavar="TEXT", help="The question, for scripts.")
@click.option("--answer", metavar="TEXT", help="Its answer.")
@click.option("--system", metavar="TEXT", help="System prompt before each of these samples.")
@click.option("--split", type=click.Choice(["train", "validation", "test"]), help="Split; unset: the pipeline decides.")
@click.option("--to", type=click.Path(path_type=Path), help="File to add to.  [default: samples/added.jsonl]")
@click.option("--yes", is_flag=True, help="Add also what a dataset would leave out.")
@samples_for
def add(
    question: str | None,
    answer: str | None,
    system: str | None,
    split: Split | None,
    to: Path | None,
    yes: bool,
    pipeline: Path,
) -> None:
    """Type questions and answers; each is kept as soon as it is entered.

    They go into a samples file that the pipeline reads. What is there already, or gives away what is held out, is
    told before it is added.
    """
    from docutune.api import Workspace
    from docutune.datasets.adding import Typed

    adding = Workspace.of(pipeline).datasets.adding(pipeline, to)
    target = adding.target
    if question is not None or answer is not None:
        if not question or not answer:
            raise click.UsageError("--question and --answer belong together")
        _add_one(adding, Typed(question, answer, system, split), yes)
    else:
        _type(adding, system, split, yes)
    for line in listing(*adding.list_in_pipeline(), target):
        click.echo(line)


def _add_one(adding: Adding, typed: Typed, yes: bool) -> None:
    """For scripts: a complaint is an error."""
    from docutune.errors import DocutuneError

    complaint = None if yes else adding.complaint(typed)
    if complaint is not None:
        raise DocutuneError(f"not added: {complaint}", "--yes adds it all the same")
    _added(adding, typed)


def _type(adding: Adding, system: str | None, split: Split | None, yes: bool) -> None:
    """Until an empty question or the end of the input. What was added before is listed also after Ctrl-C."""
    from docutune.datasets.adding import Typed
    from docutune.errors import UsageError

    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to type at", "docutune dataset add --question TEXT --answer TEXT")
    click.echo(_HELP)
    try:
        while question := _text("Question"):
            answer = _text("Answer")
            if not answer:
                click.echo("no answer: not added")
                continue
            typed = Typed(question, answer, system, split)
            complaint = None if yes else adding.complaint(typed)
            if complaint is None or confirm(f"{complaint}. Add it all the same?", default=False):
                _added(adding, typed)
    except (KeyboardInterrupt, click.Abort):
        for line in listing(*adding.list_in_pipeline(), adding.target):
            click.echo(line)
        raise


def _added(adding: Adding, typed: Typed) -> None:
    click.echo(f"added: {os.path.relpath(adding.target)}:{adding.add(typed)}")


def _text(name: str) -> str:
    """Lines up to an empty one, "" at the end of the input."""
    lines: list[str] = []
    prompt = f"{name}: "
    while True:
        try:
            line = input(prompt)
        except EOFError:
            break
        if not line.strip():
            break
        lines.append(line)
        prompt = " " * len(prompt)
    return "\n".join(lines)
