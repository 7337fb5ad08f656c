"""One chat on a page: what was said, what is being said, and the next question."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs.chat import drawn, view
from docutune.plugins.frontends.gradio.tabs.chat.settings import Settings, sampling

if TYPE_CHECKING:
    from docutune.chats.conversation import Talker
    from docutune.chats.records import Chat, Turn
    from docutune.desk.talks import Reply

_PAUSE = 0.15  # seconds between two drawings of a reply
_AT_A_TIME = 16  # replies that pages of one language may wait for
_REMEMBER = """name => {
  const here = new URL(location.href);
  if (name) here.searchParams.set('chat', name); else here.searchParams.delete('chat');
  history.replaceState(null, '', here);
  for (const link of document.querySelectorAll('.languages a')) link.search = here.search;
}"""
"""The chat stays the same when the page is loaded again, and when its language is switched."""


class Talk:
    """The components of one chat. `chat` holds its name, "" while it has none."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.chat: gr.State = gr.State("")
        self.address = gr.Textbox(value="", visible="hidden", elem_id="chat-address")
        with gr.Column(elem_id="talk"), gr.Column():
            self.past = gr.HTML(self._nothing, elem_id="chat-past", padding=False)
            self.live = gr.HTML(elem_id="chat-live", padding=False)
        self.message = gr.HTML(elem_id="chat-message", padding=False)
        self.question = gr.Textbox(
            value="",
            label=words("chat_question"),
            placeholder=words("chat_question_hint"),
            lines=1,
            max_lines=10,
            elem_id="chat-question",
        )
        with gr.Row():
            self.send = gr.Button(words("chat_send"), variant="primary", min_width=110, elem_id="chat-send")
            self.both = gr.Button(words("chat_compare"), min_width=110, elem_id="chat-compare")
            self.stop = gr.Button(
                words("chat_stop"), variant="stop", interactive=False, min_width=110, elem_id="chat-stop"
            )
        self._view: list[Any] = [self.address, self.past, self.live, self.stop]

    def follow(self, settings: Settings) -> None:
        """Let the components do something, as the settings say."""
        room, outputs = self._room, [self.message, self.question, self.chat, *self._view]
        self._settings = settings
        given = [self.chat, self.question, settings.system, *settings.inputs]
        asked = functools.partial(gr.on, [self.send.click, self.question.submit])
        many: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": _AT_A_TIME}
        self._going = [
            room.on(asked, self._ask, given, outputs, trigger_mode="once", **many),
            room.on(self.both.click, self._compare, given, outputs, **many),
        ]
        room.on(self.stop.click, room.handled(self._stop), self.chat, self.message)
        self.address.change(None, self.address, None, js=_REMEMBER, api_visibility="private")
        room.page.load(None, None, None, js=view.FOLLOW, api_visibility="private")
        room.on(room.page.load, self._opened, None, self.turned_parts, show_progress="hidden")
        seen: gr.State = gr.State(None)
        room.quietly(self._look, [self.chat, seen], [seen, self.message, self.chat, *self._view])

    def turns_to(self, event: Callable[..., Any], choice: gr.Radio | None) -> None:
        """Let an event open the chat that is chosen, or a new one; a reply that this page waits for is stopped."""
        opened = self._room.handled(self.turned, len(self.turned_parts) - 1) if choice else lambda: self.turned("")
        self._room.on(event, opened, choice, self.turned_parts, cancels=self._going)

    @property
    def turned_parts(self) -> list[Any]:
        """What `turned` gives values for."""
        return [self.message, self.chat, self._settings.system, *self._view]

    def turned(self, name: str | None) -> tuple[Any, ...]:
        """Show a chat from its beginning, with the system prompt that is in force at its end."""
        chat = self._room.workspace.chats.show(name).id if name else ""
        reply, found = self._read(chat)
        return "", chat, found.system if found else "", *self._shown(reply, found)

    def _opened(self, request: gr.Request) -> tuple[Any, ...]:
        """The chat that the page's address names."""
        try:
            return self.turned(str(request.query_params.get("chat", "")))
        except Exception as error:
            return self._room.mistake(error), *self.turned("")[1:]

    def _ask(self, chat: str, question: str, system: str, *given: Any) -> Iterator[tuple[Any, ...]]:
        talks = self._room.workspace.desk.talks
        yield from self._followed(chat, lambda: talks.ask(self._talker(given), chat, question, system))

    def _compare(self, chat: str, question: str, system: str, *given: Any) -> Iterator[tuple[Any, ...]]:
        """Both answers at a time; without a new question the one that the last question lacks."""
        talks = self._room.workspace.desk.talks

        def begin() -> Reply:
            talker = self._talker(given)
            if not question.strip():
                return talks.compare(talker, chat)
            return talks.ask(talker, chat, question, system, both=True)

        yield from self._followed(chat, begin)

    def _talker(self, given: Any) -> Talker:
        return self._room.workspace.desk.loaded.talker(sampling=sampling(*given))

    def _followed(self, chat: str, begin: Callable[[], Reply]) -> Iterator[tuple[Any, ...]]:
        """What the page shows while a reply is written, and at its end. Whoever leaves the page stops the reply."""
        try:
            turns = self._turns(chat)
            reply = begin()
        except Exception as error:
            yield self._room.mistake(error), *(gr.skip() for _ in range(6))
            return
        try:
            past = drawn.past(turns[: reply.place], self._room.words)
            yield "", "", gr.skip(), gr.skip(), past, self._present(turns, reply), gr.update(interactive=True)
            shown = ""
            for _ in reply.follow(_PAUSE):
                name = reply.chat if reply.chat != chat else gr.skip()
                before, shown = shown, self._present(turns, reply)
                chat = reply.chat
                live = shown if shown != before else gr.skip()
                yield gr.skip(), gr.skip(), name, name, gr.skip(), live, gr.skip()
        finally:
            reply.stop()
        yield self._told(reply), gr.skip(), reply.chat, *self._shown(*self._read(reply.chat))

    def _look(self, chat: str, seen: Any) -> tuple[Any, ...]:
        """What changed in the chat, be it by another page or another program."""
        try:
            reply, found = self._read(chat)
        except Exception as error:  # somebody removed it
            return None, self._room.mistake(error), "", *self._shown(None, None)
        sign = (found, reply and (reply.said, reply.stopping))
        if sign == seen:
            return tuple(gr.skip() for _ in range(3 + len(self._view)))
        return sign, gr.skip(), gr.skip(), *self._shown(reply, found)

    def _read(self, chat: str) -> tuple[Reply | None, Chat | None]:
        """The reply first: where it ends between both looks, the chat has it."""
        workspace = self._room.workspace
        reply = workspace.desk.talks.under_way(chat)
        return reply, workspace.chats.show(chat) if chat else None

    def _turns(self, chat: str) -> tuple[Turn, ...]:
        return self._room.workspace.chats.show(chat).turns if chat else ()

    def _shown(self, reply: Reply | None, found: Chat | None) -> tuple[Any, ...]:
        """Values of the view."""
        words, turns = self._room.words, found.turns if found is not None else ()
        over = turns[: reply.place] if reply is not None else turns
        past = drawn.past(over, words) or ("" if reply is not None else self._nothing)
        live = self._present(turns, reply) if reply is not None else ""
        return found.id if found is not None else "", past, live, gr.update(interactive=reply is not None)

    def _present(self, turns: Sequence[Turn], reply: Reply) -> str:
        return drawn.present(turns, reply, self._room.words)

    @property
    def _nothing(self) -> str:
        return show.to_do(self._room.words("chat_empty"))

    def _told(self, reply: Reply) -> str:
        """What there is to say at the end of a reply."""
        if reply.error is not None:
            return self._room.mistake(reply.error)
        return show.to_do(self._room.words("chat_left_out", count=reply.left_out)) if reply.left_out else ""

    def _stop(self, chat: str) -> str:
        reply = self._room.workspace.desk.talks.under_way(chat)
        if reply is None:
            return show.to_do(self._room.words("chat_nothing_to_stop"))
        reply.stop()
        return ""
