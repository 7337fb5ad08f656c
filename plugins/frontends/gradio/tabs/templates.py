"""Prompt templates: what chat models are asked, one's own texts in their place, and a prompt as it would be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import ConfigError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.filling import Filled
    from docutune.desk.prompts import Listed, Prompts
    from docutune.notebook import Wording
    from docutune.templates import Taken, Template

_DIGITS = 12
_LINES = 30  # a box of this height, whatever the text: one that grows is measured while it is hidden


def build(room: Room) -> None:
    """Put the tab on the page."""
    gr.Markdown(room.words("templates_about"))
    _Editor(room).build()


class _Editor:
    """One template is open at a time; `digest` says which text of it was in force then."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def build(self) -> None:
        """Put list, editor, history and preview on the page."""
        words, room = self._room.words, self._room
        table = gr.HTML(elem_id="templates", padding=False)
        name = gr.Dropdown(
            label=words("templates_choose"), info=words("templates_choose_info"), elem_id="template", interactive=True
        )
        facts = gr.HTML(elem_id="template-facts", padding=False)
        text = gr.Textbox(
            label=words("templates_text"),
            lines=_LINES,
            max_lines=_LINES,
            interactive=True,
            elem_id="template-text",
        )
        digest = gr.State("")
        with gr.Row():
            save = gr.Button(words("templates_save"), variant="primary", elem_classes=["narrow"])
            fill = gr.Button(words("templates_fill"), elem_classes=["narrow"])
            again = gr.Button(words("templates_again"), elem_classes=["narrow"])
            reset = gr.Button(words("templates_reset"), elem_classes=["narrow"])
        message = gr.HTML(elem_id="template-message", padding=False)
        earlier = self._history()
        place, prompt = self._preview()

        opened = [message, facts, text, digest, earlier, place, prompt]
        listed = [message, table, name, *opened[1:]]
        for event in (room.page.load, again.click):
            room.on(event, room.handled(self._look, len(listed) - 1), name, listed)
        room.on(name.input, room.handled(self._open, len(opened) - 1), name, opened)
        changed = [message, table, *opened[1:]]
        for button, action in ((save, self._save), (reset, self._reset)):
            room.on(button.click, room.handled(action, len(changed) - 1), [name, text, digest], changed)
        room.on(earlier.input, room.handled(self._take_up, 1), [name, earlier], [message, text])
        filled = [message, place, prompt]
        room.on(fill.click, room.handled(self._fill, 2), [name, text], filled, concurrency_limit=1)
        room.on(place.input, room.handled(self._fill, 2), [name, text, place], filled, concurrency_limit=1)

    def _history(self) -> gr.Dropdown:
        words = self._room.words
        return gr.Dropdown(
            label=words("templates_earlier"),
            info=words("templates_earlier_info"),
            visible=False,
            interactive=True,
            elem_id="template-earlier",
        )

    def _preview(self) -> tuple[gr.Dropdown, gr.HTML]:
        words = self._room.words
        gr.HTML(show.heading(words("templates_filled")), padding=False)
        place = gr.Dropdown(
            label=words("templates_piece"),
            info=words("templates_piece_info"),
            visible=False,
            interactive=True,
            elem_id="template-piece",
        )
        return place, gr.HTML(elem_id="template-filled", padding=False)

    @property
    def _prompts(self) -> Prompts:
        return self._room.workspace.desk.prompts

    def _look(self, name: str | None) -> tuple[Any, ...]:
        """The list as it is now, and the template that was open, or the first one."""
        listed = self._prompts.listed()
        names = [item.template.name for item in listed]
        if not names:
            nothing = show.to_do(self._room.words("templates_none"))
            return "", nothing, gr.update(choices=[]), *(gr.skip() for _ in range(6))
        chosen = name if name in names else names[0]
        message, *rest = self._open(chosen)
        return message, _table(self._room, listed), gr.update(choices=names, value=chosen), *rest

    def _open(self, name: str) -> tuple[Any, ...]:
        """The text that is in force, with what it may hold, and the texts before it."""
        template = self._prompts.templates.find(name)
        return "", *self._shown(template)

    def _shown(self, template: Template) -> list[Any]:
        words = self._room.words
        texts = self._prompts.templates.history(template)
        choices = [(_told(self._room, template, item), item.sha256) for item in reversed(texts)]
        facts = show.table(["", ""], _facts(self._room, template))
        wrong = show.bad(words("templates_broken"), "\n".join(template.problems)) if template.problems else ""
        earlier = gr.update(choices=choices, value=None, visible=bool(choices))
        unfilled = show.to_do(words("templates_unfilled", fill=words("templates_fill")))
        return [wrong + facts, template.text, template.sha256, earlier, gr.update(visible=False), unfilled]

    def _save(self, name: str, text: str, digest: str) -> tuple[Any, ...]:
        """Put the text in force; its mistakes stand at their lines, and nothing is written then."""
        words = self._room.words
        try:
            taken = self._prompts.save(name, text, digest)
        except ConfigError as error:
            lines = "\n".join(
                words("templates_line", line=problem.line, message=problem.message) if problem.line else problem.message
                for problem in error.problems
            )
            told = show.bad(words("templates_wrong"), lines)
            return told, *(gr.skip() for _ in range(7))
        return self._taken(taken)

    def _reset(self, name: str, text: str, digest: str) -> tuple[Any, ...]:
        """Go back to the packaged text."""
        return self._taken(self._prompts.reset(name, digest))

    def _taken(self, taken: Taken) -> tuple[Any, ...]:
        words, own = self._room.words, taken.template.own
        key = "templates_saved" if own else "templates_is_shipped"
        told = show.good(words(key, name=taken.template.name))
        notes = "".join(show.to_do(note) for note in taken.notes)
        return told + notes, _table(self._room, self._prompts.listed()), *self._shown(taken.template)

    def _take_up(self, name: str, sha256: str) -> tuple[str, Any]:
        """An earlier text in the editor; it is in force once it is saved."""
        templates = self._prompts.templates
        text = templates.earlier(templates.find(name), sha256).text
        told = self._room.words("templates_taken_up", save=self._room.words("templates_save"))
        return show.to_do(told), text

    def _fill(self, name: str, text: str, place: str | None = None) -> tuple[Any, ...]:
        """The prompt as it would be sent with the text of the editor."""
        filled = self._prompts.filled(name, text, place, _unseen)
        return "", gr.update(choices=list(filled.places), value=filled.place, visible=True), _prompt(self._room, filled)


