"""The symbol table: files parsed by the Python parser, linked by core."""

from __future__ import annotations

import json
import random
import re
import textwrap
import time

import pytest

from docutune.contracts import Library, Parser
from docutune.records import Alias, Parsed, Section, Span, Symbol, from_json, to_json
from docutune.registry import Registry
from docutune.steps.parse import shown
from docutune.symbols import SymbolTable, api_json, link


def python_parser() -> Parser:
    registry = Registry.load()
    entry = registry.get("parser", "python")
    parser: Parser = registry.create(entry, entry.registration.config())
    return parser


def parsed(files: dict[str, str]) -> list[Parsed]:
    """Files that their parser knows by their names from the import root, as the pipeline hands them on."""
    parser = python_parser()
    names = {source: re.sub("^(src|lib)/", "", source) for source in files}
    return [shown(parser.parse(textwrap.dedent(files[name]).encode(), names[name]), name) for name in files]


def table(files: dict[str, str]) -> SymbolTable:
    return link(parsed(files))


def public(files: dict[str, str]) -> list[str]:
    return [symbol.name for symbol in table(files).public()]


HTTP = {
    "src/httpx/__init__.py": """
        from ._client import Client, AsyncClient as Async
        from ._errors import *
        from . import _types as types
        __all__ = ["Client", "Async", "HTTPError", "types"]
    """,
    "src/httpx/_client.py": """
        import json
        from ._errors import HTTPError

        class _Base:
            def __init__(self, url: str = ""): ...
            def get(self, path): "Get it."
            def close(self): ...
            def _private(self): ...
            def __call__(self): "Call it."
            def __len__(self): ...

        class Client(_Base):
            "A client."
            def close(self): "Close it."

        class AsyncClient(_Base):
            async def send(self, data): ...

        def helper(): ...
    """,
    "src/httpx/_errors.py": """
        __all__ = ["HTTPError"]
        class HTTPError(Exception):
            "Any error."
        class Hidden(Exception): ...
    """,
    "src/httpx/_types.py": "class Timeout:\n    seconds: int = 1\n",
    "tests/test_client.py": "from httpx import Client\ndef test_get(): ...\n",
    "tests/conftest.py": "def fixture(): ...\n",
    "setup.py": "def build(): ...\n",
    "docs/conf.py": "project = 'x'\n",
}


def test_re_exports_resolve_and_name_the_symbol() -> None:
    library: Library = table(HTTP)
    client = library.find("httpx.Client")
    assert client is not None and client == library.find("httpx._client.Client")
    assert (client.name, client.signature, str(client.span)) == (
        "httpx.Client",
        'Client(url: str = "")',
        "src/httpx/_client.py:13-15",
    )
    renamed = library.find("httpx._client.AsyncClient")
    assert renamed is not None and (renamed.name, renamed.signature) == ("httpx.Async", 'Async(url: str = "")')
    send = library.find("httpx.Async.send")
    assert send is not None and (send.name, send.signature) == ("httpx.Async.send", "async send(data)")


def test_what_is_public() -> None:
    assert public(HTTP) == [
        "httpx",
        "httpx.Async",
        "httpx.Async.__call__",
        "httpx.Async.close",
        "httpx.Async.get",
        "httpx.Async.send",
        "httpx.Client",
        "httpx.Client.close",
        "httpx.HTTPError",
        "httpx.types",
        "httpx.types.Timeout",
        "httpx.types.Timeout.seconds",
    ]
    library = table(HTTP)
    for hidden in ("httpx._client.helper", "httpx._errors.Hidden", "setup.build", "tests.test_client.test_get"):
        assert library.find(hidden) is not None and not library.is_public(hidden)
    assert library.find("httpx._client.json") is None and library.find("httpx.nothing") is None


def shown_at(place: str, name: str, text: str) -> Parsed:
    """A file that its parser knows as `name`, at the path that users see, as the pipeline hands it on."""
    (found,) = parsed({name: text})
    return shown(found, place)


