"""Of which public symbols documents and samples speak: through the command line, on a small library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

from docutune.records import Parsed, Section, Span, Symbol
from docutune.report.coverage import coverage
from docutune.symbols import link


def symbol(name: str, kind: str = "function") -> Symbol:
    return Symbol(name, "python", kind, name, "Does it.", Span("acme.py", 1, 9))


NAMES = {
    "acme": "module",
    "acme.Box": "class",
    "acme.Box.open": "method",
    "acme.Jar": "class",
    "acme.Jar.open": "method",
}
GENERATE = "generate:\n  - uses: grounded\n    with: {kinds: [purpose]}\n"
SYMBOLS = (*(symbol(name, kind) for name, kind in NAMES.items()), symbol("acme.send"), symbol("acme.load_all"))


def documented(text: str) -> set[str]:
    section = Section("section", ("Guide",), text, Span("guide.md", 1, 5))
    library = link([Parsed(symbols=SYMBOLS), Parsed(sections=(section,))])
    found = coverage(library, [])
    assert found is not None
    assert found.symbols == 7
    assert found.untold is not None
    names = {entry.name for entry in found.untold if entry.in_documents}
    assert found.in_documents == len(names)
    return names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Call acme.send to send it.", {"acme.send"}),
        ("Use `send`.", {"acme.send"}),
        ("```python\nfrom acme import send\n```\n", {"acme", "acme.send"}),
        ("~~~\nbox = Box()\nload_all()", {"acme.Box", "acme.load_all"}),
        ("You may send and open and box things with acme.", set()),
        ("It has `open`, as every box.", set()),
        ("A lone ` mark.\n\nThen send it, and another ` mark.", set()),
        ("See `Box.open` and acme.Jar.open().", {"acme.Box.open", "acme.Jar.open"}),
        ("Not `unsend`, not `resend.send`, not acme.sends.", set()),
    ],
)
def test_what_counts_as_a_mention(text: str, names: set[str]) -> None:
    assert documented(text) == names


def test_symbols_without_a_sample_are_listed_by_what_the_samples_speak_of() -> None:
    section = Section("section", ("Guide",), "`load_all` loads.", Span("guide.md", 1, 5))
    library = link([Parsed(symbols=SYMBOLS), Parsed(sections=(section,))])
    found = coverage(library, [{"acme.send", "acme.Box"}, {"acme.nothing", "acme.Box"}])
    assert found is not None
    assert (found.in_samples, found.in_documents) == (2, 1)
    assert found.untold is not None
    assert [entry.name for entry in found.untold] == [
        *("acme.load_all", "acme", "acme.Box.open", "acme.Jar", "acme.Jar.open"),
    ]
    assert found.untold[0].place == "acme.py:1-9"
    without = coverage(library, None)
    assert without is not None
    assert without.untold is None
    assert coverage(link([]), None) is None


def test_a_run_reports_what_its_samples_leave_out(environment: Installed) -> None:
    code = 'def send(grams):\n    """Send one parcel.\n\n    Args:\n        grams: The weight in grams.\n    """\n'
    files = {
        "guide.md": "# Guide\n\nCall `acme.send` with a weight.\n",
        "acme.py": f"{code}\n\ndef silent():\n    pass\n",
        "qa.jsonl": '{"question": "How heavy?", "answer": "Ask acme.weigh or acme.silent."}\n',
    }
    for name, text in files.items():
        (environment.work / name).write_text(text)
    head = "version: 1\nproject: acme\nsources:\n  - path: guide.md\n  - path: acme.py\n"
    (environment.work / "pipeline.yaml").write_text(f"{head}{GENERATE}")
    first = ran(environment)["library"]["coverage"]
    assert [entry["name"] for entry in first["untold"]] == ["acme", "acme.silent"]
    assert first["modules"] == [{"module": "acme", "symbols": 3, "in_documents": 1, "in_samples": 1}]
    (environment.work / "pipeline.yaml").write_text(f"{head}  - samples: qa.jsonl\n{GENERATE}")
    second = ran(environment)["library"]["coverage"]
    assert [entry["name"] for entry in second["untold"]] == ["acme"]


def ran(environment: Installed) -> Any:
    done = environment.docutune("run", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads((Path(json.loads(done.stdout)["folder"]) / "report.json").read_text())
