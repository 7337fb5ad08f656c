"""A conversation on a terminal: questions and commands are typed, answers appear as they are written."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

import click

from docutune import interrupts
from docutune.chats.conversation import Conversation, Talker
from docutune.chats.records import speaker
from docutune.cli.chat import commands, render
from docutune.cli.chat.typed import Ended, Interrupted, meant, prompter
from docutune.errors import EXIT_INTERRUPTED, DocutuneError

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from docutune.api import Workspace

_PROMPT = "> "


class Terminal:
    """One person at one terminal; `system` is the system prompt that a new chat begins with."""

    def __init__(self, workspace: Workspace, talker: Talker, system: str) -> None:
        self.workspace = workspace
        self.talker = talker
        self.system = system
        self.conversation = Conversation(workspace.store, talker, system)
        self._told_left_out = 0

    def run(self, load: str | None) -> int:
        """Until somebody leaves; the exit code."""
        try:
            if load is not None:
                commands.load(self, load)
            self.say(f"{speaker(self.talker.model, self.talker.variant)}: /help shows what may be typed, Ctrl-D leaves")
            return self._converse(prompter(self.workspace.chats.questions(), sorted(commands.COMMANDS)))
        finally:
            self.conversation.close()

    def _converse(self, session: PromptSession[str]) -> int:
        leaving = False
        while True:
            try:
                text = session.prompt(_PROMPT)
            except Ended:
                return 0
            except Interrupted:
                if leaving:
                    return EXIT_INTERRUPTED
                leaving = True
                self.say("Ctrl-C again leaves, as do Ctrl-D and /exit")
                continue
            leaving = False
            try:
                self._turn(text)
            except commands.Leave:
                return 0

    def _turn(self, text: str) -> None:
        """Do what was typed; a failure is told, and the conversation goes on."""
        try:
            with interrupts.breaking_off():
                if text.startswith("/"):
                    commands.run(self, text)
                elif text.strip():
                    self._ask(meant(text))
        except DocutuneError as error:
            self.say(f"error: {error}")
        except (KeyboardInterrupt, click.Abort):
            if interrupts.stopped():
                raise
            self.say("\nbroken off")

    def _ask(self, question: str) -> None:
        if not question.strip():
            return
        self.show(self.conversation.ask(question))
        reply = self.conversation.last.reply
        if reply is not None and reply.end == "cut":
            self.say(f"cut off at {self.talker.sampling.max_new_tokens} tokens: --max-new-tokens allows more")
        left_out = self.conversation.left_out
        if left_out and not self._told_left_out:
            self.say("the conversation has grown beyond the model's length: it no longer sees the oldest questions")
        self._told_left_out = left_out

    def show(self, pieces: Generator[str, None, None]) -> None:
        """An answer, as it is written."""
        with closing(pieces) as reply, render.writing() as write:
            for piece in filter(None, reply):
                write(piece)

    def say(self, text: str) -> None:
        """A word of our own, beside the answers."""
        click.echo(text, err=True)

    def begin(self, conversation: Conversation) -> None:
        """Leave this chat for another one."""
        self.conversation.close()
        self.conversation = conversation
        self._told_left_out = 0
