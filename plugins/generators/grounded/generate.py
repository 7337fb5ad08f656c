"""The generator `grounded`: declares one task per symbol, section and example, and puts its facts into words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from docutune.plugins.generators.grounded.choose import answerable, most_useful
from docutune.plugins.generators.grounded.fact import Fact, Payload
from docutune.plugins.generators.grounded.negative_facts import negative_facts
from docutune.plugins.generators.grounded.phrasings_en import ENGLISH
from docutune.plugins.generators.grounded.phrasings_zh import CHINESE
from docutune.plugins.generators.grounded.section_facts import section_facts
from docutune.plugins.generators.grounded.symbol_facts import symbol_facts
from docutune.plugins.generators.grounded.usage_facts import Shown, shown_in_sections, usage_facts
from docutune.records import JsonValue, Message, Sample, Span, Task, from_json, to_json

if TYPE_CHECKING:
    from docutune.contracts import Context, Library
    from docutune.plugins.generators.grounded.plugin import Config

_WORDINGS = {"en": ENGLISH, "zh": CHINESE}
_FRAME_CHARS = 60


class Grounded:
    """Samples whose every fact stands in the sources."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._languages = config.languages or ("en",)

    def tasks(self, library: Library) -> Iterator[Task]:
        """One task per symbol, per section, per example and per group of negatives; the payload holds the facts."""
        examples = shown_in_sections(library)
        kept = self._kept(library, examples)
        grouped: dict[tuple[str, tuple[Span, ...]], list[Fact]] = defaultdict(list)
        for fact in kept:
            grouped[(fact.owner, fact.spans)].append(fact)
        for (_, spans), facts in grouped.items():
            tellings = tuple(fact.telling for fact in facts)
            payload = to_json(Payload(tuple(self._languages), self._config.phrasings, tellings))
            yield Task(cast("Mapping[str, JsonValue]", payload), spans)

    async def run(self, task: Task, context: Context, complaint: str | None = None) -> Sequence[Sample]:
        """The samples of one task. The sources say what they say: a complaint changes nothing."""
        del context, complaint
        return tuple(_samples(from_json(Payload, task.payload)))

    def _kept(self, library: Library, examples: Sequence[Shown]) -> tuple[Fact, ...]:
        config = self._config
        wordings = [_WORDINGS[language] for language in self._languages]
        wanted = [fact for fact in self._facts(library, examples) if not config.kinds or fact.kind in config.kinds]
        clear = answerable(wanted, wordings, config.phrasings, config.max_answer_chars)
        mentions = Counter(name for shown in examples for name in shown.names)
        return most_useful(clear, config.max_facts, mentions)

    def _facts(self, library: Library, examples: Sequence[Shown]) -> Iterator[Fact]:
        limit = self._config.max_answer_chars - _FRAME_CHARS
        symbols = tuple(library.public())
        for symbol in symbols:
            yield from symbol_facts(symbol, library, limit)
        yield from usage_facts(symbols, examples, library, limit)
        yield from section_facts(library, self._config.max_answer_chars)
        yield from negative_facts(symbols, library)


def _samples(payload: Payload) -> Iterator[Sample]:
    for fact in payload.facts:
        for language in payload.languages:
            wording = _WORDINGS[language]
            answer = wording.answer(fact.form, fact.slots)
            for question in wording.questions(fact.form, fact.slots, payload.phrasings):
                messages = (Message("user", question), Message("assistant", answer))
                yield Sample(messages, fact.kind, fact.key, fact.symbols, language)
