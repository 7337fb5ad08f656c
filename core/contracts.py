"""The plugin contract: what a plugin's hooks return and what its class must be able to do, a Protocol per kind."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from docutune.records import GREEDY

if TYPE_CHECKING:
    from pydantic import BaseModel

    from docutune.api import Workspace
    from docutune.records import (
        Answer,
        Export,
        Made,
        Measure,
        Message,
        ModelInfo,
        ModelRef,
        Parsed,
        Probe,
        Prompt,
        Reads,
        Sample,
        Sampling,
        Section,
        Snapshot,
        Streamed,
        Symbol,
        Task,
        Variant,
        Written,
    )

Reply = TypeVar("Reply", bound="BaseModel")


@dataclass(frozen=True, slots=True)
class Registration:
    """What a hook returns for each plugin it offers.

    `load` is "package.module:Class", imported when first used and called with the plugin's Config. `revision` is raised
    whenever the same input would give another output. `requires` are modules looked for (never imported) in the
    environment that will run the plugin; `extra` is what to install when one is missing ("docutune[trl]"). `prompts`
    is a package with the plugin's prompt templates (`string.Template`), <language>/<name>.md; the Config's field
    `prompts` gets their texts by name ("en/how-to"), and those of files beside the pipeline file in their place.
    `needs_gpu` says that the plugin does nothing without one; `instead` names a plugin of the same kind that takes the
    same options, for messages where this one cannot run. `several_devices`: a trainer works as one of several processes
    of one torch.distributed group, of which rank 0 alone writes; any other trainer is given `devices: 1` only.
    """

    name: str
    revision: int
    summary: str
    config: type[BaseModel]
    load: str
    requires: tuple[str, ...] = ()
    extra: str | None = None
    prompts: str | None = None
    needs_gpu: bool = False
    instead: str | None = None
    several_devices: bool = False


@dataclass(frozen=True, slots=True)
class ParserRegistration(Registration):
    """A parser's registration also names the file suffixes it reads, with their dot.

    `reads` says from which entries of `sources:` it gets files: "documents" (`path:`, documents and code) or "samples"
    (`samples:`, files of ready-made samples).
    """

    suffixes: tuple[str, ...] = ()
    reads: Reads = "documents"


class Chat(Protocol):
    """A chat model that core lends to a plugin whose Config is a docutune.ChatConfig."""

    async def ask(self, messages: Sequence[Message], schema: type[Reply]) -> Reply:
        """The model's reply to these messages as an instance of `schema`; what was received is never asked for again.

        With `structured_output: prompt` core adds the schema to the last message. Raises errors.Rejected when the reply
        does not fit the schema, was refused or was cut off at max_tokens; let that and every other error pass.
        """


class Context(Protocol):
    """What core lends to a plugin while it works."""

    @property
    def seed(self) -> int:
        """Decides every random choice."""

    @property
    def folder(self) -> Path:
        """The only place to write."""

    @property
    def kept(self) -> Path:
        """A trainer's folder that outlasts an interruption: checkpoints go there; PluginError for other kinds.

        The same training finds it again, whoever stopped it. When the model is kept, the folder goes, but for
        `kept`/tensorboard, which goes with the model.
        """

    @property
    def chat(self) -> Chat:
        """The chat model of a generator or curator; PluginError unless its Config is a docutune.ChatConfig."""

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        """Report work done so far, with figures such as loss. Raises Cancelled when the user stopped the work.

        With `again=True` among the figures they were told before an interruption: for the curve, not to be shown.
        """

    def note(self, text: str) -> None:
        """Tell the user something in one line."""


class Library(Protocol):
    """All sections and the linked symbol table, read-only."""

    def sections(self) -> Iterator[Section]:
        """Every section, in the order of the sources."""

    def public(self) -> Iterator[Symbol]:
        """Every public symbol once, under its shortest public name, in order of that name."""

    def find(self, name: str) -> Symbol | None:
        """The symbol of that full name, through aliases and inheritance, public or not."""

    def knows(self, name: str) -> bool:
        """Whether the sources give the name to anything, be it to something of another library that they import."""

    def nearest(self, name: str, limit: int = 3) -> Sequence[Symbol]:
        """Public symbols whose names are closest to `name`, best first."""

    def members(self, name: str) -> Sequence[Symbol]:
        """The public symbols directly inside a module or class, inherited ones of a class included."""


class Parser(Protocol):
    """Reads one file. Pure: the same content and source give the same result in any process."""

    def parse(self, content: bytes, source: str) -> Parsed:
        """Everything found in the file; ValueError with a reason when it cannot be read at all."""


class Generator(Protocol):
    """Makes samples from the library, task by task."""

    def tasks(self, library: Library) -> Iterator[Task]:
        """Declare the work. Cheap: `plan` counts and keys these."""

    async def run(self, task: Task, context: Context, complaint: str | None = None) -> Sequence[Sample]:
        """Do one task; sees nothing but the task. `complaint` says what core found wrong with the first try.

        errors.Rejected says that nothing usable came of it: its reason is the complaint of the second try, and of the
        second try the reason why the task is left out. Core puts the task's spans beside each sample as its origin.
        """


class Curator(Protocol):
    """Decides which samples not to train on."""

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """Indexes of the samples to leave out, each with the reason, its kind before a colon.

        The samples come in the order of their ids. One whose Made says a split was given it by its file.
        """


class Trainer(Protocol):
    """Fine-tunes a base model. Runs in a worker process."""

    def train(self, train: Path, validation: Path | None, base: ModelRef, context: Context) -> ModelRef:
        """Train on JSON Lines of {"messages": [{"role", "content"}, ...]}; the adapter goes below `context.folder`.

        It is a folder in PEFT format, or a whole model, with its template.json: see records.ModelRef.
        """


class Session(Protocol):
    """One loaded model; core owns its lifetime."""

    def answer(self, probes: Sequence[Probe], variant: Variant) -> Iterator[Answer]:
        """Greedy answers in any order, as the base model or as the tuned one."""

    def stream(
        self, messages: Sequence[Message], variant: Variant, sampling: Sampling = GREEDY
    ) -> collections.abc.Generator[str, None, Streamed | None]:
        """One reply, piece by piece; closing the generator ends the generation.

        What the generator returns (`return Streamed(...)`) says how the reply ended and counts its tokens, where the
        runtime can tell.

        Several may be open at a time, of either variant: core asks each in turn for its next piece, all from one
        thread. "" is a piece, too: a runtime gives it where it has nothing to show yet, so that others get their turn
        and this one can be ended.
        """

    def complete(self, prompts: Sequence[Prompt], variant: Variant, **sampling: float) -> Iterator[Written]:
        """What the model writes to each prompt, in any order; `sampling` knows temperature and max_new_tokens.

        The same prompt with the same seed gives the same text whatever stands beside it, but for rounding. A prompt
        that cannot be answered is refused, and the others are answered all the same.
        """

    def info(self) -> ModelInfo:
        """What is loaded, and where it came from."""

    def close(self) -> None:
        """Unload the model and free its memory."""


class Runtime(Protocol):
    """Loads models. Runs in a worker process."""

    def open(self, model: ModelRef) -> Session:
        """Get ready to answer as the base and, where there is one, as its tuned model."""


class Evaluator(Protocol):
    """Asks and measures; never sees a model."""

    def probes(self, held_out: Sequence[Made], library: Library) -> Iterable[Probe]:
        """The questions to put to the base and to the tuned model."""

    async def measure(
        self, answers: Sequence[Answer], held_out: Sequence[Made], library: Library, context: Context
    ) -> Iterable[Measure]:
        """Values for each answer; core makes means, intervals and comparisons of them."""


class Exporter(Protocol):
    """Writes a merged model in the form of another tool. Runs in a worker process."""

    def room(self, weights: int) -> int:
        """Bytes that `export` will write, links not counted, of a model whose merged weights are so many bytes."""

    def export(self, merged: Path, context: Context) -> Export:
        """Write everything that goes with the export below `context.folder`, which is then published whole.

        `merged` is a model in the Hugging Face format at full precision, with tokenizer, chat template and
        template.json (docutune.template.Template). It goes away; atomic.link_folder keeps its files without a copy.
        """


class Hub(Protocol):
    """Has models of others, by names such as "owner/name". A plugin's models are named with its own name and a colon.

    Core asks for the files that `wanted` names (patterns as fnmatch has them) and takes no others: nothing that could
    be run. Its Config needs a default for every field.
    """

    def find(self, name: str, wanted: Sequence[str]) -> Snapshot | None:
        """What of a model is on this disk, looked for without a network; None when there is nothing."""

    def fetch(self, name: str, wanted: Sequence[str]) -> Snapshot:
        """Download the wanted files, going on where an interrupted call stopped; what is there already is taken.

        A file appears under its name when it is whole. DocutuneError says why there is none, and what to do.
        """

    def names(self) -> Sequence[str]:
        """The models that are on this disk, as far as a look tells."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a frontend is served, and in which language it greets: "en" or "zh".

    Core asks for a `password` wherever `host` is not this machine's own loopback address; a frontend lets nobody in
    who does not give it.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    language: str = "en"
    password: str | None = field(default=None, repr=False)


class Frontend(Protocol):
    """Shows a workspace and does what the user asks, all through docutune.Workspace; decides nothing itself."""

    def serve(self, workspace: Workspace, address: Address, ready: Callable[[str], None]) -> None:
        """Serve until interrupted; `ready` is told the page's address as soon as that answers.

        DocutuneError when it cannot be served there. Runs go on when it ends: they are processes of their own.
        """
