"""The grounding check, on a small library linked by the real parser."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from docutune.grounding import complaints
from docutune.grounding.denial import is_denied
from docutune.plugins.parsers.python.parse import Python
from docutune.plugins.parsers.python.plugin import Config
from docutune.records import Message, Sample
from docutune.symbols import SymbolTable, link

FILES = {
    "acme/__init__.py": """
        from acme.client import Client, Foreign, fetch, wide_open, wrapped
        from acme import lazy
        """,
    "acme/client.py": """
        import requests

        def fetch(url: str) -> bytes: ...

        @requests.wrap
        def wrapped(url: str) -> bytes: ...

        def wide_open(url: str, **options: object) -> bytes: ...

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
        found = complaints(sample, library)
        return [complaint.split("`")[1] for complaint in found if "is no Python" not in complaint]

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
        ("- so:\n\n  ```python\n  acme.fetch_all()\n  ```\n", ["acme.fetch_all"]),
        ("```python\nacme.fetch_all()", ["acme.fetch_all"]),
        (
            "```python\nimport acme\n\nclient = acme.Client()\nclient.post()\nclient.get(url=1)\n```",
            ["acme.Client.post"],
        ),
        ("```python\nfrom acme import Client\n\nclient = Client()\nclient.get(uri=1)\n```", ["acme.Client.get"]),
        ("```python\nimport acme\n\nacme.fetch(uri='x')\n```", ["acme.fetch"]),
        ("Call `acme.fetch(uri=1)`.", ["acme.fetch"]),
        ("Call acme.fetch(uri=1) at once.", ["acme.fetch"]),
        ("Write from acme import fetch, fetch_all at the top.", ["acme.fetch_all"]),
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
        "```python\nimport acme\n\nclient = acme.Client()\nclient.session.anything()\nclient.late\n```",
        "```python\nimport acme\n\nclient = acme.Client()\nclient = load()\nclient.post()\n```",
        "```python\nimport acme\n\nclient = acme.Client()\nclient.post = print\nclient.post()\n```",
        "```python\nimport acme\n\npage = acme.fetch(url='x')\npage.post()\nacme.fetch(**options)\n```",
        "```python\nimport acme\n\nacme.Foreign(anything=1)\nacme.wrapped(anything=1)\nacme.wide_open(anything=1)\n```",
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


NEGATIVES = {
    "There is no `acme.fetch_all`. Did you mean `acme.fetch`?": (),
    "`acme.fetch_all` does not exist; use `acme.fetch`.": (),
    "不存在 `acme.fetch_all`。请用 `acme.fetch`。": (),
    "该库没有名为 `acme.fetch_all` 的函数，请用 `acme.fetch`。": (),
    "`acme.fetch_all` 并不存在，请用 `acme.fetch`。": (),
    "The library has neither a function `acme.fetch_all` nor a class of that name.": (),
    "There is no need to loop: `acme.fetch_all` reads every page.": ("does not say so",),
    "`acme.fetch_all` reads every page.": ("does not say so",),
    "There is no `acme.fetch_all`. Call `acme.fetch_all` all the same.": ("does not say so",),
    "It does not block; `acme.fetch_all` reads on.": ("does not say so",),
    "There is no such function.": ("the answer does not say that there is no `acme.fetch_all`",),
    "There is no `acme.fetch_all`, try `acme.fetch_every`.": ("`acme.fetch_every` is not in the library",),
    "There is no `acme.fetch_all`:\n\n```python\nacme.fetch_all()\n```": ("`acme.fetch_all` is not in the library",),
}


@pytest.mark.parametrize("answer", NEGATIVES)
def test_a_negative_names_what_its_question_named_only_to_deny_it(answer: str, library: SymbolTable) -> None:
    messages = (Message("user", "What does `acme.fetch_all` do?"), Message("assistant", answer))
    found = complaints(Sample(messages, "negative", "negative:acme.fetch_all"), library)
    assert all(any(part in complaint for complaint in found) for part in NEGATIVES[answer])
    assert bool(found) == bool(NEGATIVES[answer])
    assert complaints(Sample(messages, "purpose", "purpose:acme.fetch_all"), library), "no other kind may"


