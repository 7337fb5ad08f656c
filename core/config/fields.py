"""A plugin's options as people read them: name, type, default and description."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Option:
    """One option; `default` is its JSON form, `type` says what may be written."""

    name: str
    type: str
    default: str
    required: bool
    description: str


def options(config: type[BaseModel]) -> tuple[Option, ...]:
    """The options of a plugin's Config, in the order of its fields."""
    schema = config.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    return tuple(
        Option(
            name=name,
            type=_type(field, definitions),
            default=json.dumps(field.get("default"), ensure_ascii=False),
            required=name in required,
            description=field.get("description", ""),
        )
        for name, field in schema.get("properties", {}).items()
    )


def _type(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A type in words: `integer >= 1`, `"nf4" or "none"`, `list of text`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _type(definitions.get(name, {}), definitions)
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(_type(member, definitions) for member in schema[union])
    if "enum" in schema or "const" in schema:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), definitions)}"
    names = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "null"}
    return names.get(schema.get("type", ""), "mapping") + _bounds(schema)


def _bounds(schema: dict[str, Any]) -> str:
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    return "".join(f" {sign} {schema[key]}" for key, sign in signs.items() if key in schema)