def test_what_stands_beside_documents_is_no_api() -> None:
    library = shown_at("src/pipes/__init__.py", "pipes/__init__.py", "def bend(): ...\n")
    scripts = [
        shown_at("docs/conf.py", "conf.py", "project = 'pipes'\n"),
        shown_at("docs/snippets.py", "snippets.py", "def show(): ...\n"),
        shown_at("docs/_ext/links.py", "_ext/links.py", "def setup(app): ...\n"),
        shown_at("tasks.py", "tasks.py", "def build(): ...\n"),
    ]
    assert [symbol.name for symbol in link([library, *scripts]).public()] == ["pipes", "pipes.bend"]
    inside = shown_at("docs/pipes/conf.py", "pipes/conf.py", "def load(): ...\n")
    assert link([library, inside]).is_public("pipes.conf.load")
    assert not list(link(scripts[:1]).public())


@pytest.mark.parametrize("name", ["docs", "testing", "examples"])
def test_a_library_may_be_called_like_a_folder_of_documents(name: str) -> None:
    files = {f"{name}/__init__.py": "def read(): ...\n", "setup.py": "def build(): ...\n", "docs/conf.py": "a = 1\n"}
    package = [name, *(["docs.conf", "docs.conf.a"] if name == "docs" else []), f"{name}.read"]
    assert public(files) == package
    assert public({**files, "real.py": "def f(): ...\n"}) == ["real", "real.f"]


@pytest.mark.parametrize("name", ["pipes", "src", "lib", "my-pipes"])
@pytest.mark.parametrize("folder", ["{}/", "../{}/", "", "../"])
def test_a_package_is_one_whatever_its_folder_is_called_and_wherever_the_pipeline_file_lies(
    name: str, folder: str
) -> None:
    front = "from ._core import bend\n__all__ = ['bend']\n"
    files = {"__init__.py": front, "_core.py": "def bend(): ...\n", "fit.py": "def turn(): ...\n", "01.py": "a = 1\n"}
    found = [_inside(folder.format(name), name, place, text) for place, text in files.items()]
    package = name.replace("-", "_")
    expected = [package, f"{package}.bend", f"{package}.fit", f"{package}.fit.turn"]
    assert [symbol.name for symbol in link(found).public()] == expected


def _inside(folder: str, package: str, file: str, text: str) -> Parsed:
    return shown(python_parser().parse(text.encode(), f"{package}/{file}"), f"{folder}{file}")


def test_a_single_file_beside_documents_is_the_library_when_there_is_no_other() -> None:
    files = [shown_at("docs/alone.py", "alone.py", "def f(): ...\n"), *parsed({"examples/run.py": "a = 1\n"})]
    assert [symbol.name for symbol in link(files).public()] == ["alone", "alone.f"]


def test_imports_of_a_stub_are_no_names_of_its_module() -> None:
    files = {
        "src/p/__init__.py": "from . import setters\n",
        "src/p/__init__.pyi": "class Attribute: ...\n",
        "src/p/setters.py": "def validate(value): ...\n",
        "src/p/setters.pyi": "from . import Attribute\ndef validate(value: Attribute) -> None: ...\n",
        "src/p/front.py": "from .setters import *\n",
        "src/p/lazy.py": "import loader\n__getattr__, __all__ = loader.attach(__name__)\n",
        "src/p/lazy.pyi": "from . import Attribute\n__all__ = ['Attribute']\n",
    }
    library = table(files)
    assert [library.find(f"p.{name}.Attribute") for name in ("setters", "front")] == [None, None]
    assert [symbol.name for symbol in library.members("p.front")] == ["p.setters.validate"]
    assert library.find("p.lazy.Attribute") == library.find("p.Attribute")


def test_inherited_members_are_found_and_listed() -> None:
    library = table(HTTP)
    assert [symbol.name for symbol in library.members("httpx.Client")] == [
        "httpx.Async.__call__",
        "httpx.Async.get",
        "httpx.Client.close",
    ]
    own, inherited = library.find("httpx.Client.close"), library.find("httpx.Client.get")
    assert own is not None and own.docstring == "Close it."
    assert inherited is not None and inherited.docstring == "Get it."
    assert "httpx.Client.get" in library.aliases("httpx.Client.get")
    assert [symbol.name for symbol in library.members("httpx")] == [
        "httpx.Async",
        "httpx.Client",
        "httpx.HTTPError",
        "httpx.types",
    ]
    assert library.members("httpx.nothing") == []