def _table(room: Room, listed: Sequence[Listed]) -> str:
    words = room.words
    heads = [words("templates_name"), words("templates_of"), words("templates_used"), words("templates_from")]
    return show.table(heads, (_row(room, item) for item in listed))


def _row(room: Room, item: Listed) -> tuple[str, ...]:
    words, template = room.words, item.template
    plugin = template.name.partition("/")[0]
    used = words("templates_unknown") if item.steps is None else ", ".join(item.steps) or words("templates_unused")
    broken = f" ⚠ {words('templates_broken')}" if template.problems else ""
    return template.name, f"{template.kind} {plugin}", used, _place(room, template) + broken


def _place(room: Room, template: Template) -> str:
    """Where the text in force comes from."""
    if template.own is None:
        return room.words("templates_shipped")
    return str(template.own.relative_to(room.workspace.project))


def _facts(room: Room, template: Template) -> list[tuple[str, str]]:
    words = room.words
    variables = "  ".join(f"${name}" for name in template.placeholders) or words("none")
    return [
        (words("templates_from"), _place(room, template)),
        (words("templates_variables"), variables),
        (words("templates_hash"), template.sha256[:_DIGITS]),
    ]


def _told(room: Room, template: Template, item: Wording) -> str:
    """An earlier text: when, its hash, and how it came."""
    now = f" · {room.words('templates_now')}" if item.sha256 == template.sha256 else ""
    return (
        f"{item.time[:16].replace('T', ' ')} · {item.sha256[:_DIGITS]} · {room.words(f'templates_by_{item.by}')}{now}"
    )


def _prompt(room: Room, filled: Filled) -> str:
    messages = ((room.words.either(f"role_{item.role}", item.role), item.content) for item in filled.messages)
    return show.card(filled.place, messages)


def _unseen(done: int, total: int | None = None, **figures: float) -> None:
    """The page shows that it works; parsing takes seconds."""
