"""Which parameters a symbol takes, and their defaults: names and defaults are the symbol table's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from docutune.plugins.generators.langchain.asking import Payload, Stated
from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Told, about_subject
from docutune.plugins.generators.langchain.topics.symbols import with_parameters

_REQUIRED = {"en": " (required): ", "zh": "（必填）："}
_DEFAULT = {"en": " (default `{}`): ", "zh": "（默认值 `{}`）："}
_REST = {"en": ": ", "zh": "："}
_SAYS_DEFAULT = re.compile(r"(?:\bdefaults?\b|默认)[^`\n]{0,20}`([^`\n]+)`", re.IGNORECASE)
_PAIR = re.compile(r"`(?:[^`\n]*[(, ])?(\w+)\s?=\s?[^`\n]*`")


class Described(BaseModel):
    """A parameter by its name, its default as code (null: it must be given), and what it means."""

    model_config = ConfigDict(frozen=True)

    name: str
    default: str | None = None
    meaning: str


class Recalled(BaseModel):
    """A question in several wordings, a sentence on what is called, and every parameter."""

    model_config = ConfigDict(frozen=True)

    questions: list[str]
    opening: str
    parameters: list[Described]


def _told(reply: Recalled, payload: Payload) -> Told:
    """The answer is put together here, in the order and with the defaults of the signature."""
    meanings = {_bare(item.name): item.meaning.strip() for item in reply.parameters}
    lines = [_line(item, meanings.get(_bare(item.name), ""), payload.language) for item in payload.parameters]
    opening = reply.opening.strip()
    return Told(tuple(reply.questions), f"{opening}\n\n{chr(10).join(lines)}" if opening else "")


def _line(parameter: Stated, meaning: str, language: str) -> str:
    if parameter.name.startswith("*"):
        said = _REST[language]
    else:
        said = _DEFAULT[language].format(parameter.default) if parameter.default else _REQUIRED[language]
    return f"- `{parameter.name}`{said}{meaning}"


def _mistakes(reply: Recalled, payload: Payload) -> Iterator[str]:
    known = {_bare(item.name): item for item in payload.parameters}
    stated = {_bare(item.name): item for item in reply.parameters}
    yield from (f"it states a parameter that does not exist: `{name}`" for name in stated if name not in known)
    for name, parameter in known.items():
        if name not in stated:
            yield f"it leaves a parameter out: `{parameter.name}`"
        elif not stated[name].meaning.strip():
            yield f"it does not say what a parameter means: `{parameter.name}`"
        else:
            yield from _about_default(stated[name], parameter)
    for text in (reply.opening, *(item.meaning for item in reply.parameters)):
        for name in _PAIR.findall(text):
            if name not in known:
                yield f"it states a parameter that does not exist: `{name}`"


def _about_default(stated: Described, parameter: Stated) -> Iterator[str]:
    said = [] if stated.default is None else [stated.default]
    said += _SAYS_DEFAULT.findall(stated.meaning)
    for text in said:
        if text.strip() and _normal(text) != _normal(parameter.default):
            there = f"it is `{parameter.default}`" if parameter.default else "there is none"
            yield f"it states a wrong default of `{parameter.name}`: `{text}`, but {there}"
    if stated.default is None and parameter.default not in ("", "None"):
        yield f"it states no default of `{parameter.name}`, but it is `{parameter.default}`"


def _bare(name: str) -> str:
    return name.strip(" `").lstrip("*")


def _normal(text: str) -> str:
    """A default without what makes no difference: spaces and the kind of quotes."""
    try:
        return ast.unparse(ast.parse(text.strip(" `"), mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "".join(text.split())


KIND = Kind("signature", Recalled, with_parameters, _told, about_subject, _mistakes, needs_parameters=True)
