"""What sections of the documentation explain, each under a topic that no other section has."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from docutune.contracts import Library
from docutune.plugins.generators.grounded.blocks import Block, blocks, fit, join_sentences, sentences
from docutune.plugins.generators.grounded.fact import Fact
from docutune.plugins.generators.grounded.inline import is_cjk, plain
from docutune.plugins.generators.grounded.names import in_text
from docutune.records import Section, Span

_NO_KNOWLEDGE = re.compile(
    r"\b(?:change ?log|changes|release notes|release history|history|licen[cs]e|copying|contents|index|credits|authors|"
    r"acknowledge?ments?|contributors?|contributing|sponsors?|backers|donate|code of conduct|links|see also|"
    r"(?:unreleased|version )?v?\d+\.\d+(?:\.\d+)?\S*)\b|^(?:更新日志|变更|许可证?|目录|致谢|版本历史)",
    re.IGNORECASE,
)
_SIGNPOST = re.compile(
    r"See (?:also )?\S.* for (?:more |further )?(?:information|details)|"
    r"(?:This|The following|In this) (?:page|part|section|document|documentation|chapter|guide)\b|本[页节章文]"
)
_GENERIC = re.compile(
    r"(?:an? |the )?(?:basics?|basic usage|usage|examples?|overview|introduction|notes?|details|background|summary|"
    r"motivation|general|answer|question|solution|result|"
    r"options|arguments|parameters|why|how|what|what's new|faq|tips|advanced|advanced usage|other|"
    r"[….].*|示例|例子|概述|简介|用法|说明|基本用法|背景)",
    re.IGNORECASE,
)
_HEADED = re.compile(r"#{1,6}\s|[^\n]+\n(?:={2,}|-{2,})\s*$", re.MULTILINE)
_MIN_CHARS, _MIN_CJK_CHARS = 80, 30


def section_facts(library: Library, limit: int) -> Iterator[Fact]:
    """One fact per heading; `limit` is the longest answer in characters.

    The same text at several places is one fact of all of them. Where the texts differ, each is a fact under the same
    question with all those places: nobody can tell which one is meant, and curators leave contradictions out by name.
    """
    sections = [section for section in _starts(library.sections()) if not _says_nothing(section)]
    topics = _topics({section.heading for section in sections})
    for heading, places in _told(sections, limit).items():
        topic = topics.get(heading)
        if topic is None:
            continue
        key = " > ".join(heading)
        spans = tuple(span for found in places.values() for span in found)
        for text in places:
            slots = {"topic": topic, "text": text}
            names = in_text(text, library)
            yield Fact(f"explanation:{key}", "explanation", "explanation", slots, key, spans, names)


def _told(sections: Sequence[Section], limit: int) -> dict[tuple[str, ...], dict[str, list[Span]]]:
    """Heading path -> what is said under it -> where; sections that say too little count for nothing."""
    told: dict[tuple[str, ...], dict[str, list[Span]]] = defaultdict(lambda: defaultdict(list))
    for section in sections:
        text = fit(_telling(section), limit)
        if len(text) >= (_MIN_CJK_CHARS if is_cjk(text) else _MIN_CHARS):
            told[section.heading][text].append(section.span)
    return told


def _telling(section: Section) -> tuple[Block, ...]:
    """The section's blocks from its first prose on, without sentences about the page itself."""
    kept: list[Block] = []
    for block in blocks(section.text):
        if block.kind != "prose":
            kept += [block] if kept else []
        elif text := join_sentences(sentence for sentence in sentences(block.text) if not _SIGNPOST.match(sentence)):
            kept.append(Block("prose", text))
    return tuple(kept)


def _starts(sections: Iterator[Section]) -> Iterator[Section]:
    """Of a long section that was cut into parts the first one: it carries what the section is about."""
    parts: set[tuple[str, tuple[str, ...]]] = set()
    for section in sections:
        part = (section.span.source, section.heading)
        if section.heading and (part not in parts or _HEADED.match(section.text)):
            yield section
        parts.add(part)


def _says_nothing(section: Section) -> bool:
    return any(_NO_KNOWLEDGE.search(title) for title in section.heading)


def _topics(paths: Collection[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """The shortest end of each heading path that no other path has, parents first: "Options: Basic Usage"."""
    ends = Counter(_spoken(path[-length:]).casefold() for path in paths for length in range(1, len(path) + 1))
    topics: dict[tuple[str, ...], str] = {}
    for path in paths:
        lengths = range(2 if _needs_parent(path) else 1, len(path) + 1)
        unique = (_spoken(path[-length:]) for length in lengths)
        topic = next((end for end in unique if ends[end.casefold()] == 1), "")
        if topic:
            topics[path] = topic
    return topics


def _needs_parent(path: Sequence[str]) -> bool:
    """Whether the heading alone does not say what it is about: "Overview", or any single word."""
    single = len(path[-1].split()) == 1 and not is_cjk(path[-1])
    return len(path) > 1 and (single or bool(_GENERIC.fullmatch(path[-1])))


def _spoken(path: Sequence[str]) -> str:
    titles = [plain(title).strip(" .…:：?？") for title in path]
    return ("：" if is_cjk("".join(titles)) else ": ").join(titles)