def test_a_wrong_name_of_broken_code_is_denied_and_never_used(library: SymbolTable) -> None:
    broken = "Why does this fail?\n\n```python\nimport acme\nacme.fetch_all(\n```"

    def found(answer: str, kind: str = "bug-fix") -> tuple[str, ...]:
        return complaints(Sample((Message("user", broken), Message("assistant", answer)), kind, "fact"), library)

    fixed = "```python\nimport acme\n\nacme.fetch('x')\n```"
    assert found(f"`acme.fetch_all` does not exist.\n\n{fixed}") == ()
    assert found(f"A bracket is missing.\n\n{fixed}") == ()
    assert found(f"`acme.fetch_all` wants a bracket.\n\n{fixed}") != ()
    assert found(f"A bracket is missing.\n\n{fixed.replace('fetch', 'fetch_all')}") != ()
    assert found(f"`acme.fetch_every` does not exist.\n\n{fixed}") != (), "the question did not name it"
    assert found(f"A bracket is missing.\n\n{fixed}", kind="how-to") != ()


def test_what_a_changelog_names_may_be_said_to_be_gone(library: SymbolTable) -> None:
    source = "- `acme.fetch_all` was removed, use `acme.fetch`.\n- Renamed `load` to `fetch`."

    def found(answer: str, question: str = "What changes?") -> tuple[str, ...]:
        messages = (Message("user", question), Message("assistant", answer))
        return complaints(Sample(messages, "migration", "fact"), library, source)

    assert found("`acme.fetch_all` was removed; `acme.load` is now called `acme.fetch`.") == ()
    assert found("`acme.fetch_all` 已被移除，请改用 `acme.fetch`。") == ()
    assert found("Use `acme.fetch`.", "What became of `acme.fetch_all`?") == ()
    assert found("`acme.fetch_all` is the function to use.") != ()
    assert found("`acme.load` was renamed to `acme.fetch_all`.") != ()
    assert found("`acme.store` was removed.") != (), "the changelog does not name it"
    assert found("Use `acme.fetch`.", "What became of `acme.store`?") != ()
    assert found("`acme.load` was removed.\n\n```python\nacme.load()\n```") != ()


def test_the_complaint_names_the_nearest_name(library: SymbolTable) -> None:
    sample = Sample((Message("user", "How?"), Message("assistant", "Call `acme.fetchs`.")), "usage", "fact")
    assert complaints(sample, library) == ("`acme.fetchs` is not in the library; the nearest name is `acme.fetch`",)


def test_a_question_that_takes_an_invented_name_for_granted_is_told(library: SymbolTable) -> None:
    sample = Sample((Message("user", "`acme.fetch_all`?"), Message("assistant", "It reads.")), "usage", "fact")
    (told,) = complaints(sample, library)
    assert told.startswith("the question names what does not exist: `acme.fetch_all` is not in the library")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("```python\nacme.fetch(\n```", "line 1: '(' was never closed"),
        ("```py\nfor x in y\n    pass\n```", "line 1: expected ':'"),
        ("```python\nacme.fetch(", "line 1: '(' was never closed"),
        ("- so\n\n  ```python\n  acme.fetch('x')\n  ```", None),
        ("```python\n>>> acme.fetch('x')\nb'...\n```", None),
        ("```\nacme.fetch(\n```", None),
        ("```bash\nacme fetch (\n```", None),
        ("```python\nfetch(url: str, *, retries: int = 3) -> bytes\n```", None),
        ("```python\nclass Client(Base)\n```", None),
    ],
)
def test_code_parses(library: SymbolTable, code: str, problem: str | None) -> None:
    sample = Sample((Message("user", "How?"), Message("assistant", code)), "usage", "fact")
    assert complaints(sample, library) == (() if problem is None else (f"the code is no Python: {problem}",))


