"""What may be typed in a conversation besides questions: /help and the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docutune.chats.conversation import Conversation
from docutune.chats.records import speaker
from docutune.cli.confirm import confirm
from docutune.errors import UsageError
from docutune.suggestions import did_you_mean

if TYPE_CHECKING:
    from docutune.chats.learning import Learning
    from docutune.cli.chat.terminal import Terminal

PIPELINE_FILE = "pipeline.yaml"
_LISTED = 10
_NOTHING = '""'


class Leave(Exception):
    """The user wants to go."""


class Command(NamedTuple):
    """What it does, given what stands behind its name; `takes` and `summary` are for /help."""

    do: Callable[[Terminal, str], None]
    takes: str
    summary: str


def run(terminal: Terminal, text: str) -> None:
    """Do a command; UsageError for one that is none."""
    name, _, rest = text.strip().partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(
            f"no command {name!r}{did_you_mean(name, COMMANDS)}", "/help lists them; a question may begin with a space"
        )
    rest = rest.strip()
    if command.takes and not command.takes.startswith("[") and not rest:
        raise UsageError(f"{name} needs {command.takes}", command.summary)
    if not command.takes and rest:
        raise UsageError(f"{name} takes nothing behind it", command.summary)
    command.do(terminal, rest)


def show_help(terminal: Terminal, _: str) -> None:
    """All commands, and how to type."""
    left = [f"{name} {command.takes}".strip() for name, command in COMMANDS.items()]
    width = max(map(len, left))
    for name, command in zip(left, COMMANDS.values(), strict=True):
        terminal.say(f"{name:<{width}}  {command.summary}")
    terminal.say(
        'several lines: paste them, end a line with a backslash, or write """ before and after\n'
        "Ctrl-C stops a reply; arrow keys bring back what was asked"
    )


def save(terminal: Terminal, rest: str) -> None:
    """Write the chat into a file."""
    from docutune.chats.export import write
    from docutune.cli.chat.kept import lacking

    chat = terminal.conversation.chat
    if chat is None:
        raise UsageError("there is nothing to save yet", "ask something first")
    file = Path(rest).expanduser()
    missing = write(chat, file)
    terminal.say(f"wrote {file}{f'; left out: {lacking(missing)}' if missing else ''}")


def system(terminal: Terminal, rest: str) -> None:
    """Set, show or take away the system prompt."""
    conversation = terminal.conversation
    if rest:
        conversation.system = "" if rest == _NOTHING else rest
    terminal.say(f"system prompt: {conversation.system or 'none'}")


def compare(terminal: Terminal, rest: str) -> None:
    """The other variant's answer to the last question, then the one that was given."""
    if rest not in ("", "base"):
        raise UsageError(f"/compare compares with the base, not with {rest!r}", "/compare base")
    conversation, name = terminal.conversation, terminal.talker.model
    last = conversation.last
    conversation.refuse_base_only()
    answers = {last.reply.variant: last.reply.text} if last.reply else {}
    for variant in ("base", "tuned"):
        terminal.say(f"── {speaker(name, variant)}{' (as above)' if variant in answers else ''} ──")
        if variant in answers:
            terminal.show(piece for piece in [answers[variant]])
        else:
            terminal.show(conversation.compare())


def good(terminal: Terminal, _: str) -> None:
    """Make a sample of the last answer."""
    learning = _learning(terminal)
    turn = terminal.conversation.last
    complaint = learning.complaint(turn)
    if complaint is not None and not confirm(f"{complaint}. Add it all the same?", default=False):
        return
    line = learning.add(turn)
    target = os.path.relpath(learning.adding.target)
    terminal.say(f"added: {target}:{line}")
    if len(terminal.conversation.turns) > 1:
        terminal.say("the sample is this question and its answer alone, without what was said before")
    if missing := learning.adding.unlisted():
        terminal.say(f"the pipeline does not read {target} yet; write in its file:")
        for text in missing:
            terminal.say(text)


def bad(terminal: Terminal, rest: str) -> None:
    """Rate the last answer as bad."""
    _learning(terminal).reject(terminal.conversation.last, rest)
    terminal.say("rated bad; docutune dataset rate --export FILE writes all ratings")


def _learning(terminal: Terminal) -> Learning:
    workspace = terminal.workspace
    return workspace.chats.learning(workspace.project / PIPELINE_FILE)


def new(terminal: Terminal, _: str) -> None:
    """Begin another chat."""
    terminal.begin(Conversation(terminal.workspace.store, terminal.talker, terminal.system))
    terminal.say("a new chat; the one before is kept")


def sessions(terminal: Terminal, _: str) -> None:
    """The chats that changed last."""
    from docutune.cli.chat.kept import listed

    found = terminal.workspace.chats.list()
    for note in found.notes:
        terminal.say(note)
    for line in listed(found.rows[:_LISTED]) or ["no chat yet"]:
        terminal.say(line)
    if len(found.rows) > _LISTED:
        terminal.say(f"and {len(found.rows) - _LISTED:,} older ones: docutune chats list")


def load(terminal: Terminal, rest: str) -> None:
    """Go on with a chat."""
    now = terminal.conversation.chat
    if now is not None and now.id == terminal.workspace.chats.show(rest).id:
        raise UsageError(f"this is chat {now.id} already", "/sessions shows the others")
    conversation = terminal.workspace.chats.resume(rest, terminal.talker)
    terminal.begin(conversation)
    turns = conversation.turns
    terminal.say(f"chat {conversation.chat.id if conversation.chat else rest}: {len(turns):,} questions so far")
    if turns and (last := turns[-1]).reply is not None:
        terminal.say(f"> {last.question}")
        terminal.show(piece for piece in [last.reply.text])


def leave(terminal: Terminal, _: str) -> None:
    """Go."""
    raise Leave


COMMANDS: Mapping[str, Command] = {
    "/help": Command(show_help, "", "show this"),
    "/new": Command(new, "", "begin another chat"),
    "/sessions": Command(sessions, "", "list the chats that changed last"),
    "/load": Command(load, "CHAT", "go on with a chat: its id, the first digits of it, or latest"),
    "/save": Command(save, "FILE", "write this chat into a file, .md or .jsonl"),
    "/system": Command(system, "[TEXT]", f"set the system prompt from here on, or show it; {_NOTHING} takes it away"),
    "/compare": Command(compare, "[base]", "the last question answered by base and tuned, one under the other"),
    "/good": Command(good, "", "make a training sample of the last answer"),
    "/bad": Command(bad, "REASON", "rate the last answer as bad"),
    "/exit": Command(leave, "", "leave; Ctrl-D does, too"),
}
"""In the order of /help."""
