"""What the generator `langchain` is: its options and its registration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from docutune import ChatConfig, Registration, hookimpl

Kind = Literal[
    "question-answer",
    "explanation",
    "how-to",
    "task-to-code",
    "migration",
    "bug-fix",
    "signature",
    "dialogue",
    "negative",
]
KINDS: tuple[Kind, ...] = ("question-answer", "explanation", "how-to", "task-to-code", "migration")
"""Those that are asked for unless the pipeline file names others."""


class Config(ChatConfig):
    """Options of the generator `langchain`: those of every chat model, and what to ask it for."""

    decides_nothing: ClassVar[frozenset[str]] = ChatConfig.decides_nothing | {
        "kinds",
        "languages",
        "max_context_chars",
        "min_section_chars",
        "phrasings",
        "prompts",
        "questions_per_section",
    }
    """Beside what decides no reply: options whose effect stands in the payload of each task that they touch."""

    max_tokens: Annotated[int, Field(ge=1, description="longest reply in tokens")] = 2048
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, description="kinds of samples to ask for")] = KINDS
    languages: Annotated[
        tuple[Literal["en", "zh"], ...] | None,
        Field(min_length=1, description="languages of the samples; left out: the pipeline's `language`"),
    ] = None
    questions_per_section: Annotated[
        int, Field(ge=1, le=20, description="most questions to ask about one section of the documents")
    ] = 3
    phrasings: Annotated[
        int, Field(ge=1, le=10, description="wordings of each question; from 2 on one of them can be held out")
    ] = 3
    min_section_chars: Annotated[
        int, Field(ge=1, description="sections with less text are not asked about; a Chinese character counts as three")
    ] = 200
    max_context_chars: Annotated[
        int, Field(ge=500, description="most characters of the sources in one request; what is more is cut off")
    ] = 6000
    prompts: SkipJsonSchema[Mapping[str, str]] = Field(
        default_factory=dict, description="filled by core: by files, not by this option"
    )


@hookimpl
def docutune_generators() -> list[Registration]:
    """The generator `langchain`."""
    return [
        Registration(
            name="langchain",
            revision=2,
            summary="Questions, how-tos, code, bug fixes, dialogues and more, written by a chat model and checked",
            config=Config,
            load="docutune.plugins.generators.langchain.generate:LangChain",
            prompts="docutune.plugins.generators.langchain.prompts",
        )
    ]
