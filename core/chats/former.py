"""Questions and answers that the notebook kept before there were chats: they move into a chat, one way only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from docutune import atomic
from docutune.chats.files import FOLDER, line
from docutune.chats.index import enter
from docutune.chats.records import Chat, Reply, Turn, entries_of
from docutune.errors import DocutuneError
from docutune.notebook import Exchange, Notebook
from docutune.workspace import Store


def move(store: Store) -> Chat | None:
    """Move what the notebook still holds; where nothing may be written, give it as a chat instead."""
    notebook = Notebook(store)
    if not notebook.exchanges():
        return None
    try:
        with notebook.emptying() as exchanges:  # they go when their chat stands
            if exchanges:  # another docutune may have been faster
                _keep(store, exchanges)
    except DocutuneError:
        return _chat(f"{_stamp(notebook.exchanges())}-notebook", notebook.exchanges())
    return None


def _keep(store: Store, exchanges: Sequence[Exchange]) -> None:
    """After a kill before the notebook is emptied the next move finds the chat under its name, and writes it anew."""
    for name in _names(_stamp(exchanges)):
        content = b"".join(map(line, entries_of(_chat(name, exchanges))))
        path = store.folder / FOLDER / f"{name}.jsonl"
        if not path.exists() or content.startswith(path.read_bytes()):
            atomic.write_bytes(path, content)
            enter(store, [path])
            return


def _names(stamp: str) -> Iterator[str]:
    yield f"{stamp}-notebook"
    number = 2
    while True:
        yield f"{stamp}-notebook-{number}"
        number += 1


def _stamp(exchanges: Sequence[Exchange]) -> str:
    try:
        return datetime.fromisoformat(exchanges[0].time).strftime("%Y%m%d-%H%M%S")
    except (ValueError, IndexError):
        return "00000000-000000"


def _chat(name: str, exchanges: Sequence[Exchange]) -> Chat:
    turns = [
        Turn(item.time, item.question, reply=Reply(item.time, item.model, item.variant, item.answer))
        for item in exchanges
    ]
    return Chat(name, exchanges[0].time, tuple(turns), alone=True, changed=exchanges[-1].time)