@pytest.mark.parametrize(
    ("bases", "origin"),
    [("Left, Right", "Right"), ("Right, Left", "Right"), ("Plain", "Root"), ("Left", "Root"), ("b.Right", "Right")],
)
def test_members_come_from_the_class_that_python_would_take(bases: str, origin: str) -> None:
    library = table(
        {
            "a.py": f"from b import *\nimport b\nclass Sub({bases}): ...\n",
            "b.py": """
                class Root:
                    def run(self): ...
                class Left(Root): ...
                class Plain(Left): ...
                class Right(Root):
                    def run(self): ...
            """,
        }
    )
    found = library.find("a.Sub.run")
    assert found is not None and found.name == f"b.{origin}.run"
    assert library.aliases(found.name) == [f"a.{origin}.run"]


def test_star_imports_chain_and_honour_all_or_underscores() -> None:
    library = table(
        {
            "p/__init__.py": "from .one import *\n",
            "p/one.py": "from .two import *\nfrom .three import *\ndef one(): ...\ndef _hidden(): ...\n",
            "p/two.py": "__all__ = ['_odd']\ndef _odd(): ...\ndef left_out(): ...\n",
            "p/three.py": "from .one import *\ndef three(): ...\n",
        }
    )
    assert library.find("p.one") is library.find("p.one")
    for name in ("p.three", "p.one.three", "p.three.one"):
        assert library.find(name) is not None
    for name in ("p.left_out", "p._hidden", "p._odd"):
        assert library.find(name) is None
    found = library.find("p.one._odd")
    assert found is not None and found.name == "p.two._odd"


def test_exports_of_other_modules_count() -> None:
    names = public(
        {
            "p/__init__.py": "from . import _a\nfrom ._a import *\n__all__ = ['own'] + _a.__all__\ndef own(): ...\n",
            "p/_a.py": "__all__ = ['listed']\ndef listed(): ...\ndef other(): ...\n",
        }
    )
    assert names == ["p", "p.listed", "p.own"]


def test_modules_that_only_import_re_export_but_others_do_not() -> None:
    files = {
        "p/__init__.py": "",
        "p/_impl.py": "def used(): ...\ndef shown(): ...\n",
        "p/core.py": "from ._impl import used\nfrom p import api\nrun = used\ndef go(): ...\nstart = go\n",
        "p/api.py": "from ._impl import shown\n",
    }
    library = table(files)
    assert public(files) == ["p", "p.api", "p.api.shown", "p.core", "p.core.go", "p.core.run"]
    assert library.find("p.core.used") is library.find("p._impl.used")
    assert library.aliases("p.core.go") == ["p.core.start"]


def test_of_equally_short_names_the_one_meant_for_import_is_shown() -> None:
    files = {
        "p/__init__.py": "",
        "p/errors.py": "class Failed(Exception): ...\n",
        "p/work.py": "from p.errors import *\ndef work(): ...\n",
        "q/__init__.py": "from p.errors import Failed as Broken\nfrom p import errors\n",
        "q/errors.py": "from p.errors import Failed\n",
    }
    library = table(files)
    found = library.find("p.errors.Failed")
    assert found is not None and (found.name, found.signature) == ("q.Broken", "Broken(*args)")
    assert library.aliases("q.Broken") == ["p.errors.Failed", "p.work.Failed", "q.errors.Failed"]
    del files["q/__init__.py"]
    found = table(files).find("p.errors.Failed")
    assert found is not None and found.name == "q.errors.Failed"
    del files["q/errors.py"]
    found = table(files).find("p.errors.Failed")
    assert found is not None and found.name == "p.errors.Failed"


