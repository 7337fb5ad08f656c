"""Docstrings in Google, NumPy and Sphinx style: summary, parameters, returns and examples."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import griffe

from docutune.plugins.parsers.code_blocks import find
from docutune.plugins.parsers.python.source import Source
from docutune.plugins.parsers.text import split_lines, storable
from docutune.records import Example, Parameter, Span

_FIELDS = re.compile(
    r"^\s*(?::(?:param|arg|key|type|return|rtype|ivar|var|cvar)|[A-Z][\w ]+:\s*$|-{3,}\s*$)", re.MULTILINE
)
_NO_SUMMARY = re.compile(
    r"(?:Args|Arguments|Parameters|Returns|Yields|Raises|Attributes|Examples?)\b:?\s*(?:\n|$)|:\w+|>>>|\.\. "
)
_NOTE = re.compile(r"(?:^|\n)\s*\.\. \w[\w-]*::")


@dataclass(frozen=True, slots=True)
class Item:
    """One documented parameter, attribute or return value."""

    description: str
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class Docstring:
    """A docstring, indentation removed, and what it documents."""

    text: str = ""
    summary: str = ""
    parameters: Mapping[str, Item] = field(default_factory=dict)
    attributes: Mapping[str, Item] = field(default_factory=dict)
    returns: str = ""
    examples: tuple[Example, ...] = ()
    problem: str = ""


def read(body: Sequence[ast.stmt], file: Source) -> Docstring:
    """The docstring of a module, class or function body, or of an attribute when its string is `body`."""
    if not body or not isinstance(body[0], ast.Expr) or not isinstance(body[0].value, ast.Constant):
        return Docstring()
    constant = body[0].value
    if not isinstance(constant.value, str) or not constant.value.strip():
        return Docstring()
    text = storable(inspect.cleandoc(constant.value).strip())
    documented = _documented(text, constant.lineno) if _FIELDS.search(text) else Docstring()
    return replace(documented, text=text, summary=summary(text), examples=_examples(text, constant, file))


def summary(text: str) -> str:
    """The first paragraph in one line; "" when the docstring starts with fields or code."""
    paragraph = re.split(r"\n\s*\n", text, maxsplit=1)[0]
    if _NO_SUMMARY.match(paragraph):
        return ""
    lines = paragraph.split("\n")
    fields = next((index for index, line in enumerate(lines) if line.lstrip().startswith((":param", ":return"))), None)
    return " ".join(" ".join(lines[:fields]).split()).removesuffix("::").rstrip()


def describe(parameters: Sequence[Parameter], *docstrings: Docstring) -> tuple[Parameter, ...]:
    """The parameters with what the docstrings say of them; an annotation in the code goes before a documented type."""
    items: dict[str, Item] = {}
    for docstring in reversed(docstrings):
        items.update(docstring.parameters)
    return tuple(_described(parameter, items.get(parameter.name)) for parameter in parameters)


def _described(parameter: Parameter, item: Item | None) -> Parameter:
    if item is None:
        return parameter
    return replace(parameter, description=item.description, annotation=parameter.annotation or item.annotation)


def _examples(text: str, constant: ast.Constant, file: Source) -> tuple[Example, ...]:
    lines = split_lines(text)
    blocks = find(lines)
    if not blocks:
        return ()
    first, last = constant.lineno, constant.end_lineno or constant.lineno
    raw = str(constant.value).split("\n")
    offset = next(index for index, line in enumerate(raw) if line.strip())
    # An escaped line feed or an implicit concatenation moves the text against the lines: then all of them are named.
    exact = len(raw) == last - first + 1
    return tuple(
        Example(
            block.code,
            block.language,
            Span(file.path, first + offset + block.first, first + offset + block.last)
            if exact
            else Span(file.path, first, last),
            block.lead,
        )
        for block in blocks
    )


def _documented(text: str, line: int) -> Docstring:
    """What the fields say, by the parser that the docstring's own marks call for.

    The text is anybody's, and a parser that stumbles over it must cost one line, not the file: hence the wide net.
    """
    docstring = griffe.Docstring(f"\n{text}")  # without the line feed it would take the first line's indent for its own
    try:
        # The patterns of the inference want a line before and behind each field; the first and last have none.
        style, _ = griffe.infer_docstring_style(griffe.Docstring(f".\n{text}\n."))
        if style is griffe.Parser.google:
            return _collected(griffe.parse_google(docstring, warnings=False, returns_named_value=False))
        if style is griffe.Parser.numpy:
            return _collected(griffe.parse_numpy(docstring, warnings=False))
        if style is griffe.Parser.sphinx:
            return _collected(griffe.parse_sphinx(docstring, warnings=False))
    except Exception as error:
        return Docstring(problem=f"line {line}: the fields of this docstring could not be read: {error!r}")
    return Docstring()


def _collected(sections: Sequence[griffe.DocstringSection]) -> Docstring:
    parameters: dict[str, Item] = {}
    attributes: dict[str, Item] = {}
    returns: list[str] = []
    for section in sections:
        if isinstance(section, (griffe.DocstringSectionParameters, griffe.DocstringSectionOtherParameters)):
            parameters |= {item.name.lstrip("*\\"): _item(item) for item in section.value}
        elif isinstance(section, griffe.DocstringSectionAttributes):
            attributes |= {item.name: _item(item) for item in section.value}
        elif isinstance(section, (griffe.DocstringSectionReturns, griffe.DocstringSectionYields)):
            returns += [_one_line(item.description) for item in section.value]
    return Docstring(parameters=parameters, attributes=attributes, returns=" ".join(text for text in returns if text))


def _item(item: griffe.DocstringElement) -> Item:
    return Item(_one_line(item.description), str(item.annotation or "").removesuffix(", optional"))


def _one_line(text: str) -> str:
    """The description without the notes (`.. versionadded::` and the like) that follow it."""
    return " ".join(_NOTE.split(text, maxsplit=1)[0].split())
