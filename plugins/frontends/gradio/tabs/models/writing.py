"""Merging a model and writing it for other tools: a form per exporter, how far it is, and whether it answers alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import UsageError
from docutune.plugins.frontends.gradio import form, show
from docutune.plugins.frontends.gradio.form import Form
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.exports import Found, Writing
    from docutune.model_registry.exporting import Exported
    from docutune.parity import Parity
    from docutune.plugins.frontends.gradio.words import Words
    from docutune.registry import Entry

_MERGE = ""
_NUMBERS = ("float32", "bfloat16", "float16")
_SHOWN = 3


class Writer:
    """The part of the tab that exports; it follows the one export of the workspace's page, whoever began it."""

    def __init__(self, room: Room, chosen: gr.Dropdown) -> None:
        self._room, self._words, self._desk = room, room.words, room.workspace.desk
        self._entries: list[Entry] = list(room.workspace.registry.registrations("exporter"))
        self._names = [entry.name for entry in self._entries]
        self._forms: list[Form] = []
        with gr.Accordion(self._words("models_export"), open=False, elem_id="model-export"):
            gr.Markdown(self._words("models_export_about"))
            self._build(chosen)
        gr.HTML(show.heading(self._words("models_exports")), padding=False)
        self.followed = [self._state, gr.HTML(elem_id="exports", padding=False)]

    def follow(self, seen: Any) -> tuple[Any, ...]:
        """The export at work and those that stand in exports/, where they have changed."""
        state = self._desk.exports.state
        now = told(self._words, state)
        sign = (now, state.phase, self._desk.model_changes())
        if sign == seen:
            return sign, gr.skip(), gr.skip()
        same = seen is not None and sign[1:] == seen[1:]
        return sign, now, gr.skip() if same else found(self._words, self._desk.exports.found())

    def _build(self, chosen: gr.Dropdown) -> None:
        words = self._words
        with gr.Column(elem_classes=["form-grid"]):
            names = [(words("models_merge"), _MERGE), *((entry.name, entry.name) for entry in self._entries)]
            which = gr.Dropdown(
                names, value=_MERGE, label=words("models_as"), info=self._meant(_MERGE), elem_id="export-as"
            )
            numbers = gr.Dropdown(
                [(words("models_numbers_own"), ""), *_NUMBERS],
                value="",
                label=words("models_numbers"),
                info=words("models_numbers_info"),
            )
            folder = gr.Textbox(
                label=words("models_folder"),
                info=words("models_folder_info"),
                placeholder=words("unset"),
                elem_id="export-folder",
            )
            base = gr.Textbox(
                label=words("models_unquantized"), info=words("models_unquantized_info"), placeholder=words("unset")
            )
            force = gr.Checkbox(label=words("models_force"), info=words("models_force_info"), elem_id="export-force")
        columns = self._columns()
        with gr.Row():
            start = gr.Button(words("models_start"), variant="primary", elem_classes=["narrow"], elem_id="export-start")
            stop = gr.Button(words("models_stop"), elem_classes=["narrow"], elem_id="export-stop")
        message = gr.HTML(elem_id="export-message", padding=False)
        self._state = gr.HTML(elem_id="export-state", padding=False)
        options = [component for made in self._forms for component in made.components]
        room = self._room
        room.on(which.input, self._turned, which, [which, *columns], show_progress="hidden")
        given = [chosen, which, numbers, folder, base, force, *options]
        room.on(start.click, room.handled(self._start, others=len(options)), given, [message, *options])
        room.on(stop.click, room.handled(self._stop), None, message)

    def _columns(self) -> list[Any]:
        """A form for each exporter's own options, none of them seen."""
        columns: list[Any] = []
        for entry in self._entries:
            with gr.Column(visible=False, elem_classes=[f"form-{entry.name}"]) as column:
                if entry.missing:
                    lacking = self._words("needs", missing=", ".join(entry.missing), install=entry.install)
                    gr.HTML(show.bad(lacking), padding=False)
                self._forms.append(form.build(self._desk.fields(entry), self._words))
            columns.append(column)
        return columns

    def _turned(self, name: str) -> list[Any]:
        return [gr.update(info=self._meant(name)), *(gr.update(visible=entry.name == name) for entry in self._entries)]

    def _meant(self, name: str) -> str:
        """What a form is for; of a plugin that the page has no words for its own summary."""
        told = {entry.name: entry.registration.summary for entry in self._entries}
        return self._words.either(f"models_for_{name or 'merged'}", told.get(name, ""))

    def _start(self, model: str | None, which: str, *given: Any) -> tuple[Any, ...]:
        """Begin the export; what is wrong with an exporter's options is marked at them, and nothing begins."""
        numbers, folder, base, force, *options = given
        if not (model or "").strip():
            raise UsageError(self._words("models_choose_first"))
        place = self._names.index(which) if which != _MERGE else None
        values, mistakes = self._options(place, options)
        marks = [
            mark for index, made in enumerate(self._forms) for mark in made.marked(mistakes if index == place else {})
        ]
        if mistakes:
            return show.bad(self._words("train_wrong")), *marks
        self._desk.loaded.forget_failure()
        self._desk.exports.start(
            str(model).strip(), which or None, values, folder=folder, numbers=numbers, base=base, force=force
        )
        return show.good(self._words("models_export_began")), *marks

    def _options(self, place: int | None, given: Sequence[Any]) -> tuple[dict[str, Any], Mapping[str, str]]:
        """The options of the exporter at that place, as a pipeline file would hold them, and what is wrong by field."""
        if place is None:
            return {}, {}
        before = sum(len(made.components) for made in self._forms[:place])
        made, entry = self._forms[place], self._entries[place]
        values = self._desk.written(entry, made.values(given[before : before + len(made.components)]))
        checked = self._desk.check(entry, values)
        if checked.others:
            raise UsageError("\n".join(checked.others))
        return values, checked.at_fields

    def _stop(self) -> str:
        if self._desk.exports.state.phase not in ("working", "stopping"):
            return show.good(self._words("models_no_export"))
        self._desk.exports.stop()
        return ""