DENIED = (
    "There is no `acme.x_all`.",
    "`acme.x_all` does not exist in Acme.",
    "Acme has no function called `acme.x_all`.",
    "The library `acme` does not provide `acme.x_all`; use `acme.x`.",
    "No, `acme.x_all` is not part of the library.",
    "`acme.x_all` is not a function of acme.",
    "There's no such thing as `acme.x_all`.",
    "`acme.x_all()` doesn't exist.",
    "There is no `acme.x_all()` in acme.",
    "The code calls `acme.x_all`, which does not exist.",
    "The code imports `acme.x_all`, which is not in the library.",
    "`acme.x_all` isn't available in acme.",
    "`acme.x_all` has been replaced by `acme.x`.",
    "`acme.x_all` was removed in 2.0; use `acme.x`.",
    "In 2.0 `acme.x_all` was renamed to `acme.x`.",
    "Replace `acme.x_all` with `acme.x`.",
    "Use `acme.x` instead of `acme.x_all`.",
    "`acme.x_all` → `acme.x`",
    "The function `acme.x_all` no longer exists.",
    "`acme.x_all` has been deprecated in favour of `acme.x`.",
    "`acme.x_all` is now `acme.x`.",
    "`acme.x_all` is now called `acme.x`.",
    "The attribute `acme.x_all` does not exist.",
    "The code uses `acme.x_all`, a name that the library does not have.",
    "acme does not have `acme.x_all`",
    "There is no attribute or method `acme.x_all`.",
    "不存在 `acme.x_all`。",
    "`acme.x_all` 不存在。",
    "`acme.x_all` 这个函数并不存在。",
    "acme 库中没有 `acme.x_all`。",
    "acme 没有名为 `acme.x_all` 的函数。",
    "该库并未提供 `acme.x_all`。",
    "代码调用了 `acme.x_all`，但它并不存在。",
    "代码使用了并不存在的 `acme.x_all`。",
    "`acme.x_all` 已被移除，请改用 `acme.x`。",
    "`acme.x_all` 在 2.0 版中改名为 `acme.x`。",
    "`acme.x_all` 已更名为 `acme.x`。",
    "请用 `acme.x` 代替 `acme.x_all`。",
    "`acme.x_all` 被 `acme.x` 取代。",
    "2.0 版移除了 `acme.x_all`。",
    "将 `acme.x_all` 改为 `acme.x`。",
    "acme 不提供 `acme.x_all` 这个接口",
    "错误在于使用了不存在的 `acme.x_all`",
)
AFFIRMED = (
    "Use `acme.x_all`.",
    "`acme.x_all` is not slow.",
    "There is no reason not to use `acme.x_all`.",
    "`acme.x` was renamed to `acme.x_all`.",
    "`acme.x` was replaced by `acme.x_all`.",
    "Instead of a loop, call `acme.x_all`.",
    "Do not forget `acme.x_all`.",
    "`acme.x_all` no longer blocks.",
    "`acme.x_all` has no parameters.",
    "`acme.x_all` does not need a city.",
    "No problem: `acme.x_all` does it.",
    "If the file does not exist, `acme.x_all` creates it.",
    "If it does not exist `acme.x_all` creates it.",
    "`acme.x` does not exist; `acme.x_all` is right.",
    "`acme.x_all` is not only quick but right.",
    "Not `acme.x`, but `acme.x_all` is right.",
    "`acme.x_all` 不会阻塞。",
    "`acme.x_all` 没有参数。",
    "如果不存在，`acme.x_all` 会创建它。",
    "请使用 `acme.x_all`。",
    "`acme.x` 已改名为 `acme.x_all`。",
    "不存在 `acme.y` 时用 `acme.x_all`。",
    "`acme.x_all` 并不慢",
    "`acme.x` 被 `acme.x_all` 取代。",
    "用 `acme.x_all` 代替 `acme.x`。",
    "Without `acme.x_all` it fails.",
    "There is no faster way than `acme.x_all`.",
    "Nothing but `acme.x_all` helps.",
    "Acme has no bugs, so `acme.x_all` works.",
    "`acme.x` is now `acme.x_all`.",
    "`acme.x` → `acme.x_all`",
)


def test_what_denies_a_name_and_what_does_not() -> None:
    assert [text for text in DENIED if not is_denied("acme.x_all", text)] == []
    assert [text for text in AFFIRMED if is_denied("acme.x_all", text)] == []


@pytest.mark.parametrize("unit", ["`acme.y` and ", "not a function or ", "在的", "a ", "`", "不存在的"])
def test_no_text_takes_long_to_look_at(unit: str) -> None:
    """Patterns that go back over themselves would take longer than anybody waits."""
    assert not is_denied("acme.x_all", f"{unit * 500}!`acme.x_all`!{unit * 500}")
