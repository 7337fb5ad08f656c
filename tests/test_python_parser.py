"""The Python parser, through the registry as a pipeline reaches it."""

from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path

import pytest

from docutune.contracts import Parser
from docutune.records import Alias, Parsed, Symbol, fingerprint, to_json
from docutune.registry import Registry


def parser() -> Parser:
    registry = Registry.load()
    entry = registry.get("parser", "python")
    made: Parser = registry.create(entry, entry.registration.config())
    return made


PYTHON = parser()


def parse(text: str, source: str = "pkg/mod.py") -> Parsed:
    return PYTHON.parse(text.encode(), source)


def symbols(text: str, source: str = "pkg/mod.py") -> dict[str, Symbol]:
    return {symbol.name.removeprefix("pkg.mod."): symbol for symbol in parse(text, source).symbols}


def aliases(text: str, source: str = "pkg/mod.py") -> set[tuple[str, str]]:
    return {(alias.name, alias.target) for alias in parse(text, source).aliases}


KINDS = '''\
"""The module."""

import functools
from functools import cached_property

#: How long to wait,
#: in seconds.
TIMEOUT: float = 5.0
name = "x"  #: A name.


@functools.cache
@other(
    1,
)
def plain(a, /, b: int = 1, *rest: str, c, d=None, **more: object) -> str:
    """Do it."""


async def fetch(url: str, *, retries: int = 3) -> bytes: ...


class Client(Base, typing.Generic[T], metaclass=Meta):
    """A client."""

    limit = 10
    """Calls per second."""

    def __init__(self, url: str, *, key=None):
        """Make one.

        Args:
            url: Where it lives.
        """
        #: The address.
        self.url = url
        self._hidden = 1
        self.count: int = 0

    def get(self, path: str) -> bytes: ...

    @classmethod
    def make(cls, url): ...

    @staticmethod
    def helper(value): ...

    @property
    def ready(self) -> bool: ...

    @ready.setter
    def ready(self, value): ...

    @cached_property
    def cost(self): ...

    class Inner:
        def deep(self): ...

    fetch = get
'''


def test_every_kind_of_symbol_with_its_signature_and_lines() -> None:
    found = symbols(KINDS)
    shown = {name: (symbol.kind, symbol.signature) for name, symbol in found.items()}
    assert shown == {
        "pkg.mod": ("module", "pkg.mod"),
        "TIMEOUT": ("constant", "TIMEOUT: float = 5.0"),
        "name": ("attribute", 'name = "x"'),
        "plain": ("function", "plain(a, /, b: int = 1, *rest: str, c, d=None, **more: object) -> str"),
        "fetch": ("function", "async fetch(url: str, *, retries: int = 3) -> bytes"),
        "Client": ("class", "Client(url: str, *, key=None)"),
        "Client.limit": ("attribute", "limit = 10"),
        "Client.__init__": ("method", "__init__(url: str, *, key=None)"),
        "Client.get": ("method", "get(path: str) -> bytes"),
        "Client.make": ("method", "make(url)"),
        "Client.helper": ("method", "helper(value)"),
        "Client.ready": ("property", "ready: bool"),
        "Client.cost": ("property", "cost"),
        "Client.Inner": ("class", "Inner()"),
        "Client.Inner.deep": ("method", "deep()"),
        "Client.url": ("attribute", "url: str"),
        "Client._hidden": ("attribute", "_hidden"),
        "Client.count": ("attribute", "count: int"),
    }
    assert str(found["plain"].span) == "pkg/mod.py:12-17"
    assert str(found["TIMEOUT"].span) == "pkg/mod.py:8-8"
    assert str(found["pkg.mod"].span) == f"pkg/mod.py:1-{KINDS.count(chr(10))}"
    assert found["plain"].decorators == ("functools.cache", "other(1)")
    assert found["Client"].bases == ("Base", "typing.Generic")
    assert ("pkg.mod.Client.fetch", "pkg.mod.Client.get") in aliases(KINDS)