def test_cycles_and_endless_chains_resolve_to_nothing() -> None:
    library = table(
        {
            "p/__init__.py": "from .a import x, y\nimport p\n",
            "p/a.py": "from .b import x\nfrom p import y\nclass A(B): ...\nclass B(A): ...\nclass C(C): ...\n",
            "p/b.py": "from .a import x\nfrom .a import *\n",
        }
    )
    for name in ("p.x", "p.y", "p.a.A.missing", "p.a.C.missing", "p.p.p.x", ".".join(["p"] * 5000), "", ".", "p..a"):
        assert library.find(name) is None
    assert library.find("p.p.p.a.A") is library.find("p.a.A")
    assert library.aliases("p") == []
    odd = table({"m.py": "class C(C.inner): ...\nclass D(E.x): ...\nclass E(D.y): ...\n"})
    assert odd.find("m.C.run") is None and odd.find("m.D.run") is None
    loops = {
        "p/a.py": "try:\n    from .b import x\nexcept ImportError:\n    from .c import x\n",
        "p/b.py": "from .a import x\n",
        "p/c.py": "def x(): ...\nclass A(B): ...\nclass B(A): ...\nclass D(A): ...\n",
        "p/d.py": f"from {'a.' * 5000}b import *\n" + "".join(f"class D{n}(D{n + 1}.x): ...\n" for n in range(1500)),
    }
    found = table(loops).find("p.a.x")
    assert found is not None and found.name == "p.c.x"
    for name in ("p.c.D.missing", "p.d.D0.missing"):
        assert table(loops).find(name) is None
    chain = [Alias(f"q.x{number}", f"q.x{number + 1}") for number in range(5000)]
    module = Symbol("q", "python", "module", "q", "", Span("q.py", 1, 1))
    assert link([Parsed(symbols=(module,), aliases=tuple(chain))]).find("q.x0") is None


def test_constructors_are_those_that_python_would_call() -> None:
    library = table(
        {
            "m.py": """
                class Base:
                    def __init__(self, a: int, *, b=1): ...
                class Sub(Base): ...
                class Plain: ...
                class New:
                    def __new__(cls, size): ...
                class Error(ValueError): ...
                class Foreign(other.Thing): ...
                class Generic_(Generic[T]): ...
                class Color(enum.Enum):
                    RED = 1
                @dataclass
                class Point:
                    x: int
                    y: int = 0
                @dataclass
                class Named(Point):
                    name: str = ""
                    x: float = 0.0
                @dataclass(kw_only=True)
                class Keyed:
                    key: int = 0
                @dataclass
                class Mixed(Keyed):
                    x: int
            """
        }
    )
    signatures = {symbol.name: symbol.signature for symbol in library.public() if symbol.kind == "class"}
    assert signatures == {
        "m.Base": "Base(a: int, *, b=1)",
        "m.Sub": "Sub(a: int, *, b=1)",
        "m.Plain": "Plain()",
        "m.New": "New(size)",
        "m.Error": "Error(*args)",
        "m.Foreign": "Foreign(...)",
        "m.Generic_": "Generic_()",
        "m.Color": "Color(value)",
        "m.Point": "Point(x: int, y: int = 0)",
        "m.Keyed": "Keyed(*, key: int = 0)",
        "m.Mixed": "Mixed(x: int, *, key: int = 0)",
        "m.Named": 'Named(x: float = 0.0, y: int = 0, name: str = "")',
    }
    found = library.find("m.Sub")
    assert found is not None and [parameter.name for parameter in found.parameters] == ["a", "b"]


def test_a_stub_lends_its_annotations_to_the_documented_definition() -> None:
    files = {
        "src/p/__init__.py": "from ._impl import load\n",
        "src/p/_impl.pyi": "@overload\ndef dump(x: int) -> int: ...\n@overload\ndef dump(x: str) -> str: ...\n",
        "src/p/_impl.py": """
            def dump(x): ...
            def load(path, size=10):
                '''Load it.

                :param path: Which.
                '''
        """,
        "src/p/__init__.pyi": "def load(path: str, size: int = ...) -> bytes: ...\ndef only() -> None: ...\n",
        "src/only/__init__.pyi": "class Alone: ...\n",
    }
    library = table(files)
    load = library.find("p.load")
    assert load is not None
    assert (load.name, load.signature) == ("p.load", "load(path: str, size: int = 10) -> bytes")
    assert (load.docstring.split("\n")[0], load.parameters[0].description) == ("Load it.", "Which.")
    assert load.span.source == "src/p/_impl.py"
    dump = library.find("p._impl.dump")
    assert dump is not None and dump.signature == "dump(x)"
    assert public(files) == ["only", "only.Alone", "p", "p.load", "p.only"]


