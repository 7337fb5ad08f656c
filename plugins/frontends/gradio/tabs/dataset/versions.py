"""The versions of the dataset: which there are, which one all parts show, their names and their removal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.pages import Pages
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.datasets.listing import Listed
    from docutune.plugins.frontends.gradio.words import Words

_ROWS = 15
_SPLITS = ("train", "validation", "test")


class Chosen:
    """The version that is shown, chosen from those that are here; `seen` changes when there are others."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.none = gr.HTML(padding=False, elem_id="dataset-none")
        self.version = gr.Dropdown(
            label=words("dataset_version"), info=words("dataset_version_info"), visible=False, elem_id="dataset-version"
        )
        self.seen = gr.State(None)

    def follow(self) -> None:
        """Let the choice follow what comes and goes on the disk."""
        self._room.quietly(self._follow, [self.seen, self.version], [self.seen, self.none, self.version])

    def _follow(self, seen: Any, value: str | None) -> tuple[Any, ...]:
        room, words = self._room, self._room.words
        try:
            sign = room.workspace.desk.dataset.sign()
            if sign == seen:
                return gr.skip(), gr.skip(), gr.skip()
            found = room.workspace.datasets.list()
        except Exception as error:
            return None, room.mistake(error), gr.skip()
        names = [item.version for item in found if item.facts is not None]
        newest = next(reversed(names), None)
        newest_before = next((name for name in reversed(names) if name in (seen or ())), None)
        kept = value if value in names and value != newest_before else newest  # who looks at the newest goes on so
        told = "" if names else show.to_do(words("dataset_none", part=words("dataset_part_generate")))
        choices = [(_title(item, words), item.version) for item in reversed(found) if item.facts is not None]
        same: dict[str, Any] = {} if kept == value else {"value": kept}  # who is at work there is not disturbed
        return sign, told, gr.update(choices=choices, visible=bool(names), **same)


def build(room: Room, chosen: Chosen) -> None:
    """Put the table on the page, and what can be done with the version that is chosen."""
    table = gr.HTML(elem_id="dataset-versions", padding=False)
    pages = Pages(room, "dataset-versions")
    outputs = [table, *pages.outputs]
    pages.turn(lambda number: _listed(room, pages, number), [], outputs)
    names = _Names(room)
    removal = _Removal(room)

    def look() -> tuple[Any, ...]:
        return (*_listed(room, pages, 1), *names.filled())

    outputs = [*outputs, *names.filling]
    room.on(chosen.seen.change, room.handled(look, len(outputs) - 1), None, outputs, show_progress="hidden")
    names.bind(chosen.version)
    removal.bind(chosen.version)


