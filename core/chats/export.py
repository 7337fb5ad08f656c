"""A chat for people (Markdown), and for programs and trainings (a line of messages, as samples have them)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from docutune import atomic
from docutune.chats.records import Chat, Reply, Turn, conversation, speaker
from docutune.errors import UsageError
from docutune.records import to_json

Form: TypeAlias = Literal["markdown", "messages"]
SUFFIXES: dict[str, Form] = {".md": "markdown", ".jsonl": "messages"}


def form_of(file: Path) -> Form:
    """The form that a file's name asks for; UsageError for other names."""
    form = SUFFIXES.get(file.suffix.lower())
    if form is None:
        raise UsageError(f"{file}: neither Markdown nor messages", f"end it in {' or '.join(SUFFIXES)}")
    return form


def exported(chat: Chat, form: Form) -> str:
    """The chat as text. As messages: one line, of the turns that were answered to the end; of `alone` a line each."""
    return "".join(_markdown(chat)) if form == "markdown" else "".join(_messages(chat))


def not_exported(chat: Chat, form: Form) -> int:
    """How many turns stand in no line of messages: they were broken off or got no answer."""
    return sum(not _is_whole(turn) for turn in chat.turns) if form == "messages" else 0


def write(chat: Chat, file: Path, force: bool = False) -> int:
    """Write a chat in the form that the file's name asks for; how many turns it lacks.

    UsageError when the file is there already and not `force`.
    """
    form = form_of(file)
    if file.is_dir() or (file.exists() and not force):
        raise UsageError(f"{file} is there already", "name another file")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"{file}: no such folder: {file.parent}", "make it first, or name another file")
    atomic.write_text(file, exported(chat, form))
    return not_exported(chat, form)


def _is_whole(turn: Turn) -> bool:
    return turn.reply is not None and turn.reply.end == "whole"


def _messages(chat: Chat) -> Iterator[str]:
    whole = [turn for turn in chat.turns if _is_whole(turn)]
    for turns in [[turn] for turn in whole] if chat.alone else [whole]:
        if turns:
            messages = conversation(turns[-1].system, turns)
            yield json.dumps({"messages": to_json(messages)}, ensure_ascii=False) + "\n"


def _markdown(chat: Chat) -> Iterator[str]:
    yield f"# {chat.title or chat.id}\n\n{chat.started} · {', '.join(chat.models) or 'no answer'} · chat {chat.id}\n"
    system = ""
    for turn in chat.turns:
        if turn.system != system:
            yield f"\n## System prompt\n\n{turn.system or '(none)'}\n"
            system = turn.system
        yield f"\n## Question\n\n{turn.question}\n"
        if turn.reply is not None:
            yield from _reply(turn.reply)
        for other in turn.others:
            yield from _reply(other)
        if turn.reply is None:
            yield f"\n*No answer{f': {turn.failure}' if turn.failure else ''}*\n"


def _reply(reply: Reply) -> Iterator[str]:
    yield f"\n## {speaker(reply.model, reply.variant)}\n\n{reply.text}\n"
    if reply.end != "whole":
        yield f"\n*{reply.end.capitalize()} here.*\n"
