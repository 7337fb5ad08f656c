"""The curator `quality`: what is wrong with a sample, seen by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from docutune.plugins.curators.normal import folded
from docutune.plugins.curators.quality import boilerplate
from docutune.plugins.curators.quality.endings import broken_off
from docutune.plugins.curators.quality.language import foreign
from docutune.plugins.curators.quality.repetition import compression, ends_in_a_loop, repeats_lines
from docutune.plugins.curators.quality.text import Exchange, exchange, size
from docutune.records import Made

if TYPE_CHECKING:
    from docutune.contracts import Context
    from docutune.plugins.curators.quality.plugin import Config

_REPORT_EVERY = 2000
_SHOWN = 60
_LEAST_ECHO = 10
_MARKS = " ?？!！.。:："


class Quality:
    """Looks at each sample by itself; the first rule that is broken gives the reason."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._phrases = list(_phrases(config))
        rules: tuple[Callable[[Exchange], str | None], ...] = (
            self._length,
            self._echo,
            self._language,
            self._boilerplate,
            self._repetition,
            self._ending,
        )
        self._rules = rules

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """The samples that break a rule. Answers come again with every phrasing, so that few are new."""
        found: list[tuple[int, str]] = []
        for index, made in enumerate(samples):
            item = exchange(made.sample)
            reason = next(filter(None, (rule(item) for rule in self._rules)), None)
            if reason:
                found.append((index, reason))
            if index % _REPORT_EVERY == 0:
                context.progress(index, len(samples))
        return found

    def _length(self, item: Exchange) -> str | None:
        config = self._config
        for what, length, least, most in (
            ("question", size(item.question), config.min_question, config.max_question),
            ("answer", size(item.answer), config.min_answer, config.max_answer),
        ):
            if length < least:
                return f"short {what}: {length} of at least {least} characters"
            if most is not None and length > most:
                return f"long {what}: {length:,} of at most {most:,} characters"
        return None

    def _echo(self, item: Exchange) -> str | None:
        """The same words, or an answer that begins with the question; code is completed by saying it again."""
        if not self._config.repeated_question or not _begins_alike(item):
            return None
        question, answer = (folded(text)[0].rstrip(_MARKS) for text in (item.question, item.answer))
        if len(question) < _LEAST_ECHO:
            return None
        if question == answer:
            return "repeated question: the answer is the question"
        if item.question[-1:] in "?？" and answer.startswith(question):
            return "repeated question: the answer begins with it"
        return None

    def _language(self, item: Exchange) -> str | None:
        if self._config.language == "off":
            return None
        wrong = foreign(item, strict=self._config.language == "strict")
        return f"other language: {wrong}" if wrong else None

    def _boilerplate(self, item: Exchange) -> str | None:
        for kind, pattern, exempt in self._phrases:
            match = pattern.search(item.prose)
            if match and not (exempt and exempt.search(item.question)):
                return f"{kind}: '{' '.join(match[0].split())[:_SHOWN]}'"
        return None

    def _repetition(self, item: Exchange) -> str | None:
        limit = self._config.max_compression
        if self._config.repetition and (ends_in_a_loop(item.prose) or repeats_lines(item.prose)):
            return "endless repetition: the answer says one thing again and again"
        if limit is not None and (ratio := compression(item.answer)) > limit:
            return f"endless repetition: zlib makes {ratio:.1f} times less of it"
        return None

    def _ending(self, item: Exchange) -> str | None:
        wrong = broken_off(item.answer) if self._config.truncated else None
        return f"broken off: {wrong}" if wrong else None


def _begins_alike(item: Exchange) -> bool:
    """A look that costs nothing: most answers begin with another word."""
    return item.question[:1].casefold() == item.answer[:1].casefold()


def _phrases(config: Config) -> Iterator[tuple[str, re.Pattern[str], re.Pattern[str] | None]]:
    """Kind, pattern, and what a question speaks of whose answer may hold it."""
    if config.assistant_phrases:
        yield "assistant phrase", boilerplate.ASSISTANT, None
    if config.refusals:
        yield "refusal", boilerplate.REFUSAL, None
    if config.unseen_documents:
        yield "unseen document", boilerplate.UNSEEN, None
    if config.page_furniture:
        yield "licence header", boilerplate.LICENCE, boilerplate.ABOUT_LICENCES
        yield "navigation of a page", boilerplate.NAVIGATION, None
    if own := boilerplate.any_of(config.phrases):
        yield "phrase of the pipeline file", own, None