class _Names:
    """Tags: given, moved and taken away."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        gr.HTML(show.heading(words("dataset_names")), padding=False)
        with gr.Row(equal_height=True):
            self.name = gr.Textbox(label=words("dataset_tag"), info=words("dataset_tag_info"), elem_id="dataset-tag")
            self.tags = gr.Dropdown(
                label=words("dataset_tags"), info=words("dataset_tags_info"), elem_id="dataset-tags"
            )
        self.move = gr.Checkbox(label=words("dataset_tag_move"), container=False)
        with gr.Row():
            self.give = gr.Button(words("dataset_tag_give"), elem_classes=["narrow"])
            self.take = gr.Button(words("dataset_tag_take"), elem_classes=["narrow"])
        self.message = gr.HTML(elem_id="dataset-names", padding=False)
        self.filling = [self.tags]

    def filled(self) -> list[Any]:
        """The tags that there are."""
        tags = [tag for item in self._room.workspace.datasets.list() for tag in item.uses.tags]
        return [gr.update(choices=sorted(tags), value=None)]

    def bind(self, version: Any) -> None:
        """Let the buttons work."""
        room = self._room
        given, outputs = [version, self.name, self.move], [self.message, self.name]
        room.on(self.give.click, room.handled(self._give, others=1), given, outputs)
        room.on(self.take.click, room.handled(self._take), self.tags, self.message)

    def _give(self, version: str | None, name: str, move: bool) -> tuple[Any, ...]:
        words = self._room.words
        if not version or not name.strip():
            return show.to_do(words("dataset_tag_missing")), gr.skip()
        given, before = self._room.workspace.datasets.tag(name.strip(), version, move)
        key = "dataset_tag_moved" if before not in (None, given) else "dataset_tag_given"
        return show.good(words(key, tag=name.strip(), version=given, before=before)), ""

    def _take(self, name: str | None) -> str:
        words = self._room.words
        if not name:
            return show.to_do(words("dataset_tag_none"))
        return show.good(words("dataset_tag_taken", tag=name, version=self._room.workspace.datasets.untag(name)))


class _Removal:
    """Removing the version that is chosen: what names it is told first, and asked for a word."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        gr.HTML(show.heading(words("dataset_removal")), padding=False)
        self.ask = gr.Button(words("dataset_remove"), elem_classes=["narrow"], elem_id="dataset-remove")
        self.message = gr.HTML(elem_id="dataset-removal", padding=False)
        with gr.Column(visible=False) as self.sure:
            self.forced = gr.Checkbox(label=words("dataset_remove_named"), container=False, elem_id="dataset-forced")
            with gr.Row():
                self.yes = gr.Button(words("dataset_remove_yes"), variant="stop", elem_classes=["narrow"])
                self.no = gr.Button(words("dataset_remove_no"), elem_classes=["narrow"])
        self.asked = gr.State(None)

    def bind(self, version: Any) -> None:
        """Let the buttons work; what is removed is what was asked about, whatever is chosen by then."""
        room = self._room
        outputs = [self.message, self.sure, self.forced, self.asked]
        room.on(self.ask.click, room.handled(self._ask, others=3), version, outputs)
        room.on(self.yes.click, room.handled(self._remove, others=3), [self.asked, self.forced], outputs)
        room.on(self.no.click, lambda: ("", *self._closed()), None, outputs)
        room.on(version.change, self._closed, None, outputs[1:], show_progress="hidden")

    def _ask(self, version: str | None) -> tuple[Any, ...]:
        words = self._room.words
        if not version:
            return show.to_do(words("dataset_choose_first")), *self._closed()
        found, size, uses = self._room.workspace.datasets.removable(version, force=True)
        named = list(uses.told())
        told = words("dataset_remove_asks", version=found, size=show.size(size))
        warned = words("dataset_remove_uses", users="; ".join(named)) if named else None
        forced = gr.update(value=False, visible=bool(named))
        return show.bad(told, warned), gr.update(visible=True), forced, found

    def _remove(self, version: str | None, forced: bool) -> tuple[Any, ...]:
        assert version is not None, "the button is seen only after a version was asked about"
        removed = self._room.workspace.datasets.remove(version, forced)
        return show.good(self._room.words("dataset_removed", version=removed)), *self._closed()

    def _closed(self) -> list[Any]:
        return [gr.update(visible=False), gr.update(value=False), None]


def _listed(room: Room, pages: Pages, number: int) -> list[Any]:
    words = room.words
    found = list(reversed(room.workspace.datasets.list()))
    last = max(1, -(-len(found) // _ROWS))
    number = min(max(number, 1), last)
    heads = [words(name) for name in ("dataset_version", "dataset_tags", *_HEADS)]
    rows = (_row(item, words) for item in found[(number - 1) * _ROWS : number * _ROWS])
    table = show.table(heads, rows, numbers=(2, 3, 4)) if found else _nothing(words)
    return [table, *pages.told(number, last)]


_HEADS = ("split_train", "split_validation", "split_test", "dataset_made", "dataset_by", "dataset_used")


def _row(item: Listed, words: Words) -> Sequence[object]:
    uses = item.uses
    run = words("dataset_from_run", run=uses.runs[0], more=len(uses.runs)) if uses.runs else ""
    origin = words("dataset_from_file", file=uses.imported.file) if uses.imported else run
    used = words("comma").join((*uses.models, *uses.pipelines))
    if item.facts is None:
        return item.version, "", "", "", "", words("dataset_damaged"), origin, used
    sizes = (item.facts.samples.get(split, 0) for split in _SPLITS)
    made = f"{item.facts.made:%Y-%m-%d %H:%M} UTC"
    return item.version, words("comma").join(uses.tags), *sizes, made, origin, used


def _title(item: Listed, words: Words) -> str:
    """A version as the choice shows it: "1336dae6f7c13f79 · v1 · 60 train, 3 validation · 2026-11-22 04:02"."""
    assert item.facts is not None
    sizes = words("comma").join(
        f"{count:,} {words(f'split_{split}')}" for split, count in item.facts.samples.items() if count
    )
    made = f"{item.facts.made:%Y-%m-%d %H:%M}"
    return " · ".join(filter(None, [item.version, words("comma").join(item.uses.tags), sizes, made]))


def _nothing(words: Words) -> str:
    return show.to_do(words("dataset_none", part=words("dataset_part_generate")))
