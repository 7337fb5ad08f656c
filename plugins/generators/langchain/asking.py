"""What is asked of the chat model: a task's payload, and the prompt that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

_NO_NAMES = {"en": "none", "zh": "（无）"}
_COMMA = {"en": ", ", "zh": "、"}
_LIBRARY = {"en": "the software library {}", "zh": "软件库 {} "}
_NO_LIBRARY = {"en": "a software library", "zh": "某个软件库"}
_WORDING = {"en": "wording", "zh": "问法"}
_VERSIONS = {
    "en": ("from version {} to version {}", "to version {}"),
    "zh": ("从 {} 版升级到 {} 版", "升级到 {} 版"),
}


@dataclass(frozen=True, slots=True)
class Stated:
    """A parameter as the symbol table has it: its name with stars, and its default, "" for none."""

    name: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """All that decides the samples of a task. `prompt` and `repair` are the templates of its kind and language.

    `subject` is a symbol's full name or a heading's path, `text` what the sources say of it, `names` the full names of
    the library's symbols that occur there, `packages` those that it is about. `questions` is the most to ask, of those
    kinds that ask several. `absent` is a full name that the library does not have; `before` and `after` are the
    versions around a change.
    """

    kind: str
    language: str
    subject: str
    text: str
    prompt: str
    repair: str
    phrasings: int
    names: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    questions: int = 0
    code_language: str = ""
    parameters: tuple[Stated, ...] = ()
    absent: str = ""
    before: str = ""
    after: str = ""


def prompt(payload: Payload, complaint: str | None) -> str:
    """The message to send. Placeholders are those of the template; nothing that is filled in acts as a template."""
    language = payload.language
    values = {
        "library": _library(payload),
        "text": payload.text,
        "heading": payload.subject,
        "name": payload.subject,
        "names": _listed(payload.names, language) or _NO_NAMES[language],
        "phrasings": str(payload.phrasings),
        "wordings": ", ".join(f'"{_WORDING[language]} {place + 1}"' for place in range(payload.phrasings)),
        "questions": str(payload.questions),
        "parameters": _listed([item.name for item in payload.parameters], language),
        "absent": payload.absent,
        "versions": _versions(payload),
    }
    asked = Template(payload.prompt).substitute(values)
    if complaint is None:
        return asked
    return f"{asked.rstrip()}\n\n{Template(payload.repair).substitute(complaint=complaint)}"


def _library(payload: Payload) -> str:
    if not payload.packages:
        return _NO_LIBRARY[payload.language]
    return _LIBRARY[payload.language].format(_listed(payload.packages, payload.language))


def _versions(payload: Payload) -> str:
    both, one = _VERSIONS[payload.language]
    return both.format(payload.before, payload.after) if payload.before else one.format(payload.after)


def _listed(names: Sequence[str], language: str) -> str:
    return _COMMA[language].join(f"`{name}`" for name in names)
