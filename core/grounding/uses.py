"""Which dotted names a Markdown text uses, in code and in prose, and whether its code parses."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from textwrap import dedent

from docutune.grounding.trees import in_tree

FENCE = re.compile(
    r"^[ \t]*(?P<marks>`{3,}|~{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)(?:^[ \t]*(?P=marks)[`~]*[ \t]*$|\Z)",
    re.M | re.S,
)
_PYTHON = frozenset(("python", "python3", "py", "py3"))
_SESSION = frozenset(("pycon", "doctest", "ipython"))
_CALL = re.compile(r"`([^`\n]+\([^`\n]*=[^`\n]*\))`|(?<![\w.])([A-Za-z_][\w.]*\([^()\n]*=[^()\n]*\))")
_LINK = re.compile(
    r"(?<![a-zA-Z0-9+.-])[a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s<>)\]`\"']+|(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"
)
_DOTTED = re.compile(r"(?<![A-Za-z0-9_./@\\-])[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+(?![A-Za-z0-9_/@\\-])")
_PROMPT = re.compile(r"^\s*(?:>>>|\.\.\.) ?")
_IMPORT = re.compile(r"(?<![\w.])from[ \t]+([A-Za-z_][\w.]*)[ \t]+import[ \t]+\(?([\w ,]+)", re.ASCII)
_QUOTED = re.compile(r"('''|\"\"\").*?\1|'[^'\n]*'|\"[^\"\n]*\"|#[^\n]*", re.S)
_FILE_SUFFIXES = """
    bash bat cfg conf csv css dll exe fish gif gz html in ini ipynb jpg js json lock log md png ps1 pth py pyc pyd pyi
    rst sh so svg tar toml tsv txt whl xml yaml yml zip zsh
"""
_TOP_DOMAINS = "app cn co com dev edu eu gov info io net org palletsprojects readthedocs github"
_NO_API = frozenset(f"{_FILE_SUFFIXES} {_TOP_DOMAINS}".split())


@dataclass(frozen=True, slots=True)
class Uses:
    """Names in code blocks and in prose, inline code included; `unreadable` says where a block is no Python."""

    code: frozenset[str]
    prose: frozenset[str]
    unreadable: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.code | self.prose


@lru_cache(maxsize=64)  # the phrasings of one fact come one after the other and have one answer
def uses(text: str) -> Uses:
    """What a text uses. Blocks in other languages than Python are passed over."""
    code: set[str] = set()
    unreadable = None
    for fence in FENCE.finditer(text):
        language = fence["language"].strip().split(" ")[0].lower()
        if language in _PYTHON or language in _SESSION or not language:
            code.update(_in_code(dedent(fence["code"]), guess=language != ""))
        if language in _PYTHON:
            unreadable = unreadable or _problem(dedent(fence["code"]))
    prose = prose_of(text)
    return Uses(frozenset(code), frozenset({*_in_prose(prose), *_imported(prose), *_arguments(prose)}), unreadable)


def prose_of(text: str) -> str:
    """A text without its code blocks."""
    return FENCE.sub("\n", text)


def _in_prose(text: str) -> Iterator[str]:
    for match in _DOTTED.finditer(_LINK.sub(" ", text)):
        if match[0].rpartition(".")[2].lower() not in _NO_API:
            yield match[0]


def _imported(text: str) -> Iterator[str]:
    """The names that lines of code import, be the text no code otherwise."""
    for module, imported in _IMPORT.findall(text):
        yield from (f"{module}.{part.split()[0]}" for part in imported.split(",") if part.strip())


def _arguments(text: str) -> Iterator[str]:
    """The keyword arguments of calls in inline code and in plain text."""
    for match in _CALL.finditer(text):
        tree = _parsed(match[1] or match[2])
        if isinstance(tree, ast.Module):
            yield from (name for name in in_tree(tree) if name.endswith("=)"))


def _in_code(code: str, guess: bool) -> Iterator[str]:
    """Imported names and attribute chains; what does not parse is searched by pattern when it is said to be Python."""
    tree = _parsed(_typed(code) if _is_session(code) else code)
    if isinstance(tree, ast.Module):
        yield from in_tree(tree)
    elif guess:
        bare = _QUOTED.sub(" ", code)
        yield from _imported(bare)
        yield from _in_prose(bare)


def _problem(code: str) -> str | None:
    """What is wrong with a block that is no session in a shell and no signature: those show what nobody types."""
    if _is_session(code) or not isinstance(problem := _parsed(code), str):
        return None
    bare = code.strip().removesuffix(":")
    is_signature = any(isinstance(_parsed(f"{start}{bare}: ..."), ast.Module) for start in ("", "def ", "async "))
    return None if is_signature else problem


def _is_session(code: str) -> bool:
    return any(line.lstrip().startswith(">>>") for line in code.splitlines())


def _typed(code: str) -> str:
    return "\n".join(_PROMPT.sub("", line) for line in code.splitlines() if _PROMPT.match(line))


def _parsed(code: str) -> ast.Module | str:
    """The syntax tree, or what is wrong with the code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
