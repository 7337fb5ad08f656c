"""One sample: what is said, where it comes from, what people think of it; rated and edited here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.corpus import Row
    from docutune.plugins.frontends.gradio.words import Words
    from docutune.rated import Rating, Verdict

_VERDICTS: tuple[Verdict, ...] = ("good", "bad", "skip")


class Opened:
    """The sample that `sample` names by its version and its id; it stays open when another version is chosen."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.sample = gr.State(None)
        self.shown = gr.HTML(elem_id="dataset-sample", padding=False)
        with gr.Column(visible=False) as self.tools:
            gr.HTML(show.heading(words("dataset_rate")), padding=False)
            self.note = gr.Textbox(label=words("dataset_note"), info=words("dataset_note_info"), elem_id="dataset-note")
            with gr.Row():
                self.verdicts = [
                    gr.Button(words(f"dataset_rate_{name}"), elem_classes=["narrow"], elem_id=f"dataset-rate-{name}")
                    for name in _VERDICTS
                ]
                self.heed = gr.Button(words("dataset_heed"), elem_classes=["narrow"], elem_id="dataset-heed")
            self.rated = gr.HTML(elem_id="dataset-rated", padding=False)
            with gr.Accordion(words("dataset_edit"), open=False, elem_id="dataset-edit"):
                gr.HTML(show.to_do(words("dataset_edit_about")), padding=False)
                self.form = gr.Column()
                self.edited = gr.HTML(elem_id="dataset-edited", padding=False)

    def bind(self, refresh: Callable[[Any], None]) -> None:
        """Let it show what is chosen; `refresh` lets an event show the list again."""
        room, quiet = self._room, {"show_progress": "hidden"}
        outputs = [self.shown, self.tools, self.rated, self.edited]
        look = room.handled(self._look, others=3)
        room.on(self.sample.change, look, self.sample, outputs, **quiet)
        for verdict, button in zip(_VERDICTS, self.verdicts, strict=True):
            done = room.on(
                button.click,
                room.handled(lambda *given, verdict=verdict: self._rate(verdict, *given), others=2),
                [self.sample, self.note],
                [self.rated, self.note, self.shown],
            )
            refresh(done.then)
        room.on(self.heed.click, room.handled(self._heed), None, self.rated)
        with self.form:
            render = gr.render(inputs=[self.sample], triggers=[self.sample.change], show_progress="hidden")
            render(lambda sample: self._edit(sample, refresh))

    def _look(self, sample: tuple[str, str]) -> tuple[Any, ...]:
        return self._shown(*sample), gr.update(visible=True), "", self._waiting(sample[1])

    def _waiting(self, sample: str) -> str:
        """Where an edit stands that the next run takes up."""
        edits, words = self._room.workspace.desk.dataset.edits, self._room.words
        known = edits.waiting(sample)
        if known is None:
            return ""
        told = words("dataset_edit_waiting", place=f"{edits.target}:{known.number}", back=words("dataset_edit_back"))
        return show.to_do(told)

    def _shown(self, version: str, sample: str) -> str:
        samples, words = self._room.workspace.desk.dataset.samples, self._room.words
        row = samples.one(version, sample)
        said = [(words(f"role_{message.role}"), message.content) for message in row.made.sample.messages]
        told = (*_facts(row, words), *_ratings(samples.ratings(sample), words))
        facts = [(words.begin(name), fact) for name, fact in told]
        return show.card(words("dataset_sample", id=sample, version=version), said) + show.table(["", ""], facts)

    def _rate(self, verdict: Verdict, sample: tuple[str, str], note: str) -> tuple[Any, ...]:
        words = self._room.words
        self._room.workspace.desk.dataset.samples.rate(*sample, verdict, note or "")
        told = words(f"dataset_rated_{verdict}", heed=words("dataset_heed"))
        return show.good(told), "", self._shown(*sample)

    def _heed(self) -> str:
        path, count = self._room.workspace.desk.dataset.edits.leave_out_bad()
        return show.good(self._room.words("dataset_heeded", file=path.name, count=f"{count:,}"))

    def _edit(self, opened: tuple[str, str], refresh: Callable[[Any], None]) -> None:
        """A box for each message of the sample as it was edited last, made anew for each sample."""
        version, sample = opened
        room, words, desk = self._room, self._room.words, self._room.workspace.desk.dataset
        try:
            messages = desk.samples.one(version, sample).made.sample.messages
            known = desk.edits.waiting(sample)
        except Exception as error:
            gr.HTML(room.mistake(error), padding=False)
            return
        old = [message.content for message in messages]
        texts = known.texts if known is not None and len(known.texts) == len(old) else old
        boxes = [
            gr.Textbox(
                text,
                label=words(f"role_{message.role}"),
                lines=2,
                max_lines=16,
                interactive=True,
                elem_classes=["edit"],
            )
            for message, text in zip(messages, texts, strict=True)
        ]
        anyway = gr.Checkbox(label=words("dataset_edit_anyway"), container=False)
        with gr.Row():
            save = gr.Button(words("dataset_edit_save"), elem_classes=["narrow"])
            back = gr.Button(
                words("dataset_edit_back"), visible=known is not None, elem_classes=["narrow"], elem_id="dataset-back"
            )

        def shown(told: str) -> tuple[Any, ...]:
            return told, self._shown(version, sample), gr.update(visible=desk.edits.waiting(sample) is not None)

        def keep(anyway: bool, *texts: str) -> tuple[Any, ...]:
            return shown(self._save(version, sample, anyway, texts))

        def take_back() -> tuple[Any, ...]:
            desk.edits.take_back(version, sample)
            return *shown(show.good(words("dataset_edit_is_back"))), *old

        outputs = [self.edited, self.shown, back]
        done = room.on(save.click, room.handled(keep, others=2), [anyway, *boxes], outputs)
        refresh(done.then)
        taken = room.on(back.click, room.handled(take_back, others=2 + len(old)), None, [*outputs, *boxes])
        refresh(taken.then)

    def _save(self, version: str, sample: str, anyway: bool, texts: tuple[str, ...]) -> str:
        edits, words = self._room.workspace.desk.dataset.edits, self._room.words
        done = edits.save(version, sample, texts, anyway)
        if done.complaint is not None:
            return show.bad(words("dataset_edit_complaint", why=done.complaint), words("dataset_edit_complaint_hint"))
        if done.back:
            return show.good(words("dataset_edit_is_back"))
        told = show.good(words("dataset_edit_saved", place=done.place, part=words("dataset_part_generate")))
        if done.by_hand:
            told += show.bad(words("dataset_by_hand"), "\n".join(done.by_hand))
        if edits.taken is not None:
            told += show.bad(words("dataset_edit_taken", version=edits.taken))
        return told


def _facts(row: Row, words: Words) -> Iterator[tuple[str, str]]:
    """Where it stands and comes from."""
    sample, origin = row.made.sample, row.made.origin
    held = f" ({row.held_out})" if row.held_out else ""
    yield words("dataset_split"), words(f"split_{row.split or 'none'}") + held
    yield words("kind"), f"{sample.kind}, {sample.language}"
    yield words("dataset_fact"), sample.fact
    if sample.symbols:
        yield words("symbols"), words("comma").join(sample.symbols)
    yield words("dataset_places"), words("comma").join(map(str, origin.spans)) or "-"
    writer = words("dataset_written_by", model=origin.model) if origin.model else ""
    yield words("dataset_producer"), words("comma").join(filter(None, [origin.producer, writer]))
    if origin.task:
        yield words("dataset_task"), origin.task[:16]


def _ratings(ratings: tuple[Rating, ...], words: Words) -> Iterator[tuple[str, str]]:
    for rating in ratings:
        verdict = words(f"rated_{rating.verdict}") if rating.verdict else ""
        said = words("comma").join(filter(None, [verdict, rating.note, rating.rater or ""]))
        yield words("dataset_rating"), f"{said} ({rating.time[:16].replace('T', ' ')})"
