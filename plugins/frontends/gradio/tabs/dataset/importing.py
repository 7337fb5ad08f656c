"""Question-answer pairs from elsewhere: looked at first, then added to the samples of the pipeline; typed ones, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import UsageError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.datasets.importing import Importing, ImportRequest, Preview, Written
    from docutune.datasets.reading import Remark, SampleFile
    from docutune.plugins.frontends.gradio.words import Words
    from docutune.records import Sample

_SUFFIXES = [".csv", ".tsv", ".xlsx", ".json", ".jsonl"]
_SAMPLES = 3
_MOST = 100  # lines of a list
_SHORT = 120


def build(room: Room) -> None:
    """Put it on the page."""
    _Files(room).bind()
    _Typing(room).bind()
    _Check(room).bind()


class _Files:
    """Files to upload, how to read them, what would be added and what not, and the word to do it."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.files = gr.File(
            label=words("import_files"), file_count="multiple", file_types=_SUFFIXES, elem_id="import-files"
        )
        gr.HTML(show.to_do(words("import_about", look=words("import_look"))), padding=False)
        with gr.Row(equal_height=True):
            self.columns = [
                gr.Dropdown(
                    label=words(f"import_{name}"),
                    info=words(f"import_{name}_info"),
                    choices=[("", "")],
                    value="",
                    allow_custom_value=True,
                    elem_id=f"import-{name}",
                    min_width=180,
                )
                for name in ("question", "answer", "system")
            ]
        with gr.Accordion(words("import_more"), open=False):
            with gr.Row(equal_height=True):
                self.system = gr.Textbox(label=words("import_prompt"), info=words("import_prompt_info"))
                self.encoding = gr.Textbox(label=words("import_encoding"), info=words("import_encoding_info"))
            with gr.Row(equal_height=True):
                share: dict[str, Any] = {"minimum": 0, "maximum": 0.5, "step": 0.01}
                self.validation = gr.Slider(
                    value=0.1, label=words("import_validation"), info=words("import_share_info"), **share
                )
                self.test = gr.Slider(value=0.05, label=words("import_test"), info=words("import_share_info"), **share)
        with gr.Row():
            self.look = gr.Button(words("import_look"), elem_classes=["narrow"], elem_id="import-look")
            self.write = gr.Button(
                words("import_write"),
                variant="primary",
                interactive=False,
                elem_classes=["narrow"],
                elem_id="import-write",
            )
        self.message = gr.HTML(elem_id="import-message", padding=False)
        self.preview = gr.HTML(elem_id="import-preview", padding=False)

    def bind(self) -> None:
        """Let it work; files are looked at as soon as they are here."""
        room = self._room
        inputs = [self.files, *self.columns, self.system, self.encoding, self.validation, self.test]
        outputs = [self.message, self.preview, self.write, *self.columns]
        for event in (self.files.upload, self.look.click):
            room.on(event, self._looked, inputs, outputs, concurrency_limit=2)
        written = [self.message, self.preview, self.write]
        room.on(self.write.click, room.handled(self._write, others=2), inputs, written)
        cleared = ("", "", gr.update(interactive=False))
        room.on(self.files.clear, lambda: cleared, None, [self.message, self.preview, self.write])

    def _looked(self, *given: Any) -> tuple[Any, ...]:
        """What an import would do; what is wrong keeps it from being done."""
        still = [gr.skip() for _ in self.columns]
        try:
            preview = self._importing.preview(_request(self._room, *given))
        except Exception as error:
            return _refused(self._room, given[0], error), "", gr.update(interactive=False), *still
        fields = dict.fromkeys(name for item in preview.files for name in item.parsed.fields)
        choices = [("", ""), *((name, name) for name in fields)]
        ready = bool(preview.fresh or preview.exports)
        shown = _preview(preview, self._room.words)
        return "", shown, gr.update(interactive=ready), *(gr.update(choices=choices) for _ in self.columns)

    def _write(self, *given: Any) -> tuple[Any, ...]:
        """Do it."""
        importing, request = self._importing, _request(self._room, *given)
        importing.refuse_unwritable(request)
        done = importing.write(request, importing.preview(request))
        shown = _preview(done.preview, self._room.words)
        return _written(self._room, done), shown, gr.update(interactive=False)

    @property
    def _importing(self) -> Importing:
        workspace = self._room.workspace
        return workspace.datasets.importing(workspace.desk.file.path)


