"""Python source to symbols, aliases and docstrings. The code is never imported."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from docutune.plugins.parsers.python.collector import collect
from docutune.plugins.parsers.python.source import Source, module_name, read_lines, read_text
from docutune.records import Parsed, Section, Span, Symbol

if TYPE_CHECKING:
    from docutune.plugins.parsers.python.plugin import Config


class Python:
    """Reads one .py or .pyi file."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def parse(self, content: bytes, source: str) -> Parsed:
        """Everything found; a file that does not compile yields one problem that names the line."""
        text, problems = read_text(content)
        file = Source(source, module_name(source), read_lines(text))
        if "\0" in text:
            return Parsed(problems=(*problems, f"line {_null_line(file)}: holds a null byte, so it is no Python"))
        try:
            tree = _tree("\n".join(file.lines))
            found = collect(tree, file)
        except SyntaxError as error:
            return Parsed(problems=(*problems, f"line {error.lineno or 1}: not Python 3: {error.msg}"))
        except (ValueError, RecursionError, MemoryError) as error:
            reason = str(error) if isinstance(error, ValueError) else "nested too deeply to be read"
            return Parsed(problems=(*problems, f"line 1: {reason}"))
        return Parsed(_sections(found.symbols[0], tree), found.symbols, found.aliases, (*problems, *found.problems))


def _tree(text: str) -> ast.Module:
    """Parse without the warnings that old code causes, such as invalid escape sequences."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _null_line(file: Source) -> int:
    return next(number for number, line in enumerate(file.lines, 1) if "\0" in line)


def _sections(module: Symbol, tree: ast.Module) -> tuple[Section, ...]:
    """A module's docstring is prose about the library, so it also counts as a section."""
    if not module.docstring:
        return ()
    statement = tree.body[0]
    span = Span(module.span.source, statement.lineno, statement.end_lineno or statement.lineno)
    return (Section("docstring", (module.name,), module.docstring, span, module.examples),)
