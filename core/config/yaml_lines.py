"""YAML to plain values, with the line of every key and item, and every mistake of form named."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from docutune.errors import Problem
from docutune.records import JsonValue

KeyPath: TypeAlias = "tuple[str | int, ...]"

TEXTS: frozenset[KeyPath] = frozenset({("dataset",)})
"""Keys whose values are names: a dataset version may look like a number."""

_MAX_DEPTH = 40
_MAX_VALUES = 100_000  # aliases of aliases make a small file enormous


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: a file and 1-based line, or the command line option that set it."""

    file: str
    line: int | None = None


@dataclass(frozen=True)
class Document:
    """A YAML file as plain values; `places` has an entry for every key and list item.

    `unreadable` are the keys whose values could not be read and stand as None in the tree.
    """

    tree: JsonValue
    places: Mapping[KeyPath, Place]
    problems: tuple[Problem, ...] = ()
    unreadable: frozenset[str] = frozenset()

    def place(self, path: KeyPath) -> Place:
        """The place of a value, or of the nearest value around it."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places[path]


def read_yaml(content: bytes, file: str) -> Document:
    """Read one YAML document. Mistakes of form are returned as problems, never raised."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unreadable(file, line, f"byte {error.start} is not UTF-8; save the file as UTF-8")
    try:
        loader = _Loader(text)
        return _Reader(loader, file).document(loader.get_single_node())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _unreadable(file, mark.line + 1 if mark else None, _explain(error))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _unreadable(file, line, f"the character {chr(error.character)!r} is not allowed in YAML")
    except RecursionError:
        return _unreadable(file, None, "the values are nested too deeply")


def read_value(text: str) -> JsonValue:
    """The value that `text` would be in a YAML file; ValueError in one line when it is none."""
    document = read_yaml(text.encode(), "value")
    if document.problems:
        raise ValueError(document.problems[0].message)
    return document.tree


def shown(path: KeyPath) -> str:
    """A key path as users write it: train[0].with.lora_rank."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Loader(yaml.SafeLoader):
    """Scalars as people mean them: `2e-4` is a number and `2026-01-01` is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


@dataclass
class _Reader:
    loader: _Loader
    file: str
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)

    def document(self, root: yaml.Node | None) -> Document:
        self.places[()] = Place(self.file, 1)
        tree = self._value(root, ()) if root is not None else None
        return Document(tree, self.places, tuple(self.problems), frozenset(self.unreadable))

    def _value(self, node: yaml.Node, path: KeyPath) -> JsonValue:
        if len(path) > _MAX_DEPTH or len(self.places) > _MAX_VALUES:
            raise RecursionError
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _item(self, node: yaml.Node, path: KeyPath) -> JsonValue:
        self.places[path] = Place(self.file, node.start_mark.line + 1)
        return self._value(node, path)

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, JsonValue]]:
        self._find_duplicates(node, path)
        self.loader.flatten_mapping(node)  # `<<: *shared`
        for key_node, value_node in node.value:
            key = key_node.value
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self.file, line, shown(path), "a key must be a plain word"))
                continue
            self.places[*path, key] = Place(self.file, line)
            literal = (*path, key) in TEXTS and value_node.tag.endswith((":int", ":float"))
            yield key, value_node.value if literal else self._value(value_node, (*path, key))

    def _find_duplicates(self, node: yaml.MappingNode, path: KeyPath) -> None:
        first: dict[Any, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in first:
                message = f"given twice; first on line {first[key_node.value]}"
                self.problems.append(Problem(self.file, line, shown((*path, key_node.value)), message))
            first.setdefault(key_node.value, line)

    def _scalar(self, node: yaml.Node, path: KeyPath) -> JsonValue:
        try:
            value = self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            value = _NOTHING
        if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, str) and _is_unicode(value):
            return value
        message = f"{str(node.value)[:40]!r} is no text, number, true, false or null"
        self.problems.append(Problem(self.file, node.start_mark.line + 1, shown(path), message))
        self.unreadable.add(shown(path))
        return None


_NOTHING = object()


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _unreadable(file: str, line: int | None, message: str) -> Document:
    return Document(None, {(): Place(file, line)}, (Problem(file, line, "", message),))


def _explain(error: yaml.MarkedYAMLError) -> str:
    problem = (error.problem or "not valid YAML").strip()
    if "\\t" in problem:
        return "a tab where YAML allows only spaces; indent with spaces"
    context = f" {error.context}" if error.context else ""
    return f"not valid YAML: {problem}{context}"
