"""The list of chats: from the catalog where that is up to date, else from their files, which are the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docutune.catalog import Catalog, ChatRow
from docutune.chats.files import chat_files, read
from docutune.chats.records import Chat
from docutune.errors import DocutuneError
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Listing:
    """The chats, the one that changed last at the head; `notes` name files that cannot be read, and why."""

    rows: tuple[ChatRow, ...]
    notes: tuple[str, ...] = ()


def listing(store: Store) -> Listing:
    """Every chat; nothing is written."""
    known = {row.id: row for row in Catalog(store).chats()}
    rows, notes = [], []
    for path in chat_files(store):
        row = known.get(path.stem)
        if row is not None and row.bytes == path.stat().st_size:
            rows.append(row)
            continue
        try:
            rows.append(_row(path, read(path)))
        except DocutuneError as error:
            notes.append(error.message)
    return Listing(tuple(sorted(rows, key=lambda row: (row.changed, row.id), reverse=True)), tuple(notes))


def enter(store: Store, paths: Sequence[Path]) -> None:
    """Enter chats into the catalog as their files stand."""
    Catalog(store).record_chats([_row(path, read(path)) for path in paths])


def rebuild(store: Store) -> int:
    """Enter every chat that can be read, and no other; their number."""
    found = listing(store).rows
    catalog = Catalog(store)
    catalog.forget_chats({row.id for row in catalog.chats()} - {row.id for row in found})
    catalog.record_chats(found)
    return len(found)


def _row(path: Path, chat: Chat) -> ChatRow:
    size = path.stat().st_size
    return ChatRow(chat.id, chat.started, chat.changed, chat.title, len(chat.answered), ", ".join(chat.models), size)
