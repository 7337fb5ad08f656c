"""From the text of a reply to the object that was asked for, or the reason why it cannot be used."""

from __future__ import annotations

import json
import re

from pydantic import ValidationError

from docutune.contracts import Reply
from docutune.errors import Rejected

_CUT = {"length", "max_tokens", "max_output_tokens"}
_REFUSED = {"content_filter", "refusal", "safety"}
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_PROBLEMS_SHOWN = 3


def read(text: str, finish: str, schema: type[Reply]) -> Reply:
    """The reply as an instance of `schema`. Rejected says what is wrong with it."""
    if finish.lower() in _CUT:
        raise Rejected("the reply was cut off at max_tokens")
    if finish.lower() in _REFUSED:
        raise Rejected("the model refused to answer")
    try:
        return schema.model_validate(_object(text))
    except ValidationError as error:
        raise Rejected(f"the reply does not fit the schema: {_problems(error)}") from None


def _object(text: str) -> object:
    """The JSON object in a text, be there thoughts or a fence around it."""
    said = _THOUGHTS.sub("", text)
    start = said.find("{")
    if start < 0:
        raise Rejected("the reply holds no JSON object")
    try:
        found: object
        found, _ = json.JSONDecoder().raw_decode(said, start)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is valid JSON and no text
    except (ValueError, RecursionError) as error:
        raise Rejected(f"the reply is no JSON: {error}") from None
    return found


def _problems(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)
    shown = [f"{'.'.join(map(str, item['loc'])) or 'object'}: {item['msg']}" for item in found[:_PROBLEMS_SHOWN]]
    more = len(found) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