def told(words: Words, state: Writing) -> str:
    """The export at work, or how the last one ended."""
    if state.wish is None or state.since is None:
        return show.to_do(words("models_no_export_yet", start=words("models_start")))
    notes = "".join(show.to_do(note) for note in state.notes)
    if state.error is not None:
        return notes + show.bad(words("models_export_failed", why=state.error.message), state.error.hint)
    if state.result is not None:
        return notes + _result(words, state.result)
    if state.phase == "stopped":
        return show.to_do(words("models_export_stopped", model=state.wish.model))
    what = words("models_export_stopping" if state.phase == "stopping" else "models_export_works")
    seconds = (datetime.now(UTC) - state.since).total_seconds()
    figures: list[tuple[str, object]] = [
        (words("models_model"), state.wish.model),
        (words("models_as"), state.wish.exporter or words("models_merge")),
        (words("models_time"), show.duration(seconds, words)),
    ]
    return show.to_do(what) + show.bar(state.done or None, state.total) + show.facts(figures) + notes


def found(words: Words, exports: Sequence[Found]) -> str:
    """What stands in exports/."""
    if not exports:
        return show.to_do(words("models_no_exports"))
    columns = ("folder", "model", "made", "outcome", "alike", "logits", "size")
    heads = [words(f"models_{name}") for name in columns]
    return show.table(heads, (_row(words, item) for item in exports), numbers=(4, 5, 6))


def _row(words: Words, item: Found) -> tuple[str, ...]:
    return (
        item.folder,
        item.model,
        f"{item.made:%Y-%m-%d %H:%M}",
        words.either(f"models_outcome_{item.outcome}", item.outcome),
        _alike(item.equal, item.questions) if item.outcome != "not checked" else "–",
        "–" if item.logits is None else f"{item.logits:.2g}",
        show.size(item.bytes),
    )


def _alike(equal: int, questions: int) -> str:
    return f"{equal} / {questions}" + (f" ({equal / questions:.0%})" if questions else "")


def _result(words: Words, done: Exported) -> str:
    parity = done.parity
    where = words("models_written", folder=done.output, size=show.size(done.bytes), numbers=done.numbers)
    advice = "".join(show.to_do(line) for line in done.advice)
    if parity.unread is not None:
        return show.good(where) + show.to_do(words("models_unread", why=parity.unread)) + advice
    figures = [
        (words("models_alike"), _alike(parity.equal, parity.questions)),
        (words("models_logits"), "–" if parity.logits is None else f"{parity.logits:.2g}"),
        (words("models_questions"), words("models_held_out" if parity.held_out else "models_built_in")),
    ]
    failed = parity.outcome == "failed"
    judged = show.bad(words("models_parity_failed")) if failed else show.good(words("models_parity_passed"))
    notes = "".join(show.to_do(note) for note in parity.notes)
    return show.good(where) + judged + show.facts(figures) + _differences(words, parity) + notes + advice


def _differences(words: Words, parity: Parity) -> str:
    if not parity.differences:
        return ""
    heads = [words(f"models_{name}") for name in ("question", "source", "result", "cause")]
    rows = [
        (item.question, item.source, item.result, words(f"models_cause_{item.cause}"))
        for item in parity.differences[:_SHOWN]
    ]
    return show.table(heads, rows)
