"""The chats that are kept: listed by pages, opened, exported, deleted."""

from __future__ import annotations

import functools
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import gradio as gr

from docutune.errors import UsageError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.catalog import ChatRow
    from docutune.chats.export import Form
    from docutune.chats.index import Listing

_PAGE = 10
_TITLE = 70  # characters


class Kept:
    """The list and what may be done with the chat that is open."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.new = gr.Button(words("chat_new"), elem_id="chat-new")
        self.list = gr.Radio(label=words("chat_list"), visible=False, elem_id="chat-list")
        with gr.Row(visible=False, elem_classes=["pages"]) as self.pager:
            self.newer = gr.Button(words("chat_newer"), size="sm", min_width=90)
            self.older = gr.Button(words("chat_older"), size="sm", min_width=90)
        self.notes = gr.HTML(elem_id="chat-notes", padding=False)
        with gr.Row():
            self.markdown = gr.Button(words("chat_export_markdown"), size="sm", min_width=80)
            self.messages = gr.Button(words("chat_export_messages"), size="sm", min_width=80)
            self.delete = gr.Button(words("chat_delete"), size="sm", min_width=80, elem_id="chat-delete")
        self.message = gr.HTML(elem_id="chat-kept-message", padding=False)
        with gr.Row(visible=False) as self.doubt:
            self.sure = gr.Button(
                words("chat_delete_sure"), size="sm", variant="stop", min_width=90, elem_id="chat-delete-sure"
            )
            self.keep = gr.Button(words("chat_delete_keep"), size="sm", min_width=90)
        self._page: gr.State = gr.State(0)

    def follow(self, chat: gr.State) -> None:
        """Let the components do something with the chat that is open, and follow what is kept."""
        room, asked = self._room, [self.message, self.doubt]
        room.on(self.markdown.click, room.handled(lambda name: self._export(name, "markdown")), chat, self.message)
        room.on(self.messages.click, room.handled(lambda name: self._export(name, "messages")), chat, self.message)
        room.on(self.delete.click, room.handled(self._ask, 1), chat, asked)
        room.on(self.keep.click, lambda: ("", gr.update(visible=False)), None, asked, show_progress="hidden")
        seen: gr.State = gr.State(None)
        listed = [seen, self.list, self.pager, self.newer, self.older, self.notes]
        for button, step in ((self.newer, -1), (self.older, 1)):
            turned = room.on(button.click, functools.partial(self._turned, step), self._page, self._page)
            turned.then(self._look, [chat, self._page, seen], listed, show_progress="hidden", api_visibility="private")
        room.quietly(self._look, [chat, self._page, seen], listed)

    def remove(self, name: str) -> str:
        """Delete a chat; what to say of it."""
        chats = self._room.workspace.chats
        if self._room.workspace.desk.talks.under_way(name):
            raise UsageError(f"chat {name} is being answered", "wait for the end of the answer, or stop it")
        return show.good(self._room.words("chat_deleted", chat=chats.remove(name)))

    def _turned(self, step: int, page: int) -> int:
        """The page before or behind; of those there are, for chats come and go."""
        last = max(0, (len(self._room.workspace.chats.list().rows) - 1) // _PAGE)
        return min(max(0, page + step), last)

    def _look(self, chat: str, page: int, seen: Any) -> tuple[Any, ...]:
        try:
            found = self._room.workspace.chats.list()
        except Exception as error:
            return (None, *(gr.skip() for _ in range(4)), self._room.mistake(error))
        sign = (found, chat, page)
        return tuple(gr.skip() for _ in range(6)) if sign == seen else (sign, *self._listed(found, chat, page))

    def _listed(self, found: Listing, chat: str, page: int) -> tuple[Any, ...]:
        words, last = self._room.words, max(0, (len(found.rows) - 1) // _PAGE)
        page = min(page, last)
        rows = found.rows[page * _PAGE : (page + 1) * _PAGE]
        choices = [(self._told(row), row.id) for row in rows]
        here = chat if chat in [row.id for row in rows] else None
        notes = [show.bad(note) for note in found.notes]
        if not found.rows:
            notes.insert(0, show.to_do(words("chat_none_kept")))
        return (
            gr.update(choices=choices, value=here, visible=bool(rows)),
            gr.update(visible=last > 0),
            gr.update(interactive=page > 0),
            gr.update(interactive=page < last),
            "".join(notes),
        )

    def _told(self, row: ChatRow) -> str:
        title = row.title if len(row.title) <= _TITLE else f"{row.title[: _TITLE - 1]}…"
        changed = datetime.fromisoformat(row.changed).astimezone()
        return "\n".join((title, " · ".join(filter(None, (f"{changed:%Y-%m-%d %H:%M}", row.models)))))

    def _ask(self, name: str) -> tuple[str, Any]:
        chat = self._room.workspace.chats.show(self._open(name))
        told = show.to_do(self._room.words("chat_delete_ask", chat=chat.id, title=chat.title))
        return told, gr.update(visible=True)

    def _export(self, name: str, form: Form) -> str:
        words, workspace = self._room.words, self._room.workspace
        file, missing = workspace.desk.talks.export(self._open(name), form)
        address = f"/{words.language}/gradio_api/file={quote(str(workspace.project.resolve() / file))}"
        link = f'<a href="{escape(address)}" download>{escape(file)}</a>'
        told = show.to_do(words("chat_lacking", count=missing)) if missing else ""
        return f'<div class="box good" role="status">{escape(words("chat_exported"))} {link}</div>{told}'

    def _open(self, name: str) -> str:
        if not name:
            raise UsageError(self._room.words("chat_none_open"), self._room.words("chat_open_hint"))
        return name
