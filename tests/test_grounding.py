"""The grounding check, on a small library linked by the real parser."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from docutune.grounding import complaints
from docutune.plugins.parsers.python.parse import Python
from docutune.plugins.parsers.python.plugin import Config
from docutune.records import Message, Sample
from docutune.symbols import SymbolTable, link

FILES = {
    "acme/__init__.py": """
        from acme.client import Client, fetch
        from acme import lazy
        """,
    "acme/client.py": """
        import requests

        def fetch(url: str) -> bytes: ...

        class Base:
            def close(self) -> None: ...

        class Client(Base):
            timeout: int = 3

            def __init__(self) -> None:
                self.session = object()

            def get(self, url: str) -> bytes: ...

        class Foreign(requests.Session):
            pass

        class Under(Foreign):
            pass

        class Magic:
            def __getattr__(self, name: str) -> object: ...
        """,
    "acme/lazy.py": """
        def __getattr__(name: str) -> object: ...
        """,
    "acme/io.py": """
        import os
        from acme._compiled import Buffer

        __all__ = ["read", "Lazy"]

        def read() -> str: ...
        """,
    "acme/open.py": """
        from acme._compiled import *
        """,
    "acme/wide.py": """
        from acme.open import *

        class Narrow: ...
        """,
}


@pytest.fixture(scope="module")
def library() -> SymbolTable:
    parser = Python(Config())
    return link(parser.parse(dedent(text).encode(), source) for source, text in FILES.items())


@pytest.fixture
def invented(library: SymbolTable) -> Callable[[str], list[str]]:
    """The names that are complained about in an answer."""

    def names(answer: str, question: str = "How?", kind: str = "usage") -> list[str]:
        sample = Sample((Message("user", question), Message("assistant", answer)), kind, "fact")
        return [complaint.split("`")[1] for complaint in complaints(sample, library)]

    return names


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Call `acme.fetch_all(url)` first.", ["acme.fetch_all"]),
        ("Call acme.fetch_all, then acme.fetch.", ["acme.fetch_all"]),
        ("先调用acme.fetch_all函数。", ["acme.fetch_all"]),
        ("`acme.Client.post` sends data, `acme.Client.get` reads it.", ["acme.Client.post"]),
        ("`acme.clients.Client` is the class.", ["acme.clients.Client"]),
        ("`acme.io.write` and `acme.wide.Narrow.write`", ["acme.io.write", "acme.wide.Narrow.write"]),
        ("```python\nimport acme as a\n\na.fetch_all(1)\na.fetch(1)\n```", ["acme.fetch_all"]),
        ("```python\nfrom acme import fetch, fetch_all\n```", ["acme.fetch_all"]),
        ("```python\nfrom acme.client import Client as C\n\nC.post()\n```", ["acme.client.Client.post"]),
        ("```python\nfrom acme.clients import *\n```", ["acme.clients"]),
        ("```pycon\n>>> import acme\n>>> acme.fetch_all(1)\nb'acme.no.name'\n```", ["acme.fetch_all"]),
        ("```python\nfrom acme import fetch_all\nfetch_all(...  # incomplete\n```", ["acme.fetch_all"]),
        ("```\nacme.fetch_all()\n```", ["acme.fetch_all"]),
    ],
)
def test_names_that_do_not_exist(invented: Callable[[str], list[str]], answer: str, expected: list[str]) -> None:
    assert invented(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        "`acme.fetch`, `acme.Client`, `acme.client.Client.get` and the inherited `acme.Client.close` exist.",
        "`acme.Client.session` is set by the constructor and `acme.Client.timeout` in the body.",
        "`acme.Client.__doc__` and `acme.__version__` are there without being written.",
        "Read acme.md, acme.toml, `acme.cfg` and docs/acme.fetch_all; see https://docs.example/find?name=acme.nothing.",
        "Write to me@acme.fetch or look at acme.com and acme.readthedocs.io.",
        "acme 1.2.3, acme-2.0 and acme==1.0.post1 are versions; acme.v2-beta is a branch.",
        "`acme.client.Foreign.anything` may come from requests.",
        "`acme.client.Under.anything` too, and `acme.client.Magic.anything` is made up on the fly.",
        "`acme.io.os`, `acme.io.os.path.join` and `acme.io.Buffer.anything` are imported, `acme.io.Lazy` is promised.",
        "`acme.open.anything` and `acme.wide.anything` may come from a compiled module.",
        "`acme.lazy.anything` may be made up on the fly.",
        "`acme.fetch.cache_clear` may be there: functions are decorated.",
        "`numpy.fetch_all` and `client.fetch_all` belong to others.",
        "```python\nimport acme\n\nclient = acme.Client()\nclient.post()\nclient.session.anything()\n```",
        "```python\ndef main(acme):\n    return acme.fetch_all\n```",
        "```python\nacme = load()\nacme.fetch_all()\n```",
        '```python\nprint("acme.fetch_all")  # acme.fetch_all\n```',
        '```python\nload("acme.fetch_all"  # acme.fetch_all\n```',
        "```\nacme.fetch_all is not Python here (at all\n```",
        "```bash\npip install acme.fetch_all\n```",
        "```toml\nmodule = acme.fetch_all\n```",
    ],
)
def test_what_may_exist_is_no_reason_to_complain(invented: Callable[[str], list[str]], answer: str) -> None:
    assert invented(answer) == []


def test_a_negative_may_name_what_its_question_named(library: SymbolTable) -> None:
    messages = (
        Message("user", "What does `acme.fetch_all` do?"),
        Message("assistant", "There is no `acme.fetch_all`. Did you mean `acme.fetch`?"),
    )
    assert complaints(Sample(messages, "negative", "negative:acme.fetch_all"), library) == ()
    assert len(complaints(Sample(messages, "purpose", "purpose:acme.fetch_all"), library)) == 1
    other = (messages[0], Message("assistant", "There is no `acme.fetch_all`, try `acme.fetch_every`."))
    assert len(complaints(Sample(other, "negative", "negative:acme.fetch_all"), library)) == 1


def test_the_complaint_names_the_nearest_name(library: SymbolTable) -> None:
    sample = Sample((Message("user", "How?"), Message("assistant", "Call `acme.fetchs`.")), "usage", "fact")
    assert complaints(sample, library) == ("`acme.fetchs` is not in the library; the nearest name is `acme.fetch`",)


def test_questions_are_not_answers(library: SymbolTable) -> None:
    sample = Sample((Message("user", "`acme.fetch_all`?"), Message("assistant", "No.")), "usage", "fact")
    assert complaints(sample, library) == ()
