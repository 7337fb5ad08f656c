"""Chats that are kept: found, listed, gone on with, removed. What the notebook still holds moves here first."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from docutune.catalog import Catalog, ChatRow
from docutune.chats import files, former
from docutune.chats.conversation import Conversation, Talker
from docutune.chats.files import ChatFile, chat_file
from docutune.chats.index import Listing, listing
from docutune.chats.records import Chat, entries_of
from docutune.errors import DocutuneError, UsageError
from docutune.notebook import Exchange
from docutune.workspace import Store

_NEWEST = 30


def list_chats(store: Store) -> Listing:
    """Every chat, the one that changed last at the head."""
    unmoved = former.move(store)
    found = listing(store)
    if unmoved is None:
        return found
    turns, models = len(unmoved.turns), ", ".join(unmoved.models)
    row = ChatRow(unmoved.id, unmoved.started, unmoved.changed, unmoved.title, turns, models, 0)
    return replace(found, rows=(*found.rows, row))


def find(store: Store, name: str) -> Chat:
    """A chat by its name; see files.chat_file."""
    unmoved = former.move(store)
    if unmoved is not None and name and unmoved.id.startswith(name):
        return unmoved
    return files.read(chat_file(store, name))


def exchanges(store: Store) -> list[Exchange]:
    """Every question that was answered, of all chats that can be read, oldest first."""
    unmoved = former.move(store)
    chats = [unmoved] if unmoved is not None else []
    for path in files.chat_files(store):
        chats.append(files.read(path))
    found = [
        Exchange(turn.time, turn.reply.model, turn.reply.variant, turn.question, turn.reply.text)
        for chat in chats
        for turn in chat.turns
        if turn.reply is not None
    ]
    return sorted(found, key=lambda item: item.time)


def questions(store: Store) -> list[str]:
    """What was asked in the newest chats, the last question at the end; of a damaged chat `list_chats` tells."""
    found: list[str] = []
    for path in files.chat_files(store)[-_NEWEST:]:
        with suppress(DocutuneError):
            found += [turn.question for turn in files.read(path).turns]
    return found


def remove(store: Store, name: str) -> str:
    """Remove a chat's file and its entry in the catalog; its id."""
    former.move(store)
    file = ChatFile.open(chat_file(store, name))
    file.remove()
    Catalog(store).forget_chats([file.path.stem])
    return file.path.stem


def resume(store: Store, name: str, talker: Talker) -> Conversation:
    """Go on with a chat; see api.Chats.resume."""
    former.move(store)
    file = ChatFile.open(chat_file(store, name))
    try:
        chat = files.read(file.path)
        if chat.alone and len(chat.turns) > 1:
            raise UsageError(
                f"the questions of chat {chat.id} were each asked alone: there is nothing to go on with",
                f"docutune chats show {chat.id} shows them",
            )
        return Conversation.resumed(store, talker, file, list(entries_of(chat)))
    except DocutuneError:
        file.close()
        raise
