"""Which tasks there are: one per kind, language and thing that the kind asks about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.kinds import KINDS, Kind
from docutune.plugins.generators.langchain.topics.survey import Survey
from docutune.plugins.generators.langchain.topics.topic import Topic
from docutune.records import JsonValue, Task, to_json

if TYPE_CHECKING:
    from docutune.contracts import Library
    from docutune.plugins.generators.langchain.plugin import Config


def declared(library: Library, config: Config) -> Iterator[Task]:
    """Every task, kind by kind."""
    survey = Survey(library, config)
    for kind in KINDS.values():
        if kind.name in config.kinds:
            for topic in kind.topics(survey):
                for language in config.languages or ("en",):
                    payload = _payload(kind, topic, language, config)
                    yield Task(cast("Mapping[str, JsonValue]", to_json(payload)), (topic.span,))


def _payload(kind: Kind, topic: Topic, language: str, config: Config) -> Payload:
    return Payload(
        kind=kind.name,
        language=language,
        subject=topic.subject,
        text=topic.text(language),
        prompt=config.prompts[f"{language}/{kind.name}"],
        repair=config.prompts[f"{language}/repair"],
        phrasings=config.phrasings,
        names=topic.names,
        packages=topic.packages,
        questions=config.questions_per_section if kind.asks_several else 0,
        code_language=topic.code_language,
        parameters=topic.parameters if kind.needs_parameters else (),
        absent=topic.absent,
        before=topic.before,
        after=topic.after,
    )