def test_the_order_of_the_files_changes_nothing() -> None:
    twice = {"src/dup.py": "def f(a): ...\n", "lib/dup.py": "def f(b): ...\n", "dup.py": "def f(c): ...\n"}
    files = parsed(HTTP | twice)
    expected = json.dumps(api_json(link(files)))
    for seed in range(5):
        random.Random(seed).shuffle(files)
        assert json.dumps(api_json(link(files))) == expected
        assert [section.span.source for section in link(files).sections()] == []


def test_records_survive_the_way_through_json() -> None:
    files = parsed(HTTP)
    assert [from_json(Parsed, json.loads(json.dumps(to_json(file)))) for file in files] == files


def test_api_json_says_it_all() -> None:
    written = api_json(table(HTTP))
    assert isinstance(written, dict) and isinstance(written["symbols"], list)
    entries = {str(entry["name"]): entry for entry in written["symbols"] if isinstance(entry, dict)}
    assert entries["httpx.Client"] == {
        "name": "httpx.Client",
        "kind": "class",
        "signature": 'Client(url: str = "")',
        "docstring": "A client.",
        "public": True,
        "source": "src/httpx/_client.py",
        "first_line": 13,
        "last_line": 15,
        "aliases": ["httpx._client.Client"],
    }
    assert entries["httpx._client.helper"]["public"] is False
    assert list(entries) == sorted(entries)


def test_the_nearest_names() -> None:
    library = table(HTTP)
    assert library.nearest("httpx.Clent")[0].name == "httpx.Client"
    assert library.nearest("httperror")[0].name == "httpx.HTTPError"
    assert len(library.nearest("httpx.types.Timeouts", limit=2)) == 2
    assert link([]).nearest("anything") == []


def test_sections_come_in_order_of_source_and_line() -> None:
    registry = Registry.load()
    entry = registry.get("parser", "markdown")
    parser: Parser = registry.create(entry, entry.registration.config())
    text = b"# A\n\none\n\n# B\n\ntwo\n"
    files = [parser.parse(text, "b.md"), parser.parse(text, "a.md"), *parsed({"c.py": "'''Doc.'''\n"})]
    assert [str(section.span) for section in link(files).sections()] == [
        "a.md:1-3",
        "a.md:5-7",
        "b.md:1-3",
        "b.md:5-7",
        "c.py:1-1",
    ]


def test_fifty_thousand_symbols_are_cheap() -> None:
    modules = [
        Parsed(
            symbols=(
                Symbol(f"big.m{module}", "python", "module", "", "", Span(f"big/m{module}.py", 1, 1)),
                *(
                    Symbol(
                        f"big.m{module}.function_{item}",
                        "python",
                        "function",
                        f"function_{item}()",
                        "",
                        Span(f"big/m{module}.py", item, item),
                    )
                    for item in range(500)
                ),
            ),
            aliases=(Alias("big.*", f"big.m{module}.*"),),
        )
        for module in range(100)
    ]
    root = Parsed(symbols=(Symbol("big", "python", "module", "", "", Span("big/__init__.py", 1, 1)),))
    started = time.perf_counter()
    library = link([root, *modules])
    assert sum(1 for _ in library.public()) == 50_101
    linked = time.perf_counter()
    for number in range(20):
        assert library.nearest(f"big.m7.funktion_{number}")[0].name.endswith(f"function_{number}")
    asked = time.perf_counter()
    assert linked - started < 15 and (asked - linked) / 20 < 0.25


def test_of_two_packages_that_offer_the_same_the_documented_one_names_it() -> None:
    files = {
        "at/__init__.py": "from ._make import define",
        "at/_make.py": 'def define():\n    "Define."',
        "attrs/__init__.py": "from at import define",
    }
    assert "at.define" in public(files)
    guide = Section(
        "section", ("Guide",), "Use `attrs.define`, not look at. In short: attrs.define.", Span("a.md", 1, 1)
    )
    linked = link([*parsed(files), Parsed(sections=(guide,))])
    assert [symbol.name for symbol in linked.public() if symbol.kind == "function"] == ["attrs.define"]
    found = linked.find("at.define")
    assert found is not None
    assert found.name == "attrs.define"
