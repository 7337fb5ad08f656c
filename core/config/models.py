"""What a pipeline file says, once it is known to be right, and the frame in which it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    JsonValue,
    SerializeAsAny,
    WithJsonSchema,
    model_validator,
)

from docutune.chat.options import BudgetConfig
from docutune.records import Reads, Split
from docutune.registry import Entry
from docutune.version_names import Chosen

SECTIONS = {
    "parse": "parser",
    "generate": "generator",
    "curate": "curator",
    "train": "trainer",
    "runtime": "runtime",
    "evaluate": "evaluator",
}
"""Section of the pipeline file -> the kind of plugin that its steps name."""

SINGLE = ("runtime",)
"""Sections that hold one step, not a list."""

IN_WORKERS = ("train", "runtime")
"""Sections whose steps run in worker processes, and so may run in another environment."""

LanguageName = Literal["en", "zh"]
_FROZEN = ConfigDict(extra="forbid", frozen=True)


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


_LANGUAGES_SCHEMA = {
    "anyOf": [{"enum": ["en", "zh"]}, {"type": "array", "items": {"enum": ["en", "zh"]}, "minItems": 1}],
    "default": "en",
}
Languages = Annotated[
    tuple[LanguageName, ...], BeforeValidator(_as_tuple), Field(min_length=1), WithJsonSchema(_LANGUAGES_SCHEMA)
]


class SourceConfig(BaseModel):
    """A file or folder to read: documents and code (`path`), or ready-made samples (`samples`)."""

    model_config = _FROZEN

    path: Annotated[
        Path | None, Field(description="a file or folder of documents or code, from the pipeline file's folder")
    ] = None
    samples: Annotated[
        Path | None, Field(description="a file or folder of question-answer pairs or conversations, likewise")
    ] = None
    split: Annotated[
        Split | None, Field(description="the split of all these samples; unset: as rows or file names say, else chance")
    ] = None
    replay: Annotated[
        float | None,
        Field(
            gt=0,
            le=10,
            description="train on as many of these samples as this times the number of all others, against forgetting",
        ),
    ] = None
    include: Annotated[
        tuple[str, ...],
        Field(description="patterns of the files to read, such as **/*.py; unset: all that a parser reads"),
    ] = ()
    exclude: Annotated[tuple[str, ...], Field(description="patterns of files to leave out, such as **/_vendor/**")] = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> SourceConfig:
        if (self.path is None) == (self.samples is None):
            raise ValueError("name either a path (documents and code) or samples (question-answer files)")
        if self.split is not None and self.samples is None:
            raise ValueError("only samples have a split")
        if self.replay is not None and (self.samples is None or self.split is not None):
            raise ValueError("only samples are replayed, and never held out: replay goes without path and split")
        return self

    @property
    def reads(self) -> Reads:
        """What its files hold."""
        return "documents" if self.samples is None else "samples"

    @property
    def place(self) -> Path:
        """The file or folder, as written."""
        place = self.path or self.samples
        assert place is not None  # see _one_of_two
        return place


class SplitConfig(BaseModel):
    """What is held out from training."""

    model_config = _FROZEN

    rephrased: Annotated[
        float, Field(ge=0, le=1, description="share of the facts of which one phrasing is held out for evaluation")
    ] = 0.1
    unseen_symbols: Annotated[
        float, Field(ge=0, lt=1, description="share of the symbols whose every sample is held out for evaluation")
    ] = 0.0
    validation: Annotated[
        float, Field(ge=0, lt=1, description="share of the training samples kept for the validation loss")
    ] = 0.05
    test: Annotated[
        float,
        Field(ge=0, lt=1, description="share of the samples of files held out for evaluation, unless a file is a test"),
    ] = 0.1
    seed: Annotated[int, Field(ge=0, lt=2**32, description="decides what is held out")] = 0


class StepFrame(BaseModel):
    """A step as it is written: a plugin's name and its options."""

    model_config = _FROZEN

    uses: Annotated[str, Field(description="the plugin's name")]
    name: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
            description="what to call this step; unset: after its plugin or model",
        ),
    ] = None
    options: Annotated[dict[str, JsonValue] | None, Field(alias="with", description="the plugin's options")] = None
    python: Annotated[
        str | None,
        Field(
            min_length=1,
            description="interpreter of the environment to run this step in, such as .venv-gpu/bin/python; unset: ours",
        ),
    ] = None


Steps = Annotated[tuple[StepFrame, ...] | None, Field(description="steps, in this order")]


class Frame(BaseModel):
    """The pipeline file without the options of plugins."""

    model_config = _FROZEN

    version: Annotated[Literal[1], Field(description="version of this file format: 1")]
    project: Annotated[str, Field(min_length=1, description="the name of the library")]
    language: Annotated[Languages, Field(description="language of the generated samples: en, zh, or a list")] = ("en",)
    sources: Annotated[
        tuple[SourceConfig, ...] | None,
        Field(min_length=1, description="documents, source code and samples to read; may be left out beside dataset"),
    ] = None
    dataset: Annotated[
        str | None,
        Field(
            min_length=1, description="a version to train on: its hash, a tag, a run or latest; nothing is generated"
        ),
    ] = None
    parse: Annotated[
        Steps,
        Field(description="parsers with options, or to choose between two; the other installed ones serve the rest"),
    ] = None
    generate: Annotated[Steps, Field(description="generators of samples; unset: grounded")] = None
    budget: Annotated[
        BudgetConfig | None, Field(description="what all requests to chat models may cost; unset: no limit")
    ] = None
    curate: Annotated[
        Steps, Field(description="curators, in this order; unset: leakage, duplicates, quality, secrets")
    ] = None
    ratings: Annotated[
        Path | None,
        Field(description="a file that docutune dataset rate --export wrote: samples that it calls bad are left out"),
    ] = None
    split: Annotated[SplitConfig | None, Field(description="what is held out")] = None
    train: Annotated[Steps, Field(description="trainings, each of one base model; unset: none, the dataset only")] = (
        None
    )
    runtime: Annotated[StepFrame | None, Field(description="what loads the models that answer; unset: local")] = None
    evaluate: Annotated[Steps, Field(description="evaluators; unset: text-overlap when something is trained")] = None


class StepConfig(BaseModel):
    """A step bound to its plugin: `options` is an instance of the plugin's own Config.

    `python`: the interpreter of another environment that its worker runs with.
    """

    model_config = _FROZEN

    uses: str
    name: str
    options: SerializeAsAny[BaseModel]
    entry: Annotated[InstanceOf[Entry], Field(exclude=True)]
    python: Path | None = None


class PipelineConfig(BaseModel):
    """A pipeline file that can be run. `notes` say what was ignored or left out, for the user to read. With a
    `dataset` nothing is generated or curated.

    `runtime` holds one step, or none where no model is opened on this machine: nothing is trained, and no chat model
    of this machine is asked.
    """

    model_config = _FROZEN

    version: Literal[1]
    project: str
    language: tuple[LanguageName, ...]
    sources: tuple[SourceConfig, ...]
    parse: tuple[StepConfig, ...]
    generate: tuple[StepConfig, ...]
    curate: tuple[StepConfig, ...]
    budget: BudgetConfig
    split: SplitConfig
    train: tuple[StepConfig, ...]
    runtime: tuple[StepConfig, ...]
    evaluate: tuple[StepConfig, ...]
    path: Path
    ratings: Path | None = None
    notes: tuple[str, ...] = ()
    dataset: Chosen | None = None
