"""pydantic's errors in the words of the pipeline file: its key, its line, what was expected and a way out."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from docutune.config.yaml_lines import Document, KeyPath, shown
from docutune.errors import Problem
from docutune.records import JsonValue
from docutune.suggestions import did_you_mean, slip_of

if typing.TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_EXPECTED = {
    "bool": "true or false",
    "dict": "a mapping (key: value)",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "a mapping (key: value)",
    "path": "a path",
    "set": "a list",
    "string": "text",
    "tuple": "a list",
}


@dataclass(frozen=True)
class Explainer:
    """Explains the errors of one model at one place of a document.

    `noun` names a key of that model ("option of trainer 'trl'").
    """

    document: Document
    model: type[BaseModel]
    prefix: KeyPath = ()
    noun: str = "key"

    def problems(self, error: ValidationError, value: JsonValue) -> Iterator[Problem]:
        """One problem for each key; what the members of a union expected is joined."""
        by_path: dict[KeyPath, list[str]] = {}
        for details in error.errors(include_url=False):
            if details["type"] == "too_short" and details["input"]:
                continue  # not empty as written: only its items are wrong, and they are reported
            path = _path_in(value, details)
            by_path.setdefault(path, []).append(self._message(details, path))
        for path, messages in by_path.items():
            full = (*self.prefix, *path)
            yield problem(self.document, full, " or ".join(dict.fromkeys(messages)))

    def _message(self, details: ErrorDetails, path: KeyPath) -> str:
        kind = details["type"]
        if kind == "extra_forbidden":
            known = field_names(self.model, path[:-1])
            guess = did_you_mean(str(path[-1]), known)
            return f"unknown {self.noun}{guess}" if guess else f"unknown {self.noun}; known: {', '.join(known)}"
        if kind == "missing":
            return f"missing {self.noun}{_description(self.model, path)}"
        message = _value_message(details)
        return f"{message}{self._as_mapping(details, path)}" if kind.startswith(("model_", "dict_")) else message

    def _as_mapping(self, details: ErrorDetails, path: KeyPath) -> str:
        """How text is written where a mapping belongs, such as a plugin's name without its `uses:`."""
        keys, found = field_names(self.model, path), details["input"]
        if keys[:1] not in (["path"], ["uses"]) or not isinstance(found, str) or "\n" in found:
            return ""
        item = f"{keys[0]}: {found}"
        return f"; write {'- ' if isinstance(path[-1], int) else ''}{item}"


def problem(document: Document, path: KeyPath, message: str) -> Problem:
    """A problem at the place where `path` was written."""
    place = document.place(path)
    return Problem(place.file, place.line, shown(path), message)


def field_names(model: Any, path: KeyPath) -> list[str]:
    """The keys that a model accepts at `path` inside it; empty when no model stands there."""
    for part in path:
        if isinstance(part, str) and _is_model(model):
            model = {_key(name, info): info.annotation for name, info in model.model_fields.items()}.get(part)
        model = next(_models_in(model), None)
    return [_key(name, info) for name, info in model.model_fields.items()] if _is_model(model) else []


def describe(value: object) -> str:
    """A value of a YAML file in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"text {_short(value)}"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else str(value)


def _path_in(value: Any, details: ErrorDetails) -> KeyPath:
    """pydantic's location without the parts that name a union's member."""
    path: list[str | int] = []
    *parents, last = details["loc"] or (None,)
    for part in parents:
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            continue
        path.append(part)
    here = isinstance(value, dict) and (last in value or details["type"] == "missing")
    item = isinstance(value, list) and isinstance(last, int)
    return (*path, last) if last is not None and (here or item) else tuple(path)


def _value_message(details: ErrorDetails) -> str:
    kind, found, context = details["type"], details["input"], details.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", details["msg"]))
    if kind == "literal_error":
        expected = str(context["expected"])
        options = re.findall(r"'([^']*)'", expected)
        guess = slip_of(found, options) if isinstance(found, str) else ""
        return f"expected {expected}, found {describe(found)}{guess}"
    if kind in ("too_short", "string_too_short") and context.get("min_length") == 1:
        return "must not be empty"
    expected = _EXPECTED.get(kind.partition("_")[0], "")
    if expected and kind.endswith(("_type", "_parsing", "_from_float")):
        return f"expected {expected}, found {describe(found)}"
    return f"{_plain(details['msg'])}, found {describe(found)}"


def _plain(message: str) -> str:
    message = re.sub(r"^(Input|Value|String|Tuple|List) should", "must", message)
    return message[:1].lower() + message[1:]


def _description(model: Any, path: KeyPath) -> str:
    for part in path[:-1]:
        fields = model.model_fields if _is_model(model) else {}
        annotation = {_key(name, info): info.annotation for name, info in fields.items()}.get(str(part), model)
        model = next(_models_in(annotation), None)
    if not _is_model(model):
        return ""
    descriptions = {_key(name, info): info.description for name, info in model.model_fields.items()}
    return f": {descriptions[str(path[-1])]}" if descriptions.get(str(path[-1])) else ""


def _models_in(annotation: Any) -> Iterator[Any]:
    if _is_model(annotation):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _key(name: str, info: Any) -> str:
    return info.alias or name


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
