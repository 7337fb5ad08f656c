"""Any plugin's Config as the fields of a form: kinds, bounds, choices and explanations, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from docutune.config.explain import Explainer
from docutune.config.strict import validate
from docutune.config.yaml_lines import Document, Place, read_value
from docutune.errors import Problem
from docutune.records import JsonValue

Kind = Literal["switch", "whole", "number", "choice", "text", "list", "yaml"]

_BOUNDS = {"minimum": "least", "exclusiveMinimum": "above", "maximum": "most", "exclusiveMaximum": "below"}
_KINDS: Mapping[str, Kind] = {"boolean": "switch", "integer": "whole", "number": "number", "string": "text"}


@dataclass(frozen=True, slots=True)
class Field:
    """One option. `kind` "list" holds texts, "yaml" whatever has no simpler form, written as in a pipeline file.

    `optional`: it may be left unset. `least` and `most` may be taken themselves, `above` and `below` may not.
    """

    name: str
    kind: Kind
    description: str
    required: bool
    optional: bool
    default: JsonValue = None
    choices: tuple[JsonValue, ...] = ()
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    first: bool = False
    """Whether most users look at it: its Config names it in `shown_first`."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a Config says of values: what is wrong by field, and what concerns several of them."""

    at_fields: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.at_fields and not self.others


def fields(config: type[BaseModel]) -> tuple[Field, ...]:
    """The fields of a Config, in its own order."""
    schema = config.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    first: frozenset[str] = getattr(config, "shown_first", frozenset())
    found = (_field(name, part, definitions, name in required) for name, part in schema.get("properties", {}).items())
    return tuple(replace(item, first=item.name in first) for item in found)


def check(config: type[BaseModel], values: Mapping[str, JsonValue]) -> Checked:
    """Let the Config itself judge values as a pipeline file would hold them."""
    try:
        validate(config, dict(values))
    except ValidationError as error:
        document = Document(dict(values), {(): Place("")})
        return told(Explainer(document, config, noun="option").problems(error, dict(values)), "")
    return Checked()


def told(problems: Iterable[Problem], prefix: str) -> Checked:
    """Problems of a pipeline file, those below `prefix` ("train[0].with") by the field there."""
    at_fields: dict[str, str] = {}
    others: list[str] = []
    for problem in problems:
        name = _name_below(problem.key, prefix)
        if name:
            at_fields.setdefault(name, problem.message)
        else:
            others.append(problem.message if problem.key == prefix else str(problem))
    return Checked(at_fields, tuple(others))


def written(fields: Iterable[Field], shown: Mapping[str, Any], stated: Collection[str] = ()) -> dict[str, JsonValue]:
    """The values of a form as a pipeline file would hold them.

    What is unset is not written, nor what is left at its default, unless it is `stated` in the file already.
    """
    found: dict[str, JsonValue] = {}
    for item in fields:
        value = _written(item, shown.get(item.name))
        if value is not None and (item.required or item.name in stated or value != item.default):
            found[item.name] = value
    return found


def _written(item: Field, value: Any) -> JsonValue:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if item.kind == "whole" and isinstance(value, float) and value.is_integer():
        return int(value)
    if item.kind == "list":
        return [line.strip() for line in str(value).splitlines() if line.strip()]
    if item.kind == "yaml":
        return _read(str(value))
    found: JsonValue = value
    return found


def _read(text: str) -> JsonValue:
    """Text as YAML; what is none stays text, and the Config says what it expects."""
    try:
        return read_value(text)
    except ValueError:
        return text


def _name_below(key: str, prefix: str) -> str:
    rest = key.removeprefix(f"{prefix}.") if prefix else key
    if prefix and rest == key:
        return ""
    return rest.partition(".")[0].partition("[")[0]


def _field(name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any], required: bool) -> Field:
    members = [_resolved(member, definitions) for member in schema.get("anyOf", schema.get("oneOf", [schema]))]
    some = [member for member in members if member.get("type") != "null"]
    one = some[0] if len(some) == 1 else {}
    bounds = {ours: one[theirs] for theirs, ours in _BOUNDS.items() if theirs in one}
    optional = len(some) < len(members)
    kind = _kind(one)
    choices = tuple(one.get("enum", [one["const"]] if "const" in one else []))
    if kind == "switch" and optional:
        kind, choices = "choice", (True, False)
    return Field(
        name=name,
        kind=kind,
        description=schema.get("description", ""),
        required=required,
        optional=optional,
        default=schema.get("default"),
        choices=choices,
        **bounds,
    )


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = definitions.get(schema["$ref"].rpartition("/")[2], {})
    return found


def _kind(schema: Mapping[str, Any]) -> Kind:
    if "enum" in schema or "const" in schema:
        return "choice"
    if schema.get("type") == "array" and schema.get("items", {}).get("type") == "string":
        return "list"
    return _KINDS.get(str(schema.get("type")), "yaml")
