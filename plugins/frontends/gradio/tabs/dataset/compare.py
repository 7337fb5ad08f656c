"""What differs between two versions, with the cause of each difference, and how the dataset changed from run to run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.pages import Pages
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.corpus import Row
    from docutune.datasets.compare import What
    from docutune.datasets.diff import Diff, Explained
    from docutune.datasets.log import Entry
    from docutune.plugins.frontends.gradio.words import Words

_ROWS = 10
_ENTRIES = 20
_WHATS: tuple[What, ...] = ("changed", "removed", "added")


def build(room: Room, version: Any) -> None:
    """Put it on the page: from another version to the chosen one."""
    words = room.words
    with gr.Row(equal_height=True):
        before = gr.Dropdown(label=words("dataset_before"), info=words("dataset_before_info"), elem_id="dataset-before")
        what = gr.Dropdown(
            [(words("all"), ""), *((words(f"diff_{name}"), name) for name in _WHATS)],
            value="",
            label=words("dataset_what"),
            info=words("dataset_what_info"),
        )
    compare = gr.Button(words("dataset_compare"), variant="primary", elem_classes=["narrow"], elem_id="dataset-compare")
    counts = gr.HTML(show.to_do(words("dataset_compare_about")), elem_id="dataset-diff", padding=False)
    items = gr.HTML(elem_id="dataset-differences", padding=False)
    pages = Pages(room, "dataset-diff")
    with gr.Accordion(words("dataset_history"), open=False):
        remember = gr.Button(words("dataset_history_show"), elem_classes=["narrow"])
        history = gr.HTML(elem_id="dataset-history", padding=False)

    def found(number: int, first: str | None, second: str | None, kind: str | None) -> list[Any]:
        return _compared(room, pages, number, first, second, kind or "")

    outputs, inputs = [counts, items, *pages.outputs], [before, version, what]
    shown = room.handled(lambda *given: found(1, *given), others=len(outputs) - 1)
    room.on(compare.click, shown, inputs, outputs)
    pages.turn(found, inputs, outputs)
    room.on(version.change, room.handled(lambda name: _others(room, name)), version, before, show_progress="hidden")
    room.on(remember.click, room.handled(lambda: _history(room)), None, history)


def _others(room: Room, version: str | None) -> Any:
    """The versions to compare with; the one before the chosen one first."""
    names = [item.version for item in room.workspace.datasets.list() if item.facts is not None]
    place = names.index(version) if version in names else len(names)
    others = [name for name in names if name != version]
    return gr.update(choices=others[::-1], value=names[place - 1] if place else next(iter(others), None))


def _compared(room: Room, pages: Pages, number: int, first: str | None, second: str | None, kind: str) -> list[Any]:
    words = room.words
    if not first or not second:
        return [show.to_do(words("dataset_compare_two")), "", *pages.told(1, 1)]
    diff = room.workspace.datasets.diff(first, second)
    wanted = [item for item in diff.found if kind in ("", item.difference.what)]
    last = max(1, -(-len(wanted) // _ROWS))
    number = min(max(number, 1), last)
    shown = wanted[(number - 1) * _ROWS : number * _ROWS]
    return [_counts(diff, words), "".join(_item(item, words) for item in shown), *pages.told(number, last)]


def _counts(diff: Diff, words: Words) -> str:
    if not diff.found:
        return show.good(words("dataset_no_difference"))
    told = [(words(f"diff_{what}"), len(diff.of(what))) for what in _WHATS]
    causes = show.table([words("dataset_cause"), words("samples")], diff.causes.items(), numbers=(1,))
    return show.facts([*told, (words("dataset_same"), diff.same)]) + causes


def _item(item: Explained, words: Words) -> str:
    difference = item.difference
    row = difference.after or difference.before
    assert row is not None, "a difference has a row on one side at least"
    what = words(f"diff_{difference.what}")
    head = f"{what} · {_split(row, words)} · {row.made.sample.kind} · {row.made.sample.id}"
    return show.card(
        head, [*_told(difference.before, difference.after, words), (words("dataset_cause"), str(item.cause))]
    )


def _told(before: Row | None, after: Row | None, words: Words) -> Iterator[tuple[str, str]]:
    """What is said, both where it differs."""
    if before is None or after is None:
        row = before or after
        for message in row.made.sample.messages if row else ():
            yield words(f"role_{message.role}"), message.content
        return
    if before.split != after.split:
        yield words("dataset_split"), f"{_split(before, words)} → {_split(after, words)}"
    old, new = before.made.sample.messages, after.made.sample.messages
    for place in range(max(len(old), len(new))):
        first, second = (messages[place] if place < len(messages) else None for messages in (old, new))
        known = second or first
        assert known is not None, "one of them is that long"
        role = words(f"role_{known.role}")
        if first == second:
            yield role, known.content
        else:
            yield words("dataset_was", role=role), first.content if first else ""
            yield words("dataset_is", role=role), second.content if second else ""


def _split(row: Row, words: Words) -> str:
    return words(f"split_{row.split or 'none'}")


def _history(room: Room) -> str:
    words = room.words
    entries = room.workspace.datasets.log(_ENTRIES)
    if not entries:
        return show.to_do(words("dataset_none", part=words("dataset_part_generate")))
    names = ("time", "dataset_version", "dataset_act", "dataset_by", "dataset_what", "dataset_cause")
    return show.table([words(name) for name in names], (_entry(entry, words) for entry in entries))


def _entry(entry: Entry, words: Words) -> tuple[str, ...]:
    change, act = entry.change, words(f"dataset_act_{entry.act}")
    told = why = ""
    if change is not None:
        told = words("dataset_change", added=change.added, removed=change.removed, changed=change.changed)
        why = "; ".join(change.why)
    version = " ".join((entry.version, *entry.tags))
    return entry.time[:16].replace("T", " "), version, act, entry.run or entry.outcome, told, why or entry.note
