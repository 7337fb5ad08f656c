"""Train: options of a training, what it will take, its start and its end. What it does is shown by `progress`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import DocutuneError
from docutune.plugins.frontends.gradio import form, show
from docutune.plugins.frontends.gradio.at_work import AtWork
from docutune.plugins.frontends.gradio.form import Form
from docutune.plugins.frontends.gradio.progress import Progress
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.file import Training, Written
    from docutune.planning import Plan
    from docutune.registry import Entry


def build(room: Room) -> None:
    """Put the tab on the page."""
    words = room.words
    gr.Markdown(words("train_about"))
    desk = _Desk(room, _trainers(room))
    with gr.Row():
        save = gr.Button(words("train_save"), elem_id="train-save")
        estimate = gr.Button(words("train_estimate"), elem_id="train-estimate")
        start = gr.Button(words("train_start"), variant="primary", elem_id="train-start")
        stop = gr.Button(words("train_stop"), variant="stop", interactive=False, elem_id="train-stop")
    message = gr.HTML(elem_id="train-message", padding=False)
    progress, at_work = Progress(room), AtWork(room, stop, message, words("train_stopped"))

    for event in (room.page.load, desk.which.input, desk.made.change):
        inputs = [desk.which]
        room.on(event, room.handled(desk.opened, len(desk.outputs)), inputs, [message, *desk.outputs])
    room.quietly(desk.arrived, [desk.digest, desk.made], desk.made)
    room.on(desk.trainer.input, desk.turned, desk.trainer, list(desk.columns), show_progress="hidden")
    marks = [message, at_work.run, *desk.changing]
    for button, action in ((save, desk.save), (start, desk.start)):
        room.on(button.click, room.handled(action, len(marks) - 1), desk.inputs, marks)
    room.on(estimate.click, room.handled(desk.estimate, len(marks) - 1), desk.inputs, marks, concurrency_limit=1)
    room.on(stop.click, room.handled(lambda: _stop(room)), None, message)
    at_work.follow()
    progress.build()


@dataclass(frozen=True)
class _Given:
    """What the form holds when a button is pressed."""

    index: int
    entry: Entry
    digest: str
    form: Form
    values: Mapping[str, Any]


class _Desk:
    """The choice of a training and a trainer, and a form for each trainer, of which one is seen."""

    def __init__(self, room: Room, trainers: Sequence[Entry]) -> None:
        words = room.words
        self._room, self._trainers = room, trainers
        self.about = gr.HTML(padding=False)
        with gr.Row():
            self.which = gr.Dropdown(label=words("train_which"), info=words("train_which_info"), elem_id="train-which")
            self.trainer = gr.Dropdown(
                [entry.name for entry in trainers],
                value=trainers[0].name if trainers else None,
                label=words("train_trainer"),
                info=words("train_trainer_info"),
                elem_id="trainer",
            )
        self.digest: gr.State = gr.State(None)  # of the entry that the forms show, "" while there is no file
        self.made: gr.State = gr.State(None)
        self.forms: list[Form] = []
        self.columns: list[gr.Column] = []
        for entry in trainers:
            with gr.Column(visible=False, elem_classes=[f"form-{entry.name}"]) as column:
                self.forms.append(form.build(room.workspace.desk.fields(entry), words))
            self.columns.append(column)
        components = [component for made in self.forms for component in made.components]
        self.outputs = [self.about, self.which, self.trainer, self.digest, *self.columns, *components]
        self.inputs = [self.which, self.trainer, self.digest, *components]
        self.changing = [self.which, self.digest, *components]

    def opened(self, which: int | None) -> tuple[Any, ...]:
        """Show a training as it stands in the file; the first, unless one was chosen."""
        written = self._room.workspace.desk.file.read()
        index = which if which is not None and which < len(written.trainings) else 0
        if which == len(written.trainings):
            index = which
        training = written.trainings[index] if index < len(written.trainings) else None
        name = training.uses if training and training.uses in self._names else next(iter(self._names), None)
        return (
            "",
            gr.update(value=self._about(written)),
            self._choices(written, index),
            gr.update(value=name),
            written.training_digest(index),
            *self.turned(name),
            *self._filled(name, training),
        )

    def arrived(self, digest: str | None, made: int | None) -> Any:
        """When the file was made that was not there when this page was opened: the forms show it then."""
        if digest != "":
            return gr.skip()
        try:
            now = self._room.workspace.desk.file.path.stat().st_mtime_ns
        except OSError:
            return gr.skip()
        return gr.skip() if now == made else now

    def turned(self, name: str | None) -> list[Any]:
        """Show the form of one trainer."""
        return [gr.update(visible=entry.name == name) for entry in self._trainers]

    def save(self, *given: Any) -> tuple[Any, ...]:
        """Write the options down; what is wrong is marked and nothing is written."""
        found = self._given(given)
        try:
            written = self._save(found)
        except DocutuneError as error:
            return self._refused(found, error)
        return self._done(self._room.words("saved", file=written.path.name), "", written, found.index)

    def start(self, *given: Any) -> tuple[Any, ...]:
        """Write the options down and start a run that no page and no terminal owns."""
        found, workspace = self._given(given), self._room.workspace
        try:
            workspace.store.refuse_busy()
            written = self._save(found)
        except DocutuneError as error:
            return self._refused(found, error)
        run = workspace.start_detached(workspace.request())
        return self._done(self._room.words("train_started", run=run.name), run.name, written, found.index)

    def estimate(self, *given: Any) -> tuple[Any, ...]:
        """What a run with these options would do and take; nothing is written or made but parsed documents."""
        found, workspace = self._given(given), self._room.workspace
        steps = [{"uses": item.uses, "with": dict(item.options)} for item in workspace.desk.file.read().trainings]
        step = {"uses": found.entry.name, "with": dict(self._options(found))}
        there = found.index < len(steps)
        change, value = (f"train[{found.index}]", step) if there else ("train", [*steps, step])
        try:
            plan = workspace.plan(workspace.request((f"{change}={json.dumps(value)}",)), _unseen)
        except DocutuneError as error:
            return self._refused(found, error)
        at_work = workspace.store.live_run() or ""
        return _planned(self._room, plan), at_work, gr.skip(), gr.skip(), *self._unmarked()

    @property
    def _names(self) -> list[str]:
        return [entry.name for entry in self._trainers]

    def _given(self, given: Sequence[Any]) -> _Given:
        which, trainer, digest, *values = given
        if trainer not in self._names:
            words = self._room.words
            raise DocutuneError(words("train_no_trainer", tab=words("tab_plugins")))
        place = self._names.index(trainer)
        before = sum(len(made.components) for made in self.forms[:place])
        made = self.forms[place]
        held = made.values(values[before : before + len(made.components)])
        return _Given(which or 0, self._trainers[place], digest, made, held)

    def _options(self, found: _Given) -> Mapping[str, Any]:
        trainings = self._room.workspace.desk.file.read().trainings
        stated = trainings[found.index].options if found.index < len(trainings) else {}
        return self._room.workspace.desk.written(found.entry, found.values, stated)

    def _save(self, found: _Given) -> Written:
        options = self._options(found)
        return self._room.workspace.desk.file.save_training(found.index, found.entry.name, options, found.digest)

    def _refused(self, found: _Given, error: DocutuneError) -> tuple[Any, ...]:
        """The mistakes at their fields, the rest in the message."""
        words, checked = self._room.words, self._room.workspace.desk.explain(error, found.index)
        marks = [
            update
            for made in self.forms
            for update in (made.marked(checked.at_fields) if made is found.form else _skipped(made))
        ]
        told = self._room.mistake(error)
        if checked.at_fields:
            told = show.bad(words("train_wrong"), "\n".join(checked.others))
        return told, "", gr.skip(), gr.skip(), *marks

    def _done(self, told: str, run: str, written: Written, index: int) -> tuple[Any, ...]:
        """What was saved is what the forms show; `run` was started with it."""
        index = min(index, len(written.trainings) - 1)
        digest = written.training_digest(index)
        return show.good(told), run, self._choices(written, index), digest, *self._unmarked()

    def _unmarked(self) -> list[Any]:
        return [update for made in self.forms for update in made.marked({})]

    def _choices(self, written: Written, index: int) -> Any:
        names = [(training.name, place) for place, training in enumerate(written.trainings)]
        return gr.update(choices=[*names, (self._room.words("train_new"), len(names))], value=index)

    def _filled(self, name: str | None, training: Training | None) -> list[Any]:
        options = training.options if training else {"model": self._room.workspace.training().model}
        return [
            update
            for entry, made in zip(self._trainers, self.forms, strict=True)
            for update in made.filled(options if training is None or entry.name == name else _shared(options, made))
        ]

    def _about(self, written: Written) -> str:
        words = self._room.words
        if not self._trainers:
            return show.bad(words("train_no_trainer", tab=words("tab_plugins")))
        if not written.exists:
            return show.to_do(words("train_no_file", tab=words("tab_sources")))
        if written.mistakes:
            return show.bad(words("sources_mistakes"), written.mistakes)
        return "" if written.trainings else show.to_do(words("train_none"))


def _trainers(room: Room) -> list[Entry]:
    """Those that can be used, the one that runs everywhere first."""
    ready = [entry for entry in room.workspace.registry.registrations("trainer") if not entry.missing]
    return sorted(ready, key=lambda entry: (entry.registration.needs_gpu, entry.name))


def _shared(options: Mapping[str, Any], made: Form) -> dict[str, Any]:
    """Options of one trainer that another one has, too: to turn from one to the other loses none."""
    known = {item.name for item in made.fields}
    return {name: value for name, value in options.items() if name in known}


def _skipped(made: Form) -> list[Any]:
    return [gr.skip() for _ in made.components]


def _stop(room: Room) -> str:
    """Ask the run at work to stop, and wait until it has."""
    stopped = room.workspace.stop(None, lambda owner, seconds: None)
    return show.good(room.words("train_not_running" if stopped is None else "train_stopped"))


def _planned(room: Room, plan: Plan) -> str:
    words = room.words
    rows = [(step.name, words(f"plan_{step.action}"), _memory(room, step)) for step in plan.steps]
    told = "".join(
        show.good(words("plan_memory_is", step=step.name, memory=_size(step.memory)))
        for step in plan.steps
        if step.memory is not None
    )
    heads = [words("plan_step"), words("plan_action"), words("plan_memory")]
    return told + show.heading(words("plan_title")) + show.table(heads, rows)


def _memory(room: Room, step: Any) -> str:
    if not step.name.startswith("train:") or step.action == "reuse":
        return ""
    return room.words("plan_unknown") if step.memory is None else _size(step.memory)


def _size(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB" if size >= 1024**3 else f"{size / 1024**2:.0f} MiB"


def _unseen(done: int, total: int | None = None, **figures: float) -> None:
    """The page shows that it works; parsing takes seconds."""
