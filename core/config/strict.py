"""Validation that takes values as they are written: the text "3" is no number, and `true` is no 1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from docutune.records import JsonValue

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

_LIST_TYPES = {"tuple_type", "set_type", "frozen_set_type"}
_TEXT_TYPES = {"path_type", "is_instance_of"}


def validate(model: type[Model], values: JsonValue) -> Model:
    """The model of these plain values; pydantic's ValidationError when they do not fit."""
    text = json.dumps(values)
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        if not any(_is_side_effect(details) for details in error.errors(include_url=False)):
            raise
    return model.model_validate_json(text)


def _is_side_effect(details: ErrorDetails) -> bool:
    """Behind a "before" validator pydantic forgets that a list came from JSON, and strictly refuses it as a tuple."""
    kind, found = details["type"], details["input"]
    return (kind in _LIST_TYPES and isinstance(found, list)) or (kind in _TEXT_TYPES and isinstance(found, str))
