"""What is wrong with an answer of any kind, without understanding it. Core checks API names and that code parses."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.kinds.told import Told
from docutune.plugins.generators.langchain.mentions import PYTHON, bound_in, called_in, spoken_of

_FENCE = re.compile(r"^[ \t]*```(?P<language>[^\n`]*)\n(?P<code>.*?)(?:^[ \t]*```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")
_CALL = re.compile(r"`([A-Za-z_]\w*)\([^`\n]*\)`", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SPACE = re.compile(r"[\W_]+")
_WIDE = re.compile(r"[\u3400-\u9fff]")
_MACHINE = re.compile(
    r"\bas an? (?:AI|artificial intelligence|(?:large )?language model)\b|"
    r"作为(?:一[个名位款])?(?:AI|人工智能|(?:大型?)?语言模型)",
    re.IGNORECASE,
)
_SOURCE = "text|passage|excerpt|documentation|document|docstring|material|section|context|snippet|information"
_REFERENCE = re.compile(
    rf"\bthe (?:above|given|provided|preceding|supplied) (?:{_SOURCE}|code|example)\b|"
    rf"\bthe (?:{_SOURCE}|example) (?:above|provided here|given here)\b|"
    r"\b(?:according to|based on|as (?:stated|described|mentioned|shown|noted|explained) in) "
    rf"(?:the|this) (?:{_SOURCE})\b|"
    r"\b(?:the|this) (?:text|passage|excerpt|documentation|docstring|material|snippet) "
    r"(?:says|states|mentions|describes|explains|shows|provides|notes|does(?: not|n't))\b|"
    r"(?:根据|依据|按照|基于)(?:上述|以上|给定的?|提供的?|该|这[段份篇]|本)?(?:文本|文档|素材|材料|资料|段落|片段|上下文|章节)|"
    r"(?:上述|以上|上面的?|给定的?|所给的?|提供的|前述)(?:文本|文档|素材|材料|资料|段落|片段|上下文|章节|文字|内容|信息|示例|代码)|"
    r"(?:文档|素材|材料|资料|文本|原文|文)中(?:并?[未没]有?)?(?:提到|指出|说明|所述|写道|描述|给出)",
    re.IGNORECASE,
)


def mistakes(said: Told, payload: Payload) -> Iterator[str]:
    """One line per mistake, its kind before a colon; none when what is told may be kept."""
    if not all(said.answers):
        yield "the answer is empty"
        return
    yield from _about_questions(said, payload)
    for text in (*said.questions, *(turn.question for turn in said.further)):
        yield from _about_speaker(text)
    for answer in said.answers:
        yield from _about_prose(answer, payload)
        yield from _about_calls(answer, said, payload)
    if payload.code_language and payload.subject not in spoken_of(said.answer, (payload.subject,)):
        yield f"the answer does not use the symbol that it is about: `{payload.subject}`"


def wordings(said: Told, most: int) -> tuple[str, ...]:
    """The first `most` questions that are not the same but for case, spaces and punctuation."""
    different: dict[str, str] = {}
    for question in said.questions:
        different.setdefault(_SPACE.sub("", question).casefold(), question.strip())
    different.pop("", None)
    return tuple(different.values())[:most]


def _about_questions(said: Told, payload: Payload) -> Iterator[str]:
    found = wordings(said, payload.phrasings)
    if len(found) < payload.phrasings:
        yield f"too few different wordings of the question: {len(found)} instead of {payload.phrasings}"
    answer = _SPACE.sub("", said.answer).casefold()
    for question in found:
        if answer in _SPACE.sub("", question).casefold():
            yield f"the question holds its answer: {_quoted(question)}"
    for question in (*found, *(turn.question for turn in said.further)):
        if not _is_written_in(question, payload.language):
            yield f"the question is not in the language asked for ({payload.language}): {_quoted(question)}"


def _about_prose(answer: str, payload: Payload) -> Iterator[str]:
    prose = _FENCE.sub(" ", answer)
    if prose.strip() and not _is_written_in(prose, payload.language):
        yield f"the answer is not in the language asked for ({payload.language}): {_quoted(prose)}"
    yield from _about_speaker(prose)


def _about_speaker(text: str) -> Iterator[str]:
    if match := _MACHINE.search(text):
        yield f"it speaks as a machine: {_quoted(match[0])}"
    if match := _REFERENCE.search(_INLINE.sub(" ", text)):
        yield f"it refers to a text that the reader does not have: {_quoted(match[0])}"


def _about_calls(answer: str, said: Told, payload: Payload) -> Iterator[str]:
    """Functions that are called by a bare name, of which core cannot know whose they are: the sources name them."""
    known = set(_WORD.findall(" ".join((payload.text, payload.subject, payload.absent, *payload.names, said.shown))))
    code = [fence["code"] for fence in _FENCE.finditer(answer) if fence["language"].strip().lower() in PYTHON]
    bound = {name for text in code for name in bound_in(text)}
    for name in {name for text in code for name in called_in(text)} | set(_CALL.findall(_FENCE.sub(" ", answer))):
        if name not in known | bound and not hasattr(builtins, name):
            yield f"it calls what the sources do not name: `{name}`"


def _is_written_in(text: str, language: str) -> bool:
    """Chinese has a Chinese character outside of code; English is not mainly made of them."""
    bare = _INLINE.sub(" ", text)
    wide = len(_WIDE.findall(bare))
    return wide > 0 if language == "zh" else wide * 3 <= len(re.findall(r"\w", bare))


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= 80 else line[:77] + '...'}”"
