"""The JSON Schema of a pipeline file, with the options of every installed plugin, so that editors complete it."""

from __future__ import annotations

from typing import Any

from docutune.config.models import IN_WORKERS, SECTIONS, SINGLE, Frame, StepFrame
from docutune.registry import Entry, Registry

Schema = dict[str, Any]


def json_schema(registry: Registry) -> Schema:
    """JSON Schema (draft 2020-12) of pipeline.yaml in this environment."""
    schema = Frame.model_json_schema()
    definitions = schema["$defs"]
    for unused in (StepFrame.__name__, "JsonValue"):
        definitions.pop(unused, None)
    for section, kind in SECTIONS.items():
        entries = registry.registrations(kind)
        for entry in entries:
            definitions.update(_options(entry, [other.name for other in entries]))
        described = {"description": schema["properties"][section]["description"]}
        step = _step(kind, entries, section in IN_WORKERS)
        is_list = section not in SINGLE
        schema["properties"][section] = {**described, **({"type": "array", "items": step} if is_list else step)}
    schema["anyOf"] = [{"required": ["sources"]}, {"required": ["dataset"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "docutune pipeline"}


def _step(kind: str, entries: tuple[Entry, ...], in_worker: bool) -> Schema:
    """A step: any plugin's name, then that plugin's options."""
    properties = StepFrame.model_json_schema()["properties"]
    own = ("name", "python") if in_worker else ("name",)
    names = [{"const": entry.name, "description": entry.registration.summary} for entry in entries]
    return {
        "type": "object",
        "properties": {
            "uses": {"description": f"the {kind}'s name", "oneOf": names},
            **{name: {key: value for key, value in properties[name].items() if key != "default"} for name in own},
            "with": {"type": "object", "description": properties["with"]["description"]},
        },
        "required": ["uses"],
        "additionalProperties": False,
        "allOf": [_choice(entry) for entry in entries],
    }


def _choice(entry: Entry) -> Schema:
    then: Schema = {"properties": {"with": {"$ref": f"#/$defs/{_name(entry)}"}}}
    if any(info.is_required() for info in entry.registration.config.model_fields.values()):
        then["required"] = ["with"]
    return {"if": {"properties": {"uses": {"const": entry.name}}, "required": ["uses"]}, "then": then}


def _options(entry: Entry, names: list[str]) -> Schema:
    """Definitions of a plugin's options, and of the models inside them, under names of their own."""
    prefix = _name(entry)
    schema = entry.registration.config.model_json_schema(ref_template=f"#/$defs/{prefix}.{{model}}")
    inner = {f"{prefix}.{name}": definition for name, definition in schema.pop("$defs", {}).items()}
    nested = {
        name: {"type": "object", "description": f"options of {entry.kind} {name!r}; {entry.name!r} ignores them"}
        for name in names
        if name != entry.name and name not in schema.get("properties", {})
    }
    schema["properties"] = {**schema.get("properties", {}), **nested}
    return {prefix: {**schema, "description": entry.registration.summary}, **inner}


def _name(entry: Entry) -> str:
    return f"{entry.kind}.{entry.name}"
