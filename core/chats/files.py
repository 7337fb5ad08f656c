"""The files below .docutune/chats/: a chat each, one entry a line, which only its end is added to."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from docutune import atomic
from docutune.chats.records import VERSION, Chat, Entry, told
from docutune.errors import DocutuneError, UsageError
from docutune.interrupts import undisturbed
from docutune.records import from_json, to_json
from docutune.workspace import Store

FOLDER = "chats"
_NAME = re.compile(r"\d{8}-\d{6}(-\d+|-notebook(-\d+)?)?\.jsonl")
_LIST = "docutune chats list shows those there are"


def chat_files(store: Store) -> list[Path]:
    """The files of all chats, the one that was begun first at the head; those that a kill left empty are none."""
    folder = store.folder / FOLDER
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.stat().st_size > 0)
    return sorted(found, key=_order)


def _order(path: Path) -> tuple[str, int, str]:
    stamp, rest = path.stem[:15], path.stem[16:]
    return stamp, int(rest) if rest.isdigit() else 1, rest


def chat_file(store: Store, name: str) -> Path:
    """The file of a chat: its id, the first characters of it where no other begins so, or `latest`. Else UsageError."""
    files = chat_files(store)
    if not files:
        raise UsageError(f"{store.folder}: there is no chat yet", "docutune chat begins one")
    if name == "latest":
        return max(files, key=lambda path: path.stat().st_mtime_ns)
    exact = [path for path in files if path.stem == name]
    found = exact or [path for path in files if name and path.stem.startswith(name)]
    if not found:
        raise UsageError(f"there is no chat {name!r}", _LIST)
    if len(found) > 1:
        raise UsageError(f"{name!r} may be any of {', '.join(path.stem for path in found[:5])}", "name one of them")
    return found[0]


def read(path: Path) -> Chat:
    """The chat in a file. A last line that a kill tore is as good as none; DocutuneError for any other damage."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DocutuneError(f"{path}: cannot be read: {error.strerror or error}", _LIST) from error
    return told(path.stem, _entries(path, content[: content.rfind(b"\n") + 1]))


def _entries(path: Path, content: bytes) -> Sequence[Entry]:
    entries = [_entry(path, number, line) for number, line in enumerate(content.splitlines(), start=1)]
    if not entries or entries[0].kind != "opened":
        raise DocutuneError(f"{path}: no chat: its first line does not say so", "move the file away")
    if entries[0].version != VERSION:
        raise DocutuneError(
            f"{path}: written by another version of docutune (chats {entries[0].version}, here {VERSION})",
            "read it with that version",
        )
    return entries


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        return from_json(Entry, json.loads(line))
    except ValueError as error:
        raise DocutuneError(f"{path}:{number}: no line of a chat: {error}", "mend it, or move the file away") from error


def line(entry: Entry) -> bytes:
    """An entry as a line of a file."""
    return json.dumps(to_json(entry), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


class ChatFile:
    """The file of one chat that this process alone adds to, until `close`; another process may read it meanwhile."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def create(cls, store: Store, opened: Entry) -> ChatFile:
        """A new chat, named by the time of its first entry, which stands in it when this returns."""
        store.create()
        folder = store.folder / FOLDER
        with atomic.writing(folder):
            atomic.make_folder(folder)
            for path in _names(folder, opened.time):
                try:
                    file = cls(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
                except FileExistsError:
                    continue
                file._take()
                file.append(opened)
                atomic.sync_folder(folder)
                return file
        raise AssertionError("names do not end")

    @classmethod
    def open(cls, path: Path) -> ChatFile:
        """A chat to go on with; DocutuneError when another docutune has it open."""
        with atomic.writing(path):
            file = cls(path, os.open(path, os.O_RDWR))
        file._take()
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):  # torn by a kill: what comes next begins on a line of its own
            with atomic.writing(path):
                os.ftruncate(file._descriptor, whole)
        return file

    def append(self, *entries: Entry) -> None:
        """Add entries, which are on the disk when this returns; no Ctrl-C comes between."""
        with undisturbed():
            atomic.append(self.path, b"".join(map(line, entries)), durable=True)

    def remove(self) -> None:
        """Remove the chat."""
        with atomic.writing(self.path):
            self.path.unlink(missing_ok=True)
            atomic.sync_folder(self.path.parent)
        self.close()

    def close(self) -> None:
        """Let others go on with the chat."""
        os.close(self._descriptor)

    def _take(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise DocutuneError(
                f"chat {self.path.stem} is open in another docutune", "leave it there first, or begin a new one"
            ) from None


def _names(folder: Path, time: str) -> Iterator[Path]:
    stamp = datetime.fromisoformat(time).strftime("%Y%m%d-%H%M%S")
    numbers = itertools.count(1)
    return (folder / f"{stamp}{f'-{number}' if number > 1 else ''}.jsonl" for number in numbers)
