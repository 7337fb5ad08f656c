"""Signatures as a caller reads them, in one line. Parsers and the symbol table write them with the same function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docutune.records import Parameter

_STARS = {"var-positional": "*", "var-keyword": "**"}


def render(name: str, parameters: Sequence[Parameter], returns: str = "") -> str:
    """The call line: `fetch(url: str, /, *, retries: int = 3) -> Reply`; `returns` is the annotation, if any."""
    result = f" -> {returns}" if returns else ""
    return f"{name}({', '.join(_parts(parameters))}){result}"


def renamed(signature: str, old: str, new: str) -> str:
    """The signature under another name: `old` is the last part of the full name that it was written for."""
    for prefix in ("", "async "):
        if signature.startswith(prefix + old) and not signature[len(prefix + old) :][:1].isidentifier():
            return prefix + new + signature[len(prefix + old) :]
    return signature


def _parts(parameters: Sequence[Parameter]) -> Iterable[str]:
    starred = False
    for index, parameter in enumerate(parameters):
        if index and parameters[index - 1].kind == "positional-only" != parameter.kind:
            yield "/"
        if parameter.kind == "keyword-only" and not starred:
            yield "*"
        starred = starred or parameter.kind in ("var-positional", "keyword-only")
        yield _part(parameter)
    if parameters and parameters[-1].kind == "positional-only":
        yield "/"


def _part(parameter: Parameter) -> str:
    text = _STARS.get(parameter.kind, "") + parameter.name
    if parameter.annotation:
        text += f": {parameter.annotation}"
    if parameter.default:
        text += f" = {parameter.default}" if parameter.annotation else f"={parameter.default}"
    return text
