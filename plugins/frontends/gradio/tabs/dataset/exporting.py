"""The chosen version as a file to download: written into the folder exports/ of the workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.datasets.export import Exported
    from docutune.records import Split

_FORMS = ("messages", "alpaca", "sharegpt", "csv", "parquet", "hf")
_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def build(room: Room, version: Any) -> None:
    """Put it on the page."""
    words = room.words
    with gr.Row(equal_height=True):
        form = gr.Dropdown(
            [(words(f"dataset_form_{name}"), name) for name in _FORMS],
            value=_FORMS[0],
            label=words("dataset_form"),
            info=words("dataset_form_info"),
            elem_id="dataset-form",
        )
        splits = gr.CheckboxGroup(
            [(words(f"split_{name}"), name) for name in _SPLITS],
            label=words("dataset_splits"),
            info=words("dataset_splits_info"),
        )
    write = gr.Button(words("dataset_export"), variant="primary", elem_classes=["narrow"], elem_id="dataset-export")
    done = gr.HTML(
        show.to_do(words("dataset_export_about", folder="exports/datasets")), elem_id="dataset-exported", padding=False
    )

    def export(name: str | None, form: str, splits: Sequence[Split]) -> str:
        if not name:
            return show.to_do(words("dataset_choose_first"))
        return _told(room, room.workspace.desk.dataset.export(name, form, splits))

    room.on(write.click, room.handled(export), [version, form, splits], done)


def _told(room: Room, done: Exported) -> str:
    words = room.words
    told = words("dataset_exported", version=done.version, count=f"{done.samples:,}", size=show.size(done.bytes))
    back = words("dataset_comes_back", version=done.comes_back_as) if done.comes_back_as else ""
    links = "".join(
        f"<p>{show.download(file, file.relative_to(room.workspace.project).as_posix())}</p>"
        for file in _files(done.output)
    )
    lost = "\n".join(done.drops)
    missing = show.to_do(f"{words('dataset_drops')}\n{lost}") if lost else ""
    return show.good("\n".join(filter(None, [told, back]))) + links + missing


def _files(output: Path) -> Iterator[Path]:
    """The files of an export; that of the datasets library is a folder."""
    if output.is_file():
        yield output
    else:
        yield from sorted(path for path in output.rglob("*") if path.is_file())
