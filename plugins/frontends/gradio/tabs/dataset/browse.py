"""The samples of the chosen version: searched and turned over, and one of them opened, rated and edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.pages import Pages
from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs.dataset import opened

if TYPE_CHECKING:
    from docutune.corpus import Row
    from docutune.plugins.frontends.gradio.words import Words
    from docutune.rated import Rating

_ROWS = 10
_SHORT = 110  # characters of a question in the list
_JUDGED = ("unrated", "good", "bad", "skip")


def build(room: Room, version: Any) -> None:
    """Put it on the page."""
    browse = _Browse(room, version)
    one = opened.Opened(room)
    browse.bind(one.sample)
    one.bind(browse.refresh)


class _Browse:
    """The filters, and a page of the samples that fit."""

    def __init__(self, room: Room, version: Any) -> None:
        words = room.words
        self._room, self._version = room, version
        with gr.Row(equal_height=True, elem_classes=["filters"]):
            self.split = gr.Dropdown(label=words("dataset_split"), elem_id="dataset-split", min_width=150)
            self.kind = gr.Dropdown(label=words("kind"), elem_id="dataset-kind", min_width=150)
            choices = [(words("all"), ""), *((words(f"rated_{name}"), name) for name in _JUDGED)]
            self.judged = gr.Dropdown(
                choices, value="", label=words("dataset_rating"), elem_id="dataset-judged", min_width=150
            )
            self.text = gr.Textbox(
                label=words("dataset_text"),
                placeholder=words("dataset_text_info"),
                elem_id="dataset-text",
                min_width=220,
            )
        self.count = gr.HTML(elem_id="dataset-count", padding=False)
        self.list = gr.Radio(show_label=False, elem_id="dataset-samples", elem_classes=["list"], visible=False)
        self.pages = Pages(room, "dataset-samples")
        self._filters = [version, self.split, self.kind, self.judged, self.text]
        self._listed = [self.count, self.list, *self.pages.outputs]

    def bind(self, sample: Any) -> None:
        """Let filters and pages work; what is chosen in the list is the `sample` to open."""
        room, quiet = self._room, {"show_progress": "hidden"}
        outputs = [self.count, *self._filters[1:], *self._listed[1:]]
        filled = room.handled(self._opened, len(outputs) - 1)
        room.on(self._version.change, filled, self._version, outputs, **quiet)
        listed = room.handled(lambda *given: self._page(1, *given), len(self._listed) - 1)
        for event in (self.split.input, self.kind.input, self.judged.input, self.text.change):
            room.on(event, listed, self._filters, self._listed, trigger_mode="always_last", **quiet)
        self.pages.turn(self._page, self._filters, self._listed)
        room.on(self.list.input, lambda *given: given, [self._version, self.list], sample, **quiet)

    def refresh(self, event: Any) -> None:
        """Let an event show the same page again, as it is now."""
        shown = self._room.handled(self._page, len(self._listed) - 1)
        self._room.on(event, shown, [self.pages.number, *self._filters], self._listed, show_progress="hidden")

    def _opened(self, version: str | None) -> tuple[Any, ...]:
        words = self._room.words
        if not version:
            hidden = gr.update(visible=False, value=None)
            return self._nothing(), *(gr.skip() for _ in range(4)), hidden, *self.pages.told(1, 1)
        counts = self._room.workspace.desk.dataset.samples.counts(version)
        splits = [(f"{words(f'split_{name}')} ({count:,})", name) for name, count in counts.splits.items()]
        kinds = [(f"{name} ({count:,})", name) for name, count in counts.kinds.items()]
        told, *rest = self._page(1, version, "", "", "", "")
        every = (words("all"), "")
        filters = [gr.update(choices=[every, *found], value="") for found in (splits, kinds)]
        return told, *filters, gr.update(value=""), gr.update(value=""), *rest

    def _nothing(self) -> str:
        words = self._room.words
        return show.to_do(words("dataset_none", part=words("dataset_part_generate")))

    def _page(self, number: int, version: str | None, split: str, kind: str, judged: Any, text: str) -> list[Any]:
        if not version:
            return [self._nothing(), gr.update(visible=False, value=None), *self.pages.told(1, 1)]
        samples = self._room.workspace.desk.dataset.samples
        page = samples.search(version, number, _ROWS, split, kind, text, judged)
        choices = [
            (_line(row, page.ratings.get(row.made.sample.id, ()), self._room.words), row.made.sample.id)
            for row in page.rows
        ]
        told = f'<p class="page">{self._room.words("dataset_matching", count=f"{page.matching:,}")}</p>'
        if not page.matching:
            told = show.to_do(self._room.words("dataset_matching_none"))
        shown = gr.update(choices=choices, visible=bool(choices))
        return [told, shown, *self.pages.told(page.number, page.pages)]


def _line(row: Row, ratings: tuple[Rating, ...], words: Words) -> str:
    sample = row.made.sample
    asked = next((message.content for message in sample.messages if message.role == "user"), "")
    line = " ".join(asked.split())
    line = line if len(line) <= _SHORT else f"{line[: _SHORT - 1]}…"
    said = {words(f"rated_{rating.verdict}") for rating in ratings if rating.verdict}
    return " · ".join([line, words(f"split_{row.split or 'none'}"), sample.kind, *sorted(said)])
