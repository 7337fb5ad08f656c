"""Sources: which folders and files are read, and how they are parsed; where there is no pipeline file, a first one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from docutune.errors import ConfigError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.desk.beginning import Offer
    from docutune.desk.file import Written
    from docutune.desk.preview import Preview
    from docutune.records import Span

_BEGINNING = 90  # characters of a section's text


def build(room: Room) -> None:
    """Put the tab on the page."""
    words = room.words
    gr.Markdown(words("sources_about"))
    message = gr.HTML(elem_id="sources-message", padding=False)
    with gr.Column(visible=False) as beginning:
        begin = _Beginning(room)
    with gr.Column(visible=False) as choosing:
        choose = _Choosing(room)
    shown = _Shown(room)

    both = [beginning, choosing, *begin.components, *choose.components]
    look = room.handled(lambda: ("", *_look(room, begin, choose)), others=len(both))
    for event in (room.page.load, begin.look.click, choose.look.click):
        room.on(event, look, None, [message, *both])

    def make(project: str, languages: Sequence[str], model: str, names: Sequence[str]) -> tuple[Any, ...]:
        desk = room.workspace.desk
        if desk.file.path.exists():
            return show.to_do(words("sources_there")), *_look(room, begin, choose)
        try:
            desk.begin(project, languages, names, model)
        except ConfigError as error:
            return *begin.refused(error), *(gr.skip() for _ in choose.components)
        return show.good(words("begun", file=desk.file.path.name)), *_look(room, begin, choose)

    def save(names: Sequence[str], held: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
        return _save(room, names, held), *_look(room, begin, choose)

    def parse() -> tuple[Any, ...]:
        return *shown.parse(), *(gr.skip() for _ in both)

    def there(action: Callable[..., tuple[Any, ...]], others: int) -> Callable[..., Any]:
        """The action on the file; where that is gone, it is offered to make one."""

        def handler(*given: Any) -> tuple[Any, ...]:
            file = room.workspace.desk.file.path
            if file.exists():
                return action(*given)
            untouched = (gr.skip() for _ in range(others))
            return show.bad(words("sources_gone", file=file)), *untouched, *_look(room, begin, choose)

        return room.handled(handler, others + len(both))

    room.on(begin.make.click, room.handled(make, len(both)), begin.inputs, [message, *both])
    room.on(choose.save.click, there(save, 0), [choose.names, choose.held], [message, *both])
    outputs = [message, *shown.outputs, *both]
    room.on(choose.parse.click, there(parse, len(shown.outputs)), None, outputs, concurrency_limit=1)


class _Beginning:
    """The components of a first pipeline file."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.about = gr.HTML(padding=False)
        with gr.Row(equal_height=True, elem_classes=["beginning"]):
            self.project = gr.Textbox(label=words("begin_project"), info=words("begin_project_info"))
            self.languages = gr.CheckboxGroup(
                [("English", "en"), ("中文", "zh")],
                label=words("begin_language"),
                info=words("begin_language_info"),
            )
            self.model = gr.Textbox(label=words("begin_model"), info=words("begin_model_info"), elem_id="begin-model")
        self.names = gr.Dropdown(
            label=words("sources_choose"), info=words("sources_choose_info"), multiselect=True, elem_id="begin-sources"
        )
        with gr.Row():
            self.make = gr.Button(words("begin_make"), variant="primary", elem_classes=["narrow"])
            self.look = gr.Button(words("begin_look"), elem_classes=["narrow"])
        self.inputs = [self.project, self.languages, self.model, self.names]
        self.components = [self.about, *self.inputs]

    def filled(self, offer: Offer) -> list[Any]:
        """Updates that show what was found here."""
        words, found = self._room.words, [choice.name for choice in offer.choices if choice.found]
        about = show.to_do(words("begin_about"))
        if not found:
            about += show.bad(words("begin_nothing", folder=self._room.workspace.project, look=words("begin_look")))
        if offer.model is None:
            about += show.bad(words("begin_lacking", install="; ".join(offer.lacking)))
        names = [(_told(choice.name, choice.counts), choice.name) for choice in offer.choices]
        return [
            gr.update(value=about),
            gr.update(value=offer.project),
            gr.update(value=[offer.language]),
            gr.update(value=offer.model or "", interactive=offer.model is not None, **self._model_told()),
            gr.update(choices=names, value=found),
        ]

    def refused(self, error: ConfigError) -> list[Any]:
        """What is wrong with the file that was not made, by the names of its parts: it has no lines yet."""
        words, told = self._room.words, [f"{problem.key}: {problem.message}" for problem in error.problems]
        mistake = self._room.workspace.desk.explain(error, 0).at_fields.get("model")
        message = show.bad("\n".join(told), error.hint)
        if mistake is not None:
            message = show.bad(words("begin_wrong", field=words("begin_model")), mistake)
        still = [gr.skip() for _ in range(5)]
        return [message, *still, gr.update(**self._model_told(mistake)), gr.skip()]

    def _model_told(self, mistake: str | None = None) -> dict[str, Any]:
        info = self._room.words("begin_model_info")
        return {"info": f"⚠ {mistake}\n{info}" if mistake else info, "elem_classes": ["wrong"] if mistake else []}


