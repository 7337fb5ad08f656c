"""`docutune chat`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output, print_json

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.chats.conversation import Conversation, Talker
    from docutune.model_names import Named


@click.command()
@click.argument("words", metavar="[MODEL] [QUESTION]...", nargs=-1)
@click.option("--model", help="The model; all words are then the question.  [default: the newest of this workspace]")
@click.option("--run", help="Take the model of this run.")
@click.option("--base", is_flag=True, help="Ask the base model, without what was trained.")
@click.option("--system", default="", metavar="TEXT", help="System prompt of the conversation.")
@click.option("--load", metavar="CHAT", help="Go on with this chat; `latest` is the one that changed last.")
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
@click.option(
    "--top-p",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="With a temperature: leave out the unlikely rest of the probability.",
)
@click.option("--seed", type=int, help="With a temperature: the same question then gives the same reply.")
@click.option("--history", is_flag=True, help="Show the questions asked so far and their answers.")
@json_output
def chat(
    words: tuple[str, ...],
    model: str | None,
    run: str | None,
    base: bool,
    system: str,
    load: str | None,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    seed: int | None,
    history: bool,
    as_json: bool,
) -> None:
    """Talk with the tuned model, or ask it one QUESTION; the answer appears as it is written.

    The first word is a MODEL where it is the name of a model that was trained here, a folder (./..., /...), or has the
    form owner/name; all else is the question. On a terminal without a QUESTION the conversation goes on: /help shows
    what may be typed. Without a terminal each line of standard input is a question of its own. Every chat is kept:
    docutune chats.
    """
    from docutune.api import Workspace
    from docutune.chats.choosing import split_words
    from docutune.records import Sampling

    workspace = Workspace.around()
    if history:
        _show_history(workspace, as_json)
        return
    name, question = split_words(workspace.store, words, model)
    sampling = Sampling(temperature, top_p, max_new_tokens, seed)
    talks = not question and not as_json and sys.stdin.isatty() and sys.stderr.isatty()
    _say_loading(_named(workspace, name, run, by_word=model is None))
    with workspace.talker(name, run, "base" if base else None, sampling) as talker:
        if talks:
            _talk(workspace, talker, system, load)
        else:
            _answer_all(workspace, talker, system, load, [question] if question else None, as_json)


def _named(workspace: Workspace, name: str | None, run: str | None, by_word: bool) -> Named:
    """The model that is meant; where a word says so and is none, it may have been a question's first."""
    from docutune.errors import DocutuneError

    try:
        return workspace.named(name, run)
    except DocutuneError as error:
        if by_word and name is not None and error.hint is not None:
            error.hint += "; or, if it is a question, put it in quotation marks"
        raise


def _talk(workspace: Workspace, talker: Talker, system: str, load: str | None) -> None:
    from docutune.cli.chat.terminal import Terminal

    code = Terminal(workspace, talker, system).run(load)
    if code:
        click.get_current_context().exit(code)


def _answer_all(
    workspace: Workspace, talker: Talker, system: str, load: str | None, given: list[str] | None, as_json: bool
) -> None:
    """One question, or those of standard input, each by itself unless they go on with a chat."""
    from contextlib import closing

    from docutune.chats.conversation import Conversation

    if load is not None:
        conversation = workspace.chats.resume(load, talker)
        conversation.system = system or conversation.system
    else:
        conversation = Conversation(workspace.store, talker, system, alone=given is None)
    with closing(conversation):
        for text in _lines() if given is None else given:
            _answer(conversation, text, as_json)


def _answer(conversation: Conversation, question: str, as_json: bool) -> None:
    from contextlib import closing

    with closing(conversation.ask(question)) as reply:
        if as_json:
            print_json({"question": question, "answer": "".join(reply)})
        elif sys.stdout.isatty():
            from docutune.cli.chat import render

            with render.writing() as write:
                for piece in filter(None, reply):
                    write(piece)
        else:
            for piece in reply:
                click.echo(piece, nl=False)
                sys.stdout.flush()
            click.echo()


def _lines() -> Iterable[str]:
    """Questions as they are piped in, or typed where the answers go elsewhere."""
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


def _say_loading(named: Named) -> None:
    """Loading takes a while: somebody who watches is told what is waited for."""
    if named.warning:
        click.echo(named.warning, err=True)
    if sys.stderr.isatty():
        click.echo(f"loading {named.name}: {named.origin}…", err=True)


def _show_history(workspace: Workspace, as_json: bool) -> None:
    from docutune.records import to_json

    exchanges = list(workspace.chats.exchanges())
    if as_json:
        print_json(to_json(exchanges))
        return
    for exchange in exchanges:
        click.echo(
            f"{exchange.time}  {exchange.model} ({exchange.variant})\n  > {exchange.question}\n  {exchange.answer}"
        )
