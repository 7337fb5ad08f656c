"""Calls of plugins: what they raise becomes one line that names the plugin, and what they give back is checked."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from docutune.errors import DocutuneError, PluginError
from docutune.records import JsonValue, canonical, from_json, to_json

LONGEST_CAUSE = 400
"""Characters of an error's text that are shown: a library may put a whole document into it."""

Record = TypeVar("Record")


@contextmanager
def guarded(plugin: str, place: str) -> Iterator[None]:
    """Turn a plugin's bug into a PluginError; what a DocutuneError or an interrupt says is not the plugin's bug.

    `plugin` is like "curator 'short' of acme 1.0", `place` like "while it chose samples". SystemExit counts as a bug,
    for a plugin must not end the run without a word. What is lazy must be used up inside.
    """
    try:
        yield
    except DocutuneError:
        raise
    except (Exception, SystemExit) as error:
        hint = "this is a bug of the plugin: DOCUTUNE_STRICT=1 shows where; what was made before is kept"
        raise PluginError(f"{plugin} failed {place}: {cause(error)}", hint) from error


def cause(error: BaseException) -> str:
    """An error's class and text in one line."""
    try:
        text = str(error)
    except Exception:  # its text is the plugin's code, too
        text = ""
    name = type(error).__name__
    return textwrap.shorten(f"{name}: {text}" if text else name, LONGEST_CAUSE, placeholder=" ...")


def mistake(plugin: str, what: str) -> PluginError:
    """The error for a plugin that breaks the contract without raising anything."""
    return PluginError(f"{plugin} {what}", "this is a bug of the plugin; what was made before is kept")


async def awaited(plugin: str, call: str, given: Any) -> Any:
    """What an `async` method gives back; PluginError when it is not one."""
    if not inspect.isawaitable(given):
        raise mistake(plugin, f"has a {call}() that is not `async def`, or one with `yield`: it gave back {a(given)}")
    return await given


def records(kind: type[Record], plugin: str, call: str, given: Any) -> list[Record]:
    """What a plugin's method gave back as a list, every item whole; PluginError names the first that is not."""
    found = [*series(kind.__name__, plugin, call, given)]
    for item in found:
        as_json(kind, plugin, call, item)
    return found


def series(wanted: str, plugin: str, call: str, given: Any) -> Iterable[Any]:
    """What a plugin's method gave back, if it is a list or the like."""
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise mistake(plugin, f"gave back {a(given)} from {call}(), not a list of {wanted}")
    return given


def as_json(kind: type[Any], plugin: str, call: str, item: Any) -> JsonValue:
    """The JSON form of a record from a plugin; PluginError when it is another thing or a field has another type."""
    if not isinstance(item, kind):
        raise mistake(plugin, f"gave back {a(item)} from {call}() where {_with_article(kind.__name__)} belongs")
    try:
        value = to_json(item)
        from_json(kind, value)
        canonical(value)  # lone surrogates cannot be written
    except (TypeError, ValueError) as error:
        raise mistake(plugin, f"gave back a wrong {kind.__name__} from {call}(): {cause(error)}") from error
    return value


def a(thing: object) -> str:
    """A thing as a sentence names it: None as itself, all else by its type."""
    return "None" if thing is None else _with_article(type(thing).__name__)


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