class _Choosing:
    """The components that show and change the sources of a pipeline file."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.mistakes = gr.HTML(padding=False)
        self.names = gr.Dropdown(
            label=words("sources_choose"), info=words("sources_choose_info"), multiselect=True, elem_id="sources"
        )
        self.held: gr.State = gr.State([])  # entries of the file that are shown
        with gr.Row():
            self.save = gr.Button(words("sources_save"), elem_classes=["narrow"])
            self.parse = gr.Button(words("sources_parse"), variant="primary", elem_classes=["narrow"])
            self.look = gr.Button(words("sources_reload"), elem_classes=["narrow"])
        self.components = [self.mistakes, self.names, self.held]

    def filled(self, written: Written, offer: Offer) -> list[Any]:
        """Updates that show the file as it stands, and what else it may read."""
        entries = _entries(written, offer)
        mistakes = show.bad(self._room.words("sources_mistakes"), written.mistakes) if written.mistakes else ""
        chosen = [_name(entry) for entry in written.sources]
        counts = {choice.name: choice.counts for choice in offer.choices}
        names = [(_told(name, counts.get(name, {})), name) for name in entries]
        return [
            gr.update(value=mistakes),
            gr.update(choices=names, value=chosen),
            [dict(entry) for entry in written.sources],
        ]


class _Shown:
    """What parsing found: figures, documents, coverage, and the inside of one document."""

    def __init__(self, room: Room) -> None:
        words = room.words
        self._room = room
        self.summary = gr.HTML(
            show.to_do(words("preview_empty", parse=words("sources_parse"))), elem_id="preview", padding=False
        )
        self.found = gr.State(None)
        self.document = gr.Dropdown(
            label=words("document"), info=words("document_info"), visible=False, elem_id="document", interactive=True
        )
        self.inside = gr.HTML(elem_id="inside", padding=False)
        self.outputs = [self.summary, self.document, self.inside]
        room.on(self.document.change, room.handled(self.open), self.document, self.inside, show_progress="hidden")

    def parse(self) -> tuple[Any, ...]:
        """Parse the sources; the message is empty when that went well."""
        found = self._preview()
        names = [document.source for document in found.documents]
        first = names[0] if names else None
        summary = _summary(self._room, found)
        inside = _inside(self._room, found, first) if first else ""
        return "", summary, gr.update(choices=names, value=first, visible=bool(names)), inside

    def open(self, name: str | None) -> str:
        """Show the inside of one document; parsed files are kept, so this is quick."""
        return _inside(self._room, self._preview(), name) if name else ""

    def _preview(self) -> Preview:
        return self._room.workspace.desk.preview(_unseen)


def _look(room: Room, begin: _Beginning, choose: _Choosing) -> list[Any]:
    """Updates of everything above the preview, from what stands on the disk now."""
    desk = room.workspace.desk
    written, offer = desk.file.read(), desk.offer()
    visible = [gr.update(visible=not written.exists), gr.update(visible=written.exists)]
    if written.exists:
        return [*visible, *(gr.skip() for _ in begin.components), *choose.filled(written, offer)]
    return [*visible, *begin.filled(offer), *(gr.skip() for _ in choose.components)]


def _save(room: Room, names: Sequence[str], held: Sequence[Mapping[str, Any]]) -> str:
    desk = room.workspace.desk
    entries = _entries(desk.file.read(), desk.offer())
    written = desk.file.save_sources([entries.get(name, {"path": name}) for name in names], held)
    return show.good(room.words("saved", file=written.path.name))


def _entries(written: Written, offer: Offer) -> dict[str, Mapping[str, Any]]:
    """Name -> entry of `sources:`; what stands in the file comes first and as it is."""
    entries: dict[str, Mapping[str, Any]] = {_name(entry): entry for entry in written.sources}
    for choice in offer.choices:
        entries.setdefault(choice.name, choice.entry)
    return entries


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("path") or entry.get("samples") or "")


def _told(name: str, counts: Mapping[str, int]) -> str:
    """A source as a list shows it: "docs (12 .md, 3 .rst)"."""
    files = ", ".join(f"{count:,} {suffix}" for suffix, count in sorted(counts.items()))
    return f"{name} ({files})" if files else name


def _summary(room: Room, found: Preview) -> str:
    words, documents = room.words, found.documents
    figures = [
        (words("documents"), len(documents)),
        (words("sections"), sum(document.sections for document in documents)),
        (words("symbols"), sum(document.symbols for document in documents)),
        (words("sources_rows"), sum(document.samples for document in documents)),
        (words("problems"), sum(len(document.problems) for document in documents)),
    ]
    unread = ", ".join(f"{count:,} {suffix}" for suffix, count in found.unread.items())
    return "".join(
        (
            show.facts(figures),
            show.to_do(words("not_read", kinds=unread)) if unread else "",
            show.heading(words("documents")),
            _documents(room, found),
            show.heading(words("coverage")),
            _coverage(room, found),
        )
    )


def _documents(room: Room, found: Preview) -> str:
    words = room.words
    heads = [words(name) for name in ("document", "parser", "sections", "symbols", "sources_rows", "problem")]
    rows = (
        (item.source, item.parser, item.sections, item.symbols, item.samples, "; ".join(item.problems))
        for item in found.documents
    )
    return show.table(heads, rows, numbers=(2, 3, 4))


def _coverage(room: Room, found: Preview) -> str:
    words = room.words
    if found.coverage is None:
        return show.to_do(words("coverage_none"))
    rows = (
        (module.module, module.symbols, module.in_documents, f"{module.in_documents / module.symbols:.0%}")
        for module in found.coverage.modules
        if module.symbols
    )
    heads = [words(name) for name in ("module", "public_symbols", "spoken_of", "share")]
    return show.table(heads, rows, numbers=(1, 2, 3))


def _inside(room: Room, found: Preview, name: str) -> str:
    words = room.words
    sections, symbols = list(_sections(found, name)), list(_symbols(found, name))
    parts = []
    if sections:
        parts.append(show.table([words("section"), words("lines"), words("begins")], sections, numbers=(1,)))
    if symbols:
        heads = [words("symbol"), words("kind"), words("lines"), words("signature")]
        parts.append(show.table(heads, symbols, numbers=(2,)))
    return "<br>".join(parts) or show.to_do(words("nothing_inside"))


def _sections(found: Preview, name: str) -> Iterator[tuple[str, ...]]:
    for section in found.sections.get(name, ()):
        text = " ".join(section.text.split())
        begins = text if len(text) <= _BEGINNING else f"{text[:_BEGINNING]}…"
        yield " › ".join(section.heading), _lines(section.span), begins


def _symbols(found: Preview, name: str) -> Iterator[tuple[str, ...]]:
    for symbol in found.symbols.get(name, ()):
        yield symbol.name, symbol.kind, _lines(symbol.span), symbol.signature


def _lines(span: Span) -> str:
    return f"{span.first_line}–{span.last_line}"


def _unseen(done: int, total: int | None = None, **figures: float) -> None:
    """The page shows that it works; parsing takes seconds."""