def test_docstrings_of_modules_attributes_and_constructors() -> None:
    found = symbols(KINDS)
    assert found["TIMEOUT"].docstring == "How long to wait,\nin seconds."
    assert found["name"].docstring == "A name."
    assert found["Client.limit"].docstring == "Calls per second."
    assert found["Client.url"].docstring == "The address."
    url, key = found["Client"].parameters
    assert (url.description, key.description, key.kind, key.default) == ("Where it lives.", "", "keyword-only", "None")
    (section,) = parse(KINDS).sections
    assert (section.kind, section.heading, section.text) == ("docstring", ("pkg.mod",), "The module.")
    text = "# Why\n\n'''One.\n\nTwo.'''\nx = 1\n"
    assert str(parse(text).sections[0].span) == "pkg/mod.py:3-5"


STYLES = {
    "google": """
        Args:
            path: Where to
                write.
            *rest: Others.
            mode (str): How.

        Returns:
            The number of bytes.
    """,
    "numpy": """
        Parameters
        ----------
        path
            Where to
            write.
        *rest
            Others.
        mode : str
            How.

        Returns
        -------
        int
            The number of bytes.
    """,
    "sphinx": """
        :param path: Where to
            write.
        :param rest: Others.
        :param str mode: How.
        :returns: The number of bytes.
    """,
}


@pytest.mark.parametrize("style", STYLES)
def test_docstring_styles(style: str) -> None:
    doc = f'"""Write it,\n        all of it.\n\n        More.\n{STYLES[style]}"""'
    symbol = symbols(f"def write(path, *rest, mode='w'):\n        {doc}\n")["write"]
    assert symbol.summary == "Write it, all of it."
    assert [(item.name, item.description) for item in symbol.parameters] == [
        ("path", "Where to write."),
        ("rest", "Others."),
        ("mode", "How."),
    ]
    assert symbol.parameters[2].annotation == "str"
    assert symbol.signature == "write(path, *rest, mode='w')"
    assert symbol.returns == "The number of bytes."


@pytest.mark.parametrize("doc", ["Load.\n\n:param path: Which.", ":param path: Which.", "\nArgs:\n    path: Which."])
def test_a_single_field_is_enough(doc: str) -> None:
    symbol = symbols(f"def load(path):\n    {doc!r}\n")["load"]
    assert symbol.parameters[0].description == "Which."
    assert symbol.summary == ("Load." if doc.startswith("Load") else "")


def test_attributes_documented_in_the_class_docstring() -> None:
    text = 'class A:\n    """One.\n\n    Attributes:\n        size (int): How big.\n    """\n\n    size = 1\n'
    assert symbols(text)["A.size"].docstring == "How big."


EXAMPLES = '''\
def run():
    r"""Run it.

    It is called so::

        run(fast=True)

    A session:

    >>> run()
    'done'
    >>> for i in (1, 2):
    ...     run()  # doctest: +ELLIPSIS
    ...

    >>> run()

    .. code-block:: python
       :caption: app.py

       import acme

    ```bash
    acme run
    ```

    Example:
        result = run()
        print(result)

    Examples:
        Prose is no code.
    """
'''


def test_examples_in_docstrings_without_prompts_and_output() -> None:
    examples = symbols(EXAMPLES)["run"].examples
    assert [(example.language, example.code, example.lead) for example in examples] == [
        ("python", "run(fast=True)", "It is called so:"),
        ("python", "run()\nfor i in (1, 2):\n    run()\n\nrun()", "A session:"),
        ("python", "import acme", ""),
        ("bash", "acme run", ""),
        ("python", "result = run()\nprint(result)", ""),
    ]
    assert [(example.span.first_line, example.span.last_line) for example in examples] == [
        (6, 6),
        (10, 16),
        (21, 21),
        (24, 24),
        (28, 29),
    ]


def test_sessions_lose_lines_that_only_show_a_value() -> None:
    session = "    >>> i1 = C(1)\n    >>> i1\n    C(1)\n    >>> i1.x\n    1\n    >>> i1  # doctest: +SKIP\n    C(1)\n"
    (example,) = symbols(f'def f():\n    """Do it.\n\n{session}    """\n')["f"].examples
    assert example.code == "i1 = C(1)\ni1.x"
    assert symbols('def f():\n    """Do it.\n\n    >>> f\n    1\n    """\n')["f"].examples == ()


