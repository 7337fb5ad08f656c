"""Changes to a pipeline file that leave its comments and everything else as they are (ruamel.yaml's round trip)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docutune.config.yaml_lines import read_yaml
from docutune.errors import DocutuneError, PluginError
from docutune.records import JsonValue
from docutune.scaffold.write import scalar

Change = Callable[[Any], None]

_FLUSH_LISTS = re.compile(r"^\w[^\n#]*:[^\n]*\n(?:[ \t]*#[^\n]*\n)*- ", re.MULTILINE)


def changed(content: bytes, change: Change) -> bytes:
    """The file with a change to its tree. DocutuneError when it would then not be read as what was meant."""
    try:
        from ruamel.yaml import YAML
    except ImportError:
        raise PluginError("ruamel.yaml is not installed", "install it: pip install 'docutune[ui]'") from None
    text = content.decode("utf-8-sig")
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10**6
    if not _FLUSH_LISTS.search(text):
        yaml.indent(mapping=2, sequence=4, offset=2)
    tree = yaml.load(text)
    change(tree)
    out = io.StringIO()
    yaml.dump(tree, out)
    made = out.getvalue().encode()
    wanted = read_yaml(content, "").tree
    change(wanted)
    if read_yaml(made, "").tree != _plain(wanted):
        raise DocutuneError("this pipeline file cannot be changed here without loss", "change it in an editor")
    return made


def training(index: int, uses: str, options: Mapping[str, JsonValue]) -> Change:
    """Let `train[index]` be this trainer with these options; the index after the last adds one."""

    def change(tree: Any) -> None:
        if tree.get("train") is None:
            tree["train"] = []
        if index >= len(tree["train"]):
            tree["train"].append({"uses": uses, "with": {}})
        step = tree["train"][min(index, len(tree["train"]) - 1)]
        step["uses"] = uses
        if step.get("with") is None:
            step["with"] = {}
        _become(step["with"], options)

    return change


def sources(entries: Sequence[Mapping[str, JsonValue]]) -> Change:
    """Let `sources:` hold these entries; those that stay keep their place and their comments."""

    def change(tree: Any) -> None:
        if tree.get("sources") is None:
            tree["sources"] = []
        listed = tree["sources"]
        wanted = [dict(entry) for entry in entries]
        for place in reversed(range(len(listed))):
            if _plain(listed[place]) not in wanted:
                del listed[place]
        there = [_plain(entry) for entry in listed]
        listed.extend(_quoted(entry) for entry in wanted if entry not in there)

    return change


def ratings(place: str) -> Change:
    """Let `ratings:` name this file."""

    def change(tree: Any) -> None:
        tree["ratings"] = place

    return change


def _become(mapping: Any, values: Mapping[str, JsonValue]) -> None:
    for name in [name for name in mapping if name not in values]:
        del mapping[name]
    for name, value in values.items():
        if name not in mapping or _plain(mapping[name]) != value:
            mapping[name] = _quoted(value)


def _plain(value: Any) -> Any:
    """The same of plain dicts, lists and scalars."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _quoted(value: Any) -> Any:
    """Texts that YAML would take for something else get quotes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, str):
        return value if scalar(value) == value else DoubleQuotedScalarString(value)
    if isinstance(value, dict):
        return {name: _quoted(item) for name, item in value.items()}
    return [_quoted(item) for item in value] if isinstance(value, list) else value
