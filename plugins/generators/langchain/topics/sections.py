"""Sections of the documents that hold knowledge, and those of changelogs that tell what became of names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docutune.plugins.generators.langchain.material import fitted
from docutune.plugins.generators.langchain.mentions import named
from docutune.plugins.generators.langchain.topics.topic import Topic, packages_of
from docutune.records import Section

if TYPE_CHECKING:
    from docutune.contracts import Library
    from docutune.plugins.generators.langchain.plugin import Config
    from docutune.plugins.generators.langchain.topics.survey import Survey

_CHANGELOG = re.compile(
    r"(?:\bchange ?log|\bchanges|\brelease (?:notes|history)|\bhistory|\bwhat'?s new|\bnews)\b|"
    r"更新日志|变更(?:日志|记录)?|版本历史|发布说明",
    re.IGNORECASE,
)
_UPGRADE = re.compile(r"\b(?:upgrad|migrat)|升级|迁移", re.IGNORECASE)
_NO_KNOWLEDGE = re.compile(
    r"(?:licen[cs]e|copying|(?:table of )?contents|index|credits|"
    r"authors|acknowledge?ments?|contributors|contributing|sponsors|code of conduct|"
    r"许可证?|目录|致谢|贡献者)",
    re.IGNORECASE,
)
_VERSION = re.compile(r"\bv?(\d+(?:\.\d+)+(?:[-.]?(?:a|b|rc|alpha|beta|post|dev)\.?\d*)?)\b", re.IGNORECASE)
_CHANGE = re.compile(
    r"\b(?:renam|remov|replac|deprecat|delet|drop|mov|no longer|instead|now |breaking|chang|becomes?\b)|"
    r"改名|更名|重命名|移除|删除|替换|取代|弃用|废弃|不再|改为|改用|迁移|变更",
    re.IGNORECASE,
)
_CODE = re.compile(r"`[^`\n]+`")
_FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_WIDE = re.compile(r"[\u3400-\u9fff]")
_LONG = 2  # times min_section_chars: enough for a conversation


@dataclass(frozen=True, slots=True)
class SectionPlace:
    """A section and what is asked about it."""

    section: Section
    topic: Topic


def known_sections(library: Library, config: Config) -> Iterator[SectionPlace]:
    """Sections with enough text; changelogs, licences and tables of contents aside."""
    for section in library.sections():
        if _is_knowledge(section) and size(section.text) >= config.min_section_chars:
            yield SectionPlace(section, _topic(section, library, config))


def sections(survey: Survey) -> Iterator[Topic]:
    """Each section of the documents with enough text; changelogs, licences and tables of contents aside."""
    yield from (place.topic for place in survey.sections)


def subjects(survey: Survey) -> Iterator[Topic]:
    """Each heading with enough prose below it: of a section that was cut, the first part says what it is about."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for place in survey.sections:
        key = (place.section.span.source, place.section.heading)
        if key not in seen and size(_FENCE.sub("", place.section.text)) >= survey.config.min_section_chars:
            seen.add(key)
            yield place.topic


def long_sections(survey: Survey) -> Iterator[Topic]:
    """Sections with enough text for several questions that build on each other."""
    for place in survey.sections:
        if size(place.section.text) >= _LONG * survey.config.min_section_chars:
            yield place.topic


def releases(survey: Survey) -> Iterator[Topic]:
    """Sections below a version's heading that say in code what was renamed, removed or replaced."""
    found = [(section, version) for section in survey.library.sections() if (version := _version(section))]
    versions: dict[str, set[str]] = defaultdict(set)
    for section, version in found:
        versions[section.span.source].add(version)
    for section, version in found:
        if _CHANGE.search(section.text) and _CODE.search(_FENCE.sub("", section.text)):
            older = [other for other in versions[section.span.source] if _order(other) < _order(version)]
            before = max(older, key=_order, default="")
            yield _topic(section, survey.library, survey.config, before, version)


def _topic(section: Section, library: Library, config: Config, before: str = "", after: str = "") -> Topic:
    text = fitted(section.text, config.max_context_chars)
    names = named(text, section.examples, library)
    packages = packages_of(names) or packages_of(symbol.name for symbol in library.public())
    heading = " > ".join(section.heading)
    return Topic(heading, section.span, lambda language: text, names, packages, before=before, after=after)


def _is_knowledge(section: Section) -> bool:
    titles = [title.strip() for title in section.heading]
    return bool(titles) and not any(_CHANGELOG.fullmatch(title) or _NO_KNOWLEDGE.fullmatch(title) for title in titles)


def _version(section: Section) -> str:
    """The version whose changes a section tells, "" for any other: a title begins with it, or a changelog's has it."""
    titles = [title.strip() for title in section.heading]
    is_changelog = any(_CHANGELOG.search(title) or _UPGRADE.search(title) for title in titles)
    for title in reversed(titles):
        found = _VERSION.search(title)
        if found and (is_changelog or re.fullmatch(r"(?:version|release|版本)?[\s\[]*", title[: found.start()], re.I)):
            return found[1]
    return ""


def _order(version: str) -> tuple[tuple[int, ...], int, str]:
    """Numbers by their value; a version with letters comes before the same one without."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    head = numbers[0] if numbers else ""
    parts = [int(part) for part in head.split(".") if part]
    while parts and parts[-1] == 0:
        parts.pop()
    rest = version[len(head) :]
    return tuple(parts), 0 if rest else 1, rest


def size(text: str) -> int:
    """Characters; a Chinese one says as much as three others."""
    return len(text.strip()) + 2 * len(_WIDE.findall(text))
