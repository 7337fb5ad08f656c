"""Answers that are being written for pages: each in a thread of its own, one at most per chat, kept however it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from docutune.chats.api import Chats
from docutune.chats.conversation import Answers, Conversation, Pieces, Talker
from docutune.chats.export import SUFFIXES, Form
from docutune.desk.roots import inside
from docutune.errors import UsageError
from docutune.records import Variant

EXPORTS = "exports/chats"
_QUIET_SECONDS = 1.0  # whoever follows may be gone: only here can they be ended
_CLOSE_SECONDS = 10.0  # a model that is in the middle of a step hears nothing until that is done


class Reply:
    """What a model says to one question, as far as it is written; any thread may read it.

    `chat` is "" until the chat's file stands; `place` tells which of its turns this is, from 0. `left_out` counts the
    oldest turns, which the model did not see. `error` is why it failed.
    """

    def __init__(self, model: str, question: str, chat: str, place: int) -> None:
        self.model = model
        self.question = question
        self.chat = chat
        self.place = place
        self.left_out = 0
        self.error: Exception | None = None
        self._said: dict[Variant, list[str]] = {}
        self._heard = 0
        self._news = threading.Condition()
        self._stopping = threading.Event()
        self._ended = threading.Event()

    @property
    def said(self) -> Mapping[Variant, str]:
        """Who has begun to answer, and the text so far."""
        with self._news:
            return {variant: "".join(pieces) for variant, pieces in self._said.items()}

    @property
    def stopping(self) -> bool:
        """Whether somebody stopped it."""
        return self._stopping.is_set()

    @property
    def ended(self) -> bool:
        """Whether it is over, and kept."""
        return self._ended.is_set()

    def stop(self) -> None:
        """End the generation: what was said so far is kept, marked as broken off."""
        self._stopping.set()

    def follow(self, seconds: float) -> Iterator[None]:
        """Come back for each new piece, that often at most, else about once a second, until the reply has ended."""
        while not self._ended.wait(seconds):
            known = self._heard
            yield
            self._wait_for_more_than(known)

    def write(self, conversation: Conversation, answers: Answers, done: Callable[[], None]) -> None:
        """In a thread of its own: have it written; `done` is called when others may go on with the chat."""
        try:
            with closing(conversation), closing(answers):
                for variant, piece in answers:
                    self._hear(conversation, variant, piece)
                    if self.stopping:
                        break
        except Exception as error:
            self.error = error
        finally:
            done()
            self._ended.set()
            with self._news:
                self._news.notify_all()

    def _wait_for_more_than(self, known: int) -> None:
        with self._news:
            self._news.wait_for(lambda: self._heard > known or self.ended, _QUIET_SECONDS)

    def _hear(self, conversation: Conversation, variant: Variant, piece: str) -> None:
        with self._news:
            if not self.chat and conversation.chat is not None:
                self.chat = conversation.chat.id
            self.left_out = conversation.left_out
            if piece or variant not in self._said:
                self._said.setdefault(variant, []).append(piece)
                self._heard += 1
                self._news.notify_all()


@dataclass
class Talks:
    """The answers under way in this process."""

    chats: Chats
    _replies: list[Reply] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def ask(self, talker: Talker, chat: str, question: str, system: str, both: bool = False) -> Reply:
        """Ask in a chat ("": a new one), with `both` the base and the tuned model at the same time.

        UsageError without a question, for a chat that is being answered, or with `both` for a base alone;
        DocutuneError where another process has the chat open.
        """
        if not question.strip():
            raise UsageError("the question is empty", "write one")
        with self._opened(talker, chat) as conversation:
            conversation.system = system
            if both:
                conversation.refuse_base_only()
                answers = conversation.ask_both(question)
            else:
                answers = _of(talker.variant, conversation.ask(question))
            reply = Reply(talker.model, question, chat, len(conversation.turns))
            return self._begin(reply, conversation, answers)

    def compare(self, talker: Talker, chat: str) -> Reply:
        """Let the other variant answer the last question of a chat that was answered. Errors as `ask`."""
        if not chat:
            raise UsageError("there is no answer yet", "ask something first")
        with self._opened(talker, chat) as conversation:
            conversation.refuse_base_only()
            last = conversation.last
            reply = Reply(talker.model, last.question, chat, conversation.turns.index(last))
            return self._begin(reply, conversation, _of(conversation.other, conversation.compare()))

    def under_way(self, chat: str) -> Reply | None:
        """The answer that is being written in a chat."""
        with self._lock:
            return next((reply for reply in self._replies if chat and reply.chat == chat), None)

    def export(self, chat: str, form: Form) -> tuple[str, int]:
        """Write a chat below exports/, in place of what was exported of it before.

        The file's path from the workspace's folder, and how many of its turns it lacks: see chats.export.
        """
        project = self.chats.store.folder.parent
        found = self.chats.show(chat)
        suffix = next(suffix for suffix, its in SUFFIXES.items() if its == form)
        folder = inside(project, EXPORTS)
        folder.mkdir(parents=True, exist_ok=True)
        missing = self.chats.write(found.id, folder / f"{found.id}{suffix}", force=True)
        return f"{EXPORTS}/{found.id}{suffix}", missing

    def close(self) -> None:
        """Stop all of them, and wait until what was said is kept: the server ends."""
        with self._lock:
            self._closed = True
            replies, threads = list(self._replies), list(self._threads)
        for reply in replies:
            reply.stop()
        for thread in threads:
            thread.join(_CLOSE_SECONDS)

    @contextmanager
    def _opened(self, talker: Talker, chat: str) -> Iterator[Conversation]:
        """A conversation that belongs to nobody else; closed where its answer does not begin."""
        if self.under_way(chat):
            raise UsageError(f"chat {chat} is being answered", "wait for the end of the answer, or stop it")
        chats = self.chats
        conversation = chats.resume(chat, talker) if chat else Conversation(chats.store, talker)
        try:
            yield conversation
        except BaseException:
            conversation.close()
            raise

    def _begin(self, reply: Reply, conversation: Conversation, answers: Answers) -> Reply:
        def done() -> None:
            with self._lock:
                self._replies.remove(reply)
                self._threads.remove(thread)

        run, given = reply.write, (conversation, answers, done)
        thread = threading.Thread(target=run, args=given, name="docutune-reply", daemon=True)
        with self._lock:
            if self._closed:
                raise UsageError("the server is ending", "start it again: docutune ui")
            self._replies.append(reply)
            self._threads.append(thread)
        thread.start()
        return reply


def _of(variant: Variant, pieces: Pieces) -> Answers:
    """The pieces of one variant."""
    with closing(pieces):
        for piece in pieces:
            yield variant, piece