class _Typing:
    """A question and its answer, typed."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        with gr.Accordion(words("add_title"), open=False):
            self.question = gr.Textbox(label=words("role_user"), lines=2, elem_id="add-question")
            self.answer = gr.Textbox(label=words("role_assistant"), lines=3, elem_id="add-answer")
            splits = [(words("add_split_unset"), ""), *((words(f"split_{name}"), name) for name in _SPLITS)]
            self.split = gr.Dropdown(splits, value="", label=words("dataset_split"))
            self.anyway = gr.Checkbox(label=words("add_anyway"), container=False)
            self.add = gr.Button(words("add_one"), elem_classes=["narrow"], elem_id="add-one")
            self.message = gr.HTML(elem_id="add-message", padding=False)

    def bind(self) -> None:
        """Let it work."""
        inputs = [self.question, self.answer, self.split, self.anyway]
        outputs = [self.message, self.question, self.answer]
        self._room.on(self.add.click, self._room.handled(self._add, others=2), inputs, outputs)

    def _add(self, question: str, answer: str, split: Any, anyway: bool) -> tuple[Any, ...]:
        workspace, words = self._room.workspace, self._room.words
        adding = workspace.datasets.adding(workspace.desk.file.path)
        typed = workspace.desk.dataset.typed(question, answer, split or None)
        complaint = adding.complaint(typed)
        if complaint is not None and not anyway:
            return show.bad(words("add_complaint", why=complaint), words("add_complaint_hint")), gr.skip(), gr.skip()
        place = f"{adding.target.relative_to(workspace.project)}:{adding.add(typed)}"
        told = show.good(words("added", place=place, part=words("dataset_part_generate")))
        return told + _listed(words, *adding.list_in_pipeline(), adding.target.name), "", ""


class _Check:
    """Every row of every file of samples that the pipeline reads."""

    def __init__(self, room: Room) -> None:
        self._room = room
        with gr.Accordion(room.words("validate_title"), open=False):
            self.check = gr.Button(room.words("validate"), elem_classes=["narrow"], elem_id="dataset-validate")
            self.found = gr.HTML(elem_id="dataset-problems", padding=False)

    def bind(self) -> None:
        """Let it work."""
        self._room.on(self.check.click, self._room.handled(self._look), None, self.found, concurrency_limit=1)

    def _look(self) -> str:
        workspace, words = self._room.workspace, self._room.words
        checked = workspace.datasets.check(workspace.desk.file.path, ())
        rows = [(file, *(counts.get(split, 0) for split in (*_SPLITS, ""))) for file, counts in checked.rows.items()]
        heads = [words("import_file"), *(words(f"split_{split}") for split in (*_SPLITS, "none"))]
        told = show.table(heads, rows, numbers=(1, 2, 3, 4)) + "".join(show.to_do(note) for note in checked.notes)
        if not checked.problems:
            return show.good(words("validate_right")) + told
        count = show.bad(words("validate_wrong", count=f"{len(checked.problems):,}"))
        return count + _remarks(checked.problems, words) + told


_SPLITS = ("train", "validation", "test")


def _request(room: Room, files: Sequence[str] | None, *given: Any) -> ImportRequest:
    if not files:
        raise UsageError(room.words("import_no_file"))
    *columns, system, encoding, validation, test = given
    return room.workspace.desk.dataset.request(files, columns, system or "", encoding or "", validation, test)


def _refused(room: Room, files: Sequence[str] | None, error: Exception) -> str:
    """Uploaded files are known by their names, not by where the page keeps them; what helps is on the page."""
    if not isinstance(error, UsageError):
        return room.mistake(error)
    message, hint = error.message, error.hint
    for name in files or ():
        message = message.replace(name, Path(name).name)
    for word in ("columns", "encoding"):
        if word in message:
            hint = room.words(f"import_name_{word}")
            break
    return show.bad(message, hint)


def _preview(preview: Preview, words: Words) -> str:
    parts = [show.facts(_figures(preview, words))]
    parts += [show.to_do(words("import_is_export", file=path.name)) for path in preview.exports]
    parts += [_file(item, words) for item in preview.files if item.trouble is None]
    if preview.left_out:
        parts += [show.heading(words("import_left_out")), _remarks(preview.left_out, words)]
    if preview.remarks:
        parts += [show.heading(words("import_remarks")), _remarks(preview.remarks, words)]
    return "".join(parts)


def _figures(preview: Preview, words: Words) -> Iterator[tuple[str, object]]:
    yield words("import_fresh"), len(preview.fresh)
    yield from ((words(f"split_{split}"), count) for split, count in preview.sizes.items())
    yield words("import_already"), preview.already
    yield words("import_left_out"), len(preview.left_out)


def _file(item: SampleFile, words: Words) -> str:
    facts = [item.parsed.shape, item.encoding, words("import_rows", count=f"{item.rows:,}")]
    unused = words("import_unused", columns=words("comma").join(item.parsed.unused)) if item.parsed.unused else ""
    columns = words("import_columns", columns=words("comma").join(item.parsed.fields))
    told = words("comma").join(filter(None, facts))
    head = f"<p><b>{show.text(f'{Path(item.file.shown).name}: {told}')}</b></p>"
    heads = [words("import_row"), words("role_user"), words("role_assistant")]
    rows = [(given.row or given.span.first_line, *_said(given.sample)) for given in item.parsed.samples[:_SAMPLES]]
    about = f"<p>{show.text(words('stop').join(filter(None, [columns, unused])))}</p>"
    return head + about + show.table(heads, rows, numbers=(0,))


def _said(sample: Sample) -> tuple[str, str]:
    turns = [message for message in sample.messages if message.role != "system"]
    asked = next((message.content for message in turns if message.role == "user"), "")
    return _short(asked), _short(turns[-1].content if turns else "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 1]}…"


def _remarks(remarks: Sequence[Remark], words: Words) -> str:
    table = show.table([words("import_where"), words("dataset_reason")], _lines(remarks[:_MOST]))
    more = len(remarks) - _MOST
    return table + (f"<p>{show.text(words('import_more_lines', count=f'{more:,}'))}</p>" if more > 0 else "")


def _lines(remarks: Iterable[Remark]) -> Iterator[tuple[str, str]]:
    for remark in remarks:
        folder = f"{Path(remark.place.source).parent}/" if Path(remark.place.source).is_absolute() else ""
        yield remark.where.removeprefix(folder), remark.reason.replace(folder, "") if folder else remark.reason


def _written(room: Room, done: Written) -> str:
    words, preview = room.words, done.preview
    parts = [show.good(words("import_back", version=version.version)) for version in done.versions]
    name = preview.target.name
    if preview.target.is_relative_to(room.workspace.project):
        name = preview.target.relative_to(room.workspace.project).as_posix()
    if preview.fresh:
        count = f"{len(preview.fresh):,}"
        parts.append(show.good(words("imported", count=count, file=name, part=words("dataset_part_generate"))))
    if done.kept is not None:
        parts.append(show.to_do(words("import_kept", file=done.kept.relative_to(room.workspace.project).as_posix())))
    return "".join(parts) + _listed(words, done.listed, done.lines, name)


def _listed(words: Words, listed: str, lines: tuple[str, ...], name: str) -> str:
    """What became of the entry in `sources:`."""
    if listed == "added":
        return show.good(words("import_listed", file=name))
    if listed == "by hand":
        return show.bad(words("dataset_by_hand"), "\n".join(lines))
    return "" if listed else show.to_do(words("import_no_pipeline", tab=words("tab_sources")))
