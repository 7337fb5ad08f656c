"""What one hook implementation offers, checked: a plugin author's mistake is named here, not in the middle of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import get_args

from pydantic import BaseModel

from docutune.contracts import ParserRegistration, Registration
from docutune.environment import has_module
from docutune.records import Reads
from docutune.suggestions import listed

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LOAD = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def as_registrations(kind: str, offered: object) -> tuple[object, ...]:
    """The items of what a hook returned; TypeError when that is no list or tuple."""
    if not isinstance(offered, (list, tuple)):
        raise TypeError(f"docutune_{kind}s must return a list of registrations, not {type(offered).__name__}")
    return tuple(offered)


def mistakes(kind: str, item: object) -> tuple[str, ...]:
    """What is wrong with one registration; empty when it can be used."""
    expected = ParserRegistration if kind == "parser" else Registration
    if not isinstance(item, expected):
        return (f"docutune_{kind}s must return {expected.__name__} objects, found {type(item).__name__}",)
    found = [*_name_mistakes(item), *_way_mistakes(item), *_config_mistakes(item)]
    if isinstance(item, ParserRegistration):
        found += _suffix_mistakes(item.suffixes)
        if item.reads not in get_args(Reads):
            found.append(f"`reads` of {item.name!r} is {item.reads!r}, not one of {listed(get_args(Reads))}")
    if kind == "hub" and not found:
        found += _hub_mistakes(item)
    return tuple(found or _module_mistakes(item))


def _name_mistakes(item: Registration) -> Iterable[str]:
    if not isinstance(item.name, str) or not _NAME.fullmatch(item.name):
        yield f"the name {item.name!r} is not made of lower-case letters, digits and single hyphens"
    if not isinstance(item.summary, str) or not item.summary.strip():
        yield f"{item.name!r} has no summary"
    if type(item.revision) is not int or item.revision < 1:
        yield f"the revision of {item.name!r} is {item.revision!r}, not a whole number from 1 on"
    if not isinstance(item.load, str) or not _LOAD.fullmatch(item.load):
        yield f"`load` of {item.name!r} is {item.load!r}, not 'package.module:Class'"
    if not _is_tuple_of(item.requires, _MODULE):
        yield f"`requires` of {item.name!r} is {item.requires!r}, not a tuple of module names"
    if item.extra is not None and not isinstance(item.extra, str):
        yield f"`extra` of {item.name!r} is {item.extra!r}, not text"
    if item.prompts is not None and not (isinstance(item.prompts, str) and _MODULE.fullmatch(item.prompts)):
        yield f"`prompts` of {item.name!r} is {item.prompts!r}, not the name of a package"


def _way_mistakes(item: Registration) -> Iterable[str]:
    if item.instead is not None and not (isinstance(item.instead, str) and _NAME.fullmatch(item.instead)):
        yield f"`instead` of {item.name!r} is {item.instead!r}, not the name of a plugin"
    for switch in ("needs_gpu", "several_devices"):
        if type(getattr(item, switch)) is not bool:
            yield f"`{switch}` of {item.name!r} is {getattr(item, switch)!r}, not True or False"


def _config_mistakes(item: Registration) -> Iterable[str]:
    config: object = item.config
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        yield f"`config` of {item.name!r} is {config!r}, not a pydantic model class"
    elif config.model_config.get("extra") != "forbid" or not config.model_config.get("frozen"):
        yield f'the Config of {item.name!r} needs model_config = ConfigDict(extra="forbid", frozen=True)'
    elif item.prompts is not None and "prompts" not in config.model_fields:
        yield f"{item.name!r} has prompts, but its Config has no field `prompts` for them"


def _module_mistakes(item: Registration) -> Iterable[str]:
    """Looked for, not imported. A module of a library that `requires` names is missing together with that library."""
    module = item.load.partition(":")[0]
    library = module.partition(".")[0]
    if library not in {name.partition(".")[0] for name in item.requires} and not has_module(module):
        yield f"`load` of {item.name!r} names the module {module!r}, which is not there"
    if item.prompts is not None and not has_module(item.prompts):
        yield f"`prompts` of {item.name!r} names the package {item.prompts!r}, which is not there"


def _hub_mistakes(item: Registration) -> Iterable[str]:
    """A hub is named by its models' names, so nothing can give it options."""
    needed = [name for name, option in item.config.model_fields.items() if option.is_required()]
    if needed:
        yield f"the Config of {item.name!r} needs defaults: nothing sets {listed(needed)} of a hub"


def _suffix_mistakes(suffixes: object) -> list[str]:
    if not suffixes or not _is_tuple_of(suffixes, re.compile(r"(\.[^./\\A-Z]+)+")):
        return [f"`suffixes` is {suffixes!r}, not a tuple of lower-case file suffixes such as '.md'"]
    return []


def _is_tuple_of(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) and pattern.fullmatch(item) for item in value)