def test_imports_become_aliases_under_the_importing_name() -> None:
    text = (
        "import os.path\nimport a.b as ab\nfrom .core import Client as C\nfrom .. import up\nfrom x import *\nNew = C\n"
    )
    assert aliases(text, "pkg/sub/mod.py") == {
        ("pkg.sub.mod.os", "os"),
        ("pkg.sub.mod.ab", "a.b"),
        ("pkg.sub.mod.C", "pkg.sub.core.Client"),
        ("pkg.sub.mod.up", "pkg.up"),
        ("pkg.sub.mod.*", "x.*"),
        ("pkg.sub.mod.New", "pkg.sub.mod.C"),
    }
    assert aliases("from .core import X\nfrom . import core\n", "pkg/__init__.py") == {("pkg.X", "pkg.core.X")}
    assert aliases("from ... import beyond\n") == set()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("__all__ = ['a', 'b']", ("a", "b")),
        ("__all__ = ('a',)\n__all__ += ['b']\n__all__.extend(('c',))\n__all__.append('d')", ("a", "b", "c", "d")),
        ("__all__: list[str] = ['a']\n__all__.remove('a')", ()),
        (
            "import core\n__all__ = ['a', *core.__all__]\n__all__ += core.__all__",
            ("a", "pkg.mod.core.*", "pkg.mod.core.*"),
        ),
        ("if x:\n    __all__ = ['a'] + ['b']", ("a", "b")),
        ("__all__ = [n for n in dir()]", None),
        ("x = 1", None),
    ],
)
def test_exports(code: str, expected: tuple[str, ...] | None) -> None:
    assert symbols(code)["pkg.mod"].exports == expected


def test_overloads_and_conditional_definitions_leave_one_symbol_each() -> None:
    text = """
from typing import TYPE_CHECKING, overload

@overload
def f(a: int) -> int: ...
@overload
def f(a: str) -> str: ...
def f(a):
    "Documented."

@overload
def bare(a: int) -> int: ...
def bare(a): ...

if TYPE_CHECKING:
    from .core import Client
else:
    Client = None

try:
    import fast
    def g(): "With docs."
except ImportError:
    def g(): ...

if a: pass
elif b:
    def h(): ...

with suppress():
    class K: ...

if __name__ == "__main__":
    def main(): ...
"""
    found = symbols(text)
    assert (found["f"].signature, found["f"].docstring) == ("f(a)", "Documented.")
    assert found["bare"].signature == "bare(a)"
    assert found["g"].docstring == "With docs."
    assert {"h", "K"} <= set(found) and "main" not in found
    assert ("pkg.mod.Client", "pkg.core.Client") in aliases(text)


def test_fields_make_the_constructor() -> None:
    text = """
@dataclass(frozen=True)
class Point:
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)
    kind: ClassVar[str] = "p"
    size: int = field(init=False)
    _: KW_ONLY
    name: str = ""

@attrs.define
class Box:
    _width: int
    height = attrs.field(default=2, kw_only=True)

class Row(NamedTuple):
    a: int

class Model(BaseModel):
    a: int = 1
"""
    found = symbols(text)
    assert found["Point"].signature == 'Point(x: int, y: int = 0, tags: list[str] = list(), *, name: str = "")'
    assert found["Box"].signature == "Box(width: int, *, height=2)"
    assert found["Row"].signature == "Row(a: int)"
    assert found["Model"].signature == "Model(*, a: int = 1)"


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("click/core.py", "click.core"),
        ("click/__init__.py", "click"),
        ("src/core.pyi", "src.core"),
        ("lib/__init__.py", "lib"),
        ("numpy/lib/io.py", "numpy.lib.io"),
        ("setup-foo.py", "setup_foo"),
        ("01 first/class.py", "m01_first.class_"),
        ("__init__.py", "__init__"),
    ],
)
def test_module_names(source: str, module: str) -> None:
    assert PYTHON.parse(b"x = 1\n", source).symbols[0].name == module


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"x = 1\nprint 'two'\n", "line 2: not Python 3"),
        (b"x = 1\n\ny = '\0'\n", "line 3: holds a null byte"),
        (b"def f(:\n", "line 1: not Python 3"),
        (b"x = " + b"(" * 5000, "line 1: not Python 3"),
        (b"x = " + b"-" * 50_000 + b"1", "line 1: nested too deeply"),
        (b"if a: pass\n" + b"elif b: pass\n" * 5000, "line 1: nested too deeply"),
    ],
)
def test_what_does_not_compile_is_one_problem_with_its_line(content: bytes, problem: str) -> None:
    found = PYTHON.parse(content, "m.py")
    assert found.symbols == () and len(found.problems) == 1
    assert found.problems[0].startswith(problem)


