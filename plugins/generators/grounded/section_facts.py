"""What sections of the documentation explain, each under a topic that no other section has."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from docutune.contracts import Library
from docutune.plugins.generators.grounded.blocks import Block, blocks, fit, join_sentences, sentences
from docutune.plugins.generators.grounded.fact import Fact
from docutune.plugins.generators.grounded.inline import is_cjk, plain
from docutune.plugins.generators.grounded.names import in_text
from docutune.records import Section

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
    """One fact per heading; `limit` is the longest answer in characters."""
    sections = [section for section in _first_parts(library.sections()) if not _says_nothing(section)]
    topics = _topics(sections)
    for section in sections:
        topic = topics.get(section.heading)
        text = fit(_telling(section), limit) if topic else ""
        if topic and len(text) >= (_MIN_CJK_CHARS if is_cjk(text) else _MIN_CHARS):
            key = " > ".join(section.heading)
            slots = {"topic": topic, "text": text}
            yield Fact(
                f"explanation:{key}", "explanation", "explanation", slots, key, (section.span,), in_text(text, library)
            )


def _telling(section: Section) -> tuple[Block, ...]:
    """The section's blocks from its first prose on, without sentences about the page itself."""
    kept: list[Block] = []
    for block in blocks(section.text):
        if block.kind != "prose":
            kept += [block] if kept else []
        elif text := join_sentences(sentence for sentence in sentences(block.text) if not _SIGNPOST.match(sentence)):
            kept.append(Block("prose", text))
    return tuple(kept)


def _first_parts(sections: Iterator[Section]) -> Iterator[Section]:
    """A long section is cut into parts; the first one carries what it is about.

    Where a document has the same heading twice in one place, nobody can tell which one is meant: neither is taken.
    """
    parts: dict[tuple[str, tuple[str, ...]], list[Section]] = defaultdict(list)
    for section in sections:
        parts[(section.span.source, section.heading)].append(section)
    for (_, heading), found in parts.items():
        if heading and not any(_HEADED.match(section.text) for section in found[1:]):
            yield found[0]


def _says_nothing(section: Section) -> bool:
    return any(_NO_KNOWLEDGE.search(title) for title in section.heading)


def _topics(sections: Sequence[Section]) -> dict[tuple[str, ...], str]:
    """The shortest end of each heading path that is unique, parents first: "Options: Basic Usage".

    Paths that occur in two documents have no unique topic and are left out.
    """
    paths = [section.heading for section in sections]
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
