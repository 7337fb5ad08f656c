"""Which tasks there are: one per kind, language and section or documented symbol."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.material import fitted, symbol_text
from docutune.plugins.generators.langchain.mentions import named
from docutune.records import Example, JsonValue, Section, Span, Task, to_json

if TYPE_CHECKING:
    from docutune.contracts import Library
    from docutune.plugins.generators.langchain.plugin import Config

SECTION_KINDS = ("question-answer", "explanation")
SYMBOL_KINDS = ("how-to", "task-to-code")
_CALLABLE = {"function", "method", "class", "staticmethod", "classmethod"}
_NO_KNOWLEDGE = re.compile(
    r"(?:change ?log|changes|release (?:notes|history)|history|licen[cs]e|copying|(?:table of )?contents|index|credits|"
    r"authors|acknowledge?ments?|contributors|contributing|sponsors|code of conduct|"
    r"更新日志|变更(?:日志|记录)?|许可证?|目录|致谢|贡献者|版本历史)",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_MOST_PACKAGES = 3
_WIDE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class _About:
    """What a task is about, in any kind and language."""

    subject: str
    names: tuple[str, ...]
    packages: tuple[str, ...]
    span: Span
    code_language: str = ""


def declared(library: Library, config: Config) -> Iterator[Task]:
    """Every task, sections first. A task whose kind has no prompt in a language is not there."""
    yield from _section_tasks(library, config)
    yield from _symbol_tasks(library, config)


def _section_tasks(library: Library, config: Config) -> Iterator[Task]:
    explained: set[tuple[str, tuple[str, ...]]] = set()
    everything = _packages(symbol.name for symbol in library.public())
    for section in library.sections():
        if not _is_knowledge(section) or _size(section.text) < config.min_section_chars:
            continue
        text = fitted(section.text, config.max_context_chars)
        names = named(text, section.examples, library)
        packages = _packages(names) or everything
        about = _About(" > ".join(section.heading), names, packages, section.span)
        for kind in SECTION_KINDS:
            if kind == "explanation":  # of a section that was cut into parts, the first says what it is about
                place = (section.span.source, section.heading)
                if place in explained or _size(_FENCE.sub("", section.text)) < config.min_section_chars:
                    continue
                explained.add(place)
            for language in _languages(config):
                yield from _task(kind, language, about, text, config)


def _symbol_tasks(library: Library, config: Config) -> Iterator[Task]:
    shown = _shown(library)
    for symbol in library.public():
        if symbol.kind not in _CALLABLE or not symbol.docstring.strip() or _last(symbol.name).startswith("_"):
            continue
        examples = shown.get(symbol.name, [])
        homes = _homes(symbol.name)
        for language in _languages(config):
            text = symbol_text(symbol, library, examples, language, config.max_context_chars)
            others = tuple(
                name for name in named(text, [*symbol.examples, *examples], library, homes) if name != symbol.name
            )
            about = _About(symbol.name, others, _packages([symbol.name]), symbol.span, symbol.language)
            for kind in SYMBOL_KINDS:
                yield from _task(kind, language, about, text, config)


def _task(kind: str, language: str, about: _About, text: str, config: Config) -> Iterator[Task]:
    """The task, if its kind is wanted."""
    if kind not in config.kinds:
        return
    payload = Payload(
        kind=kind,
        language=language,
        subject=about.subject,
        text=text,
        prompt=config.prompts[f"{language}/{kind}"],
        repair=config.prompts[f"{language}/repair"],
        phrasings=config.phrasings,
        names=about.names,
        packages=about.packages,
        questions=config.questions_per_section if kind == "question-answer" else 0,
        code_language=about.code_language,
    )
    yield Task(cast("Mapping[str, JsonValue]", to_json(payload)), (about.span,))


def _packages(names: Iterable[str]) -> tuple[str, ...]:
    """The top-level packages of these names, sorted; none where they are so many that they say nothing."""
    found = tuple(sorted({name.partition(".")[0] for name in names}))
    return found if len(found) <= _MOST_PACKAGES else ()


def _languages(config: Config) -> tuple[str, ...]:
    return config.languages or ("en",)


def _is_knowledge(section: Section) -> bool:
    return bool(section.heading) and not any(_NO_KNOWLEDGE.fullmatch(title.strip()) for title in section.heading)


def _size(text: str) -> int:
    """Characters; a Chinese one says as much as three others."""
    return len(text.strip()) + 2 * len(_WIDE.findall(text))


def _shown(library: Library) -> Mapping[str, list[Example]]:
    """Full name -> the examples of the documents that use it, the shortest first."""
    found: dict[str, list[Example]] = defaultdict(list)
    for section in library.sections():
        for example in section.examples:
            for name in named("", [example], library):
                found[name].append(example)
    return {name: sorted(examples, key=lambda item: (len(item.code), item.code)) for name, examples in found.items()}


def _homes(name: str) -> tuple[str, ...]:
    """The modules and classes around a symbol, the nearest first; the symbol itself before them."""
    homes = [name]
    while "." in homes[-1]:
        homes.append(homes[-1].rpartition(".")[0])
    return tuple(homes)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
