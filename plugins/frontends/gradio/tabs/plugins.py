"""Plugins: what is installed, what failed to load, and a form of any plugin's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import form, show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.registry import Entry


def build(room: Room) -> None:
    """Put the tab on the page."""
    words, registry = room.words, room.workspace.registry
    gr.Markdown(words("plugins_about"))
    gr.HTML(_table(room), elem_id="plugins", padding=False)
    if registry.failed:
        failed = "".join(show.bad(str(item), item.hint) for item in registry.failed)
        gr.HTML(show.heading(words("plugins_failed")) + failed, padding=False)
    names = [f"{entry.kind} {entry.name}" for entry in registry.entries]
    chosen = gr.Dropdown(
        names,
        value=names[0],
        label=words("plugin_choose"),
        info=words("plugin_choose_info"),
        elem_id="plugin-choice",
    )

    def options(name: str) -> None:
        kind, _, plugin = name.partition(" ")
        _options(room, registry.get(kind, plugin))

    triggers: Any = [room.page.load, chosen.change]
    gr.render(inputs=[chosen], triggers=triggers, show_progress="hidden")(options)


def _table(room: Room) -> str:
    words = room.words
    heads = [words("kind"), words("plugin"), words("package"), words("state"), words("does")]
    return show.table(heads, (_row(room, entry) for entry in room.workspace.registry.entries))


def _row(room: Room, entry: Entry) -> tuple[str, ...]:
    words = room.words
    missing = ", ".join(entry.missing)
    state = words("needs", missing=missing, install=entry.install) if missing else words("ready")
    return entry.kind, entry.name, f"{entry.package} {entry.version}", state, entry.registration.summary


def _options(room: Room, entry: Entry) -> None:
    """The form of one plugin; what is right is shown as it stands in a pipeline file."""
    words, desk = room.words, room.workspace.desk
    fields = desk.fields(entry)
    if not fields:
        gr.HTML(show.to_do(words("plugin_no_options")), padding=False)
        return
    made = form.build(fields, words)
    check = gr.Button(words("plugin_check"), elem_classes=["narrow"])
    message = gr.HTML(elem_id="plugin-message", padding=False)
    text = gr.Code(language="yaml", visible=False, interactive=False, show_label=False, elem_id="plugin-yaml")

    def judge(*given: Any) -> tuple[Any, ...]:
        values = desk.written(entry, made.values(given))
        checked = desk.check(entry, values)
        marks = made.marked(checked.at_fields)
        if checked.right:
            return show.good(words("plugin_right")), gr.update(value=desk.as_yaml(entry, values), visible=True), *marks
        told = "\n".join(checked.others) or words("train_wrong")
        return show.bad(told), gr.update(visible=False), *marks

    outputs = [message, text, *made.components]
    room.on(check.click, room.handled(judge, others=len(outputs) - 1), list(made.components), outputs)
