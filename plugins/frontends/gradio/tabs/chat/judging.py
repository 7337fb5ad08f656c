"""What is learned of the last answer: a good one becomes a training sample, a bad one is rated so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import UsageError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.chats.learning import Learning
    from docutune.chats.records import Chat, Turn


class Judging:
    """Two buttons below the last answer, and the question whether a doubtful sample is wanted all the same."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        with gr.Row(elem_id="chat-judging"):
            self.good = gr.Button(words("chat_good"), size="sm", scale=1, min_width=150, elem_id="chat-good")
            self.reason = gr.Textbox(
                value="",
                label=words("chat_reason"),
                placeholder=words("chat_reason"),
                show_label=False,
                container=False,
                scale=3,
                min_width=200,
                elem_id="chat-reason",
            )
            self.bad = gr.Button(words("chat_bad"), size="sm", scale=1, min_width=110, elem_id="chat-bad")
        with gr.Row(visible=False) as self.doubt:
            self.anyway = gr.Button(words("chat_anyway"), size="sm", elem_classes=["narrow"])
            self.leave = gr.Button(words("chat_leave"), size="sm", elem_classes=["narrow"])
        self.message = gr.HTML(elem_id="chat-judged", padding=False)

    def follow(self, chat: gr.State) -> None:
        """Let the buttons do something, to the last answer of a chat."""
        room, both = self._room, [self.message, self.doubt]
        room.on(self.good.click, room.handled(lambda name: self._add(name, False), 1), chat, both)
        room.on(self.anyway.click, room.handled(lambda name: self._add(name, True), 1), chat, both)
        room.on(self.leave.click, lambda: ("", gr.update(visible=False)), None, both, show_progress="hidden")
        room.on(self.bad.click, room.handled(self._reject, 1), [chat, self.reason], [self.message, self.reason])

    def _add(self, name: str, anyway: bool) -> tuple[str, Any]:
        chat, turn = self._last(name)
        learning = self._learning()
        complaint = None if anyway else learning.complaint(turn)
        if complaint is not None:
            return show.to_do(self._room.words("chat_doubt", complaint=complaint)), gr.update(visible=True)
        line = learning.add(turn)
        return self._added(learning, line, len(chat.turns) > 1), gr.update(visible=False)

    def _added(self, learning: Learning, line: int, alone: bool) -> str:
        words = self._room.words
        target = os.path.relpath(learning.adding.target, self._room.workspace.project)
        told = [words("chat_added", file=target, line=line), *([words("chat_added_alone")] if alone else [])]
        parts = [show.good("\n".join(told))]
        listed, by_hand = learning.adding.list_in_pipeline()
        if listed == "added":
            parts.append(show.good(words("chat_listed", file=target)))
        if by_hand:
            parts.append(show.bad(words("chat_unlisted", file=target), "\n".join(by_hand)))
        return "".join(parts)

    def _reject(self, name: str, reason: str) -> tuple[str, str]:
        _, turn = self._last(name)
        if not reason.strip():
            raise UsageError(self._room.words("chat_no_reason"))
        self._learning().reject(turn, reason.strip())
        words = self._room.words
        part = {"tab": words("tab_dataset"), "part": words("dataset_part_samples"), "heed": words("dataset_heed")}
        return show.good(words("chat_rated", **part)), ""

    def _last(self, name: str) -> tuple[Chat, Turn]:
        chat = self._room.workspace.chats.show(name) if name else None
        if chat is None or not chat.answered:
            raise UsageError("there is no answer yet", "ask something first")
        return chat, chat.answered[-1]

    def _learning(self) -> Learning:
        workspace = self._room.workspace
        return workspace.chats.learning(workspace.desk.file.path)
