"""What is asked of the chat model: a task's payload, and the prompt that is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

_NO_NAMES = {"en": "none", "zh": "（无）"}
_COMMA = {"en": ", ", "zh": "、"}
_WORDING = {"en": "wording", "zh": "问法"}


@dataclass(frozen=True, slots=True)
class Payload:
    """All that decides the samples of a task. `prompt` and `repair` are the templates of its kind and language.

    `subject` is a symbol's full name or a heading's path, `text` what the sources say of it, `names` the full names of
    the library's symbols that occur there. `questions` is the most to ask, of those kinds that ask several.
    """

    kind: str
    language: str
    subject: str
    text: str
    prompt: str
    repair: str
    phrasings: int
    names: tuple[str, ...] = ()
    questions: int = 0
    code_language: str = ""


def prompt(payload: Payload, complaint: str | None) -> str:
    """The message to send. Placeholders are those of the template; nothing that is filled in acts as a template."""
    comma = _COMMA[payload.language]
    values = {
        "text": payload.text,
        "heading": payload.subject,
        "name": payload.subject,
        "names": comma.join(f"`{name}`" for name in payload.names) or _NO_NAMES[payload.language],
        "phrasings": str(payload.phrasings),
        "wordings": ", ".join(f'"{_WORDING[payload.language]} {place + 1}"' for place in range(payload.phrasings)),
        "questions": str(payload.questions),
    }
    asked = Template(payload.prompt).substitute(values)
    if complaint is None:
        return asked
    return f"{asked.rstrip()}\n\n{Template(payload.repair).substitute(complaint=complaint)}"
