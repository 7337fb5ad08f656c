"""A chat that goes on: questions to a loaded model, every turn kept as soon as it is whole."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from docutune.chats.files import ChatFile
from docutune.chats.index import enter
from docutune.chats.records import VERSION, Chat, End, Entry, Kind, Reply, Turn, answer, conversation, told
from docutune.contracts import Session
from docutune.errors import DocutuneError, TooLong, UsageError
from docutune.records import GREEDY, Sampling, Streamed, Variant
from docutune.runlog import now
from docutune.workspace import Store

_TUNED = "chat with a model that was trained on it: docutune models list"
Pieces: TypeAlias = Generator[str, None, None]
Answers: TypeAlias = Generator[tuple[Variant, str], None, None]
Stream: TypeAlias = Generator[str, None, Streamed | None]


@dataclass(frozen=True, slots=True)
class Talker:
    """Who answers, and how: a loaded model under the name that chats keep of it; `base_only`: nothing was trained."""

    session: Session
    model: str
    variant: Variant = "tuned"
    sampling: Sampling = GREEDY
    base_only: bool = False


@dataclass
class Conversation:
    """One chat in which `talker` answers; its file appears with the first question. For one thread at a time.

    `system` is the system prompt of the next question. `left_out` counts the oldest answered turns that the model no
    longer sees, for the conversation has grown beyond its length. `alone`: a new chat whose questions are asked without
    those before them.
    """

    store: Store
    talker: Talker
    system: str = ""
    alone: bool = False
    left_out: int = 0
    _file: ChatFile | None = None
    _entries: list[Entry] = field(default_factory=list)

    @classmethod
    def resumed(cls, store: Store, talker: Talker, file: ChatFile, entries: Sequence[Entry]) -> Conversation:
        """Go on with a chat that is kept; its file is closed with the conversation."""
        chat = told(file.path.stem, entries)
        return cls(store, talker, chat.system, chat.alone, _file=file, _entries=list(entries))

    @property
    def chat(self) -> Chat | None:
        """The chat so far; None before the first question."""
        return told(self._file.path.stem, self._entries) if self._file is not None else None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns so far."""
        return self.chat.turns if self.chat is not None else ()

    @property
    def last(self) -> Turn:
        """The newest turn that was answered; UsageError when there is none."""
        for turn in reversed(self.turns):
            if turn.reply is not None:
                return turn
        raise UsageError("there is no answer yet", "ask something first")

    def ask(self, question: str) -> Pieces:
        """The answer, piece by piece. It is kept when it ends; closed before, it is kept as broken off.

        The first piece is "", when the question is kept; "" may come again while there is nothing to show yet. Where
        it fails, the reason is kept, and the model never sees that question again.
        """
        question = _storable(question)
        before = self._asked(question)
        yield from self._answered("answer", self.talker.variant, self.system, before, question)

    def ask_both(self, question: str) -> Answers:
        """The answers of both variants to one question, each piece with its variant, both at the same time.

        All else as `ask`; the other variant's answer is kept as a comparison. UsageError for a base alone.
        """
        self.refuse_base_only()
        question, own = _storable(question), self.talker.variant
        before = self._asked(question)
        answer = self._answered("answer", own, self.system, before, question)
        comparison = self._answered("comparison", self.other, self.system, before, question)
        with closing(answer), closing(comparison):
            yield from _in_turn({own: answer, self.other: comparison})

    def compare(self) -> Pieces:
        """The other variant's answer to the last question that was answered, likewise; UsageError for a base alone."""
        last = self.last
        self.refuse_base_only()
        before = () if self.alone else self.turns[: self.turns.index(last)]
        yield from self._answered("comparison", self.other, last.system, before, last.question)

    def refuse_base_only(self) -> None:
        """UsageError when there is nothing to compare with."""
        if self.talker.base_only:
            raise UsageError(f"{self.talker.model} is a base model: there is nothing to compare it with", _TUNED)

    @property
    def other(self) -> Variant:
        """The variant that does not answer."""
        return "base" if self.talker.variant == "tuned" else "tuned"

    def close(self) -> None:
        """Let others go on with the chat. Safe to call twice."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _asked(self, question: str) -> Sequence[Turn]:
        """Keep a question; the turns before it that the model is to see."""
        before = () if self.alone else self.turns
        self._add(*self._beginning(), Entry(now(), "question", question))
        return before

    def _beginning(self) -> list[Entry]:
        """What stands before a question whose system prompt is a new one."""
        known = self.chat.system if self.chat is not None else ""
        self.system = _storable(self.system)
        return [Entry(now(), "system", self.system)] if self.system != known else []

    def _add(self, *entries: Entry) -> None:
        if self._file is None:
            opened = Entry(now(), "opened", alone=self.alone, version=VERSION)
            self._file = ChatFile.create(self.store, opened)
            self._entries.append(opened)
        self._file.append(*entries)
        self._entries += entries

    def _answered(self, kind: Kind, variant: Variant, system: str, before: Sequence[Turn], question: str) -> Pieces:
        pieces: list[str] = []
        end: End = "broken off"  # by Ctrl-C, or by whoever listened and left
        try:
            yield ""
            with closing(self._stream(variant, system, before, question)) as stream:
                streamed = yield from _each(stream, pieces)
            end = "whole" if streamed is None or streamed.ended else "cut"
        except Exception as error:
            if kind == "answer":  # a comparison that failed leaves the answer as it is
                self._add(Entry(now(), "failure", error.message if isinstance(error, DocutuneError) else repr(error)))
            raise
        except BaseException:
            self._keep(kind, variant, pieces, end)
            raise
        self._keep(kind, variant, pieces, end)

    def _keep(self, kind: Kind, variant: Variant, pieces: Sequence[str], end: End) -> None:
        reply = Reply(now(), self.talker.model, variant, _storable("".join(pieces)), end)
        self._add(answer(kind, reply))
        assert self._file is not None
        with suppress(DocutuneError):  # the answer is kept; a list reads files that the catalog does not have right
            enter(self.store, [self._file.path])

    def _stream(self, variant: Variant, system: str, before: Sequence[Turn], question: str) -> Stream:
        """The reply to what fits into the model: of the turns before the question the oldest are left out first."""
        seen = [turn for turn in before if turn.reply is not None][self.left_out :]
        while True:
            pieces: list[str] = []
            messages = conversation(system, seen, question)
            try:
                with closing(self.talker.session.stream(messages, variant, self.talker.sampling)) as stream:
                    return (yield from _each(stream, pieces))
            except TooLong as error:
                if pieces or not seen:
                    raise
                dropped = _too_many(error, seen, len(system) + len(question))
                seen = seen[dropped:]
                self.left_out += dropped


def _each(stream: Stream, pieces: list[str]) -> Stream:
    """The pieces of a reply, those that hold something noted in `pieces` before anybody sees them.

    "" is passed on: only between two pieces can whoever listens leave.
    """
    while True:
        try:
            piece = next(stream)
        except StopIteration as stop:
            return stop.value if isinstance(stop.value, Streamed) else None
        if piece:
            pieces.append(piece)
        yield piece


def _in_turn(answers: Mapping[Variant, Pieces]) -> Answers:
    """A piece of each in turn, until all have ended."""
    going = dict(answers)
    while going:
        for variant, pieces in list(going.items()):
            piece = next(pieces, None)
            if piece is None:
                del going[variant]
            else:
                yield variant, piece


def _too_many(error: TooLong, seen: Sequence[Turn], rest: int) -> int:
    """How many of the oldest turns stand for what is too long, at least one; a turn's tokens go by its characters."""
    sizes = [len(turn.question) + len(turn.reply.text if turn.reply else "") for turn in seen]
    excess = (sum(sizes) + rest) * max(0, error.tokens - error.limit) / max(1, error.tokens)
    dropped = 0
    while dropped < len(sizes) and (dropped == 0 or sum(sizes[:dropped]) < excess):
        dropped += 1
    return dropped


def _storable(text: str) -> str:
    """Without halves of characters, which a terminal may give and no file or socket takes."""
    return text.encode("utf-8", "replace").decode()