def test_deep_but_valid_code_is_read() -> None:
    elifs = "if a: pass\n" + "".join(f"elif b:\n    def f{number}(): ...\n" for number in range(150))
    assert "f149" in symbols(elifs)
    assert symbols("def f(x=(\n" + "+\n".join(["1"] * 900) + ")): ...\n")["f"].signature == "f(x=...)"
    nested = "".join(f"{' ' * depth}class A{depth}:\n" for depth in range(95)) + " " * 95 + "x = 1\n"
    assert len(symbols(nested)) == 97


@pytest.mark.parametrize(
    ("content", "docstring", "problems"),
    [
        ("# -*- coding: latin-1 -*-\n'caf\xe9'\n".encode("latin-1"), "café", 0),
        ("'caf\xe9'\n".encode("latin-1"), "caf\ufffd", 1),
        ("# coding: nonsense\n'café'\n".encode(), "café", 1),
        ("# coding: ascii\n'café'\n".encode(), "café", 1),
        (b"\xef\xbb\xbf'bom'\n", "bom", 0),
    ],
)
def test_encodings(content: bytes, docstring: str, problems: int) -> None:
    found = PYTHON.parse(content, "m.py")
    assert found.symbols[0].docstring == docstring
    assert len(found.problems) == problems


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_count_them(end: str) -> None:
    text = "\ufeffx = '\x85 \u2028'\n\x0c\n@deco\ndef f(a='é', b: 'ü' = 1):\n\treturn a\n".replace("\n", end)
    found = {symbol.name: symbol for symbol in PYTHON.parse(text.encode(), "m.py").symbols}
    assert str(found["m.f"].span) == "m.py:3-5"
    assert found["m.f"].signature == "f(a='é', b: 'ü' = 1)"
    assert str(found["m"].span) == "m.py:1-5"


def test_signatures_are_one_line_and_code_is_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    text = (
        f"open({str(marker)!r}, 'w')\ndef f(\n    a: dict[\n        str, int  # why\n    ] = {{}},\n): ...\nx = '\\d'\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert symbols(text)["f"].signature == "f(a: dict[str, int] = {})"
    assert not marker.exists() and "pkg.mod" not in sys.modules


def test_random_and_truncated_files_never_crash() -> None:
    rng = random.Random(3)
    lines = (KINDS + EXAMPLES).split("\n") + Path(__file__).read_text("utf-8").split("\n")
    parsed = 0
    for _ in range(300):
        start = rng.randrange(len(lines))
        text = "\n".join(lines[start : start + rng.randrange(1, 12)])
        content = bytearray(text.encode())
        for _ in range(rng.randrange(3)):
            content.insert(rng.randrange(len(content) + 1), rng.choice(b"()[]{}:\"'\\\n\t\r\x0c\x00\xff#@ "))
        found = PYTHON.parse(bytes(content), "f.py")
        assert found.symbols or found.problems
        parsed += bool(found.symbols)
    assert 10 < parsed < 300


def test_the_same_revision_gives_the_same_result() -> None:
    registration = Registry.load().get("parser", "python").registration
    found = [parse(KINDS), parse(EXAMPLES), *(parse(f"def f(path):\n    '''{doc}'''\n") for doc in STYLES.values())]
    # Another result from the same input is another revision: stored results are keyed by it.
    assert (registration.revision, fingerprint(to_json(found))[:16]) == (3, "65de1dc53c5d859e")


def test_lone_surrogates_do_not_reach_the_records() -> None:
    found = parse("'Bad \\ud800 one.'\n__all__ = ['\\udfff']\n")
    assert found.symbols[0].docstring == "Bad ? one."
    assert len(fingerprint(to_json(found))) == 64


def test_an_empty_file_is_a_module() -> None:
    (module,) = PYTHON.parse(b"", "pkg/__init__.py").symbols
    assert (module.name, module.kind, str(module.span)) == ("pkg", "module", "pkg/__init__.py:1-1")
    assert Alias("a", "b") not in PYTHON.parse(b"", "pkg/__init__.py").aliases
