"""How good the chosen version is: what the report finds, and what was left out of it, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.pages import Pages
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.datasets.show import LeftOut
    from docutune.desk.dataset import Judgement
    from docutune.plugins.frontends.gradio.words import Words
    from docutune.report.quality import Quality

_ROWS = 10
_SHORT = 160  # characters of what is said


def build(room: Room, version: Any) -> None:
    """Put it on the page."""
    words = room.words
    empty = show.to_do(words("dataset_quality_about", make=words("dataset_quality_make")))
    make = gr.Button(words("dataset_quality_make"), elem_classes=["narrow"], elem_id="dataset-quality-make")
    report = gr.HTML(empty, elem_id="dataset-quality", padding=False)
    room.on(
        make.click,
        room.handled(lambda name: _report(room, name)),
        version,
        report,
        concurrency_limit=1,
    )
    room.on(version.change, lambda: empty, None, report, show_progress="hidden")
    _LeftOut(room).bind(version)


class _LeftOut:
    """What was left out before the version was made, counted by reasons, and one by one."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        gr.HTML(show.heading(words("dataset_left_out")), padding=False)
        self.reasons = gr.HTML(elem_id="dataset-reasons", padding=False)
        self.reason = gr.Dropdown(label=words("dataset_reason"), visible=False, elem_id="dataset-reason")
        self.items = gr.HTML(elem_id="dataset-left-out", padding=False)
        self.pages = Pages(room, "dataset-left-out")

    def bind(self, version: Any) -> None:
        """Let it show the chosen version."""
        room, listed = self._room, [self.items, *self.pages.outputs]
        outputs = [self.reasons, self.reason, *listed]
        room.on(version.change, room.handled(self._opened, len(outputs) - 1), version, outputs, show_progress="hidden")
        self.pages.turn(self._page, [version, self.reason], listed)
        room.on(
            self.reason.input,
            room.handled(lambda name, reason: self._page(1, name, reason), len(listed) - 1),
            [version, self.reason],
            listed,
            show_progress="hidden",
        )

    def _opened(self, version: str | None) -> tuple[Any, ...]:
        words = self._room.words
        if not version:
            return "", gr.update(visible=False), "", *self.pages.told(1, 1)
        found = self._room.workspace.datasets.left_out(version)
        counts = Counter(item.kind for item in found).most_common()
        told = show.to_do(words("dataset_left_out_none"))
        if counts:
            told = show.table([words("dataset_reason"), words("samples")], counts, numbers=(1,))
        choices = [(words("all"), ""), *((kind, kind) for kind, _ in counts)]
        reason = gr.update(choices=choices, value="", visible=bool(counts))
        return told, reason, *self._listed(found, 1)

    def _page(self, number: int, version: str | None, reason: str | None) -> list[Any]:
        if not version:
            return ["", *self.pages.told(1, 1)]
        return self._listed(self._room.workspace.datasets.left_out(version, reason or None), number)

    def _listed(self, found: Any, number: int) -> list[Any]:
        words = self._room.words
        last = max(1, -(-len(found) // _ROWS))
        number = min(max(number, 1), last)
        heads = [words(name) for name in ("dataset_reason", "dataset_said", "dataset_places")]
        rows = [_item(item, words) for item in found[(number - 1) * _ROWS : number * _ROWS]]
        return [show.table(heads, rows) if rows else "", *self.pages.told(number, last)]


def _item(item: LeftOut, words: Words) -> tuple[str, ...]:
    messages = item.sample["messages"] if item.sample else ()
    said = " → ".join(_short(message["content"]) for message in messages if message["role"] != "system")
    return f"{item.producer}: {item.reason}", said or words("dataset_no_sample"), words("comma").join(item.places)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 1]}…"


def _report(room: Room, version: str | None) -> str:
    words = room.words
    if not version:
        return show.to_do(words("dataset_choose_first"))
    found = room.workspace.desk.dataset.quality(version, words.language)
    parts = [f"<p>{show.text(found.headline)}</p>"]
    boxes: Mapping[str, Callable[[str], str]] = {"good": show.good, "look": show.to_do, "bad": show.bad}
    parts += [
        boxes[finding.level](f"{words(f'dataset_level_{finding.level}')} {finding.text}") for finding in found.findings
    ]
    parts += [show.to_do(note) for note in found.notes]
    parts += [*_tables(found.quality, words), _whole(found, words)]
    return "".join(parts)


def _tables(quality: Quality, words: Words) -> Iterator[str]:
    content = quality.content
    yield show.heading(words("dataset_by_kind"))
    splits = ("train", "validation", "test", "left out")
    heads = [words("kind"), *(words(f"split_{split.replace(' ', '_')}") for split in splits)]
    rows = [(kind, *(counts.get(split, 0) for split in splits)) for kind, counts in content.by_kind.items()]
    yield show.table(heads, rows, numbers=(1, 2, 3, 4))
    lengths = [(words(f"part_{item.part}"), words("dataset_estimate"), *_three(item)) for item in content.lengths]
    for training in quality.trainings:
        measured = training.measured.lengths if training.measured else ()
        lengths += [(words(f"part_{item.part}"), training.name, *_three(item)) for item in measured]
    yield show.heading(words("dataset_lengths"))
    heads = [words(name) for name in ("dataset_part_of", "dataset_counted_by", "shortest", "median", "longest")]
    yield show.table(heads, lengths, numbers=(2, 3, 4))


def _three(item: Any) -> tuple[int, int, int]:
    return item.shortest, item.median, item.longest


def _whole(found: Judgement, words: Words) -> str:
    return f"<p>{show.text(words('dataset_quality_whole'))} {show.download(found.page, found.page.name)}</p>"
