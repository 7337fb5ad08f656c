"""The page that goes with an exported model: what it is, where it comes from, how it was checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from docutune.parity import Parity

if TYPE_CHECKING:
    from docutune.model_names import Named

_LOCAL = ("builtin/", ".", "/", "~")
_USE = """## Use it

```python
from transformers import pipeline

ask = pipeline("text-generation", ".")
answer = ask([{"role": "user", "content": "..."}], max_new_tokens=300, do_sample=False)
print(answer[0]["generated_text"][-1]["content"])
```

The chat template has the settings of the training in it.

"""


def write(named: Named, facts: Mapping[str, Any], numbers: str, parity: Parity, form: str) -> str:
    """Markdown with a header as model hubs read it."""
    base = str((facts.get("base") or {}).get("name") or named.base)
    hub = "" if base.startswith(_LOCAL) else f"base_model: {base}\n"
    rows = "\n".join(f"| {name} | {_cell(value)} |" for name, value in _rows(named, facts, base, numbers))
    what = "All weights of the tuned model" if named.form == "whole" else "The base with its adapter merged into it"
    return (
        f"---\n{hub}tags: [docutune, {'gguf' if form == 'gguf' else 'merged'}]\n---\n\n# {_cell(named.name)}\n\n"
        f"{what}, written by docutune.\n\n| | |\n| --- | --- |\n{rows}\n\n"
        f"{'' if form == 'gguf' else _USE}## Checked against its source\n\n{told(parity)}\n\n"
        "## License\n\nThe license of the base model applies; the sources that the training data came from keep "
        "theirs.\n"
    )


def told(parity: Parity) -> str:
    """The comparison in a sentence or two."""
    if parity.unread is not None:
        return f"not compared with its source: {parity.unread}"
    kind = "held-out questions" if parity.held_out else "questions"
    line = f"{parity.equal} of {parity.questions} {kind} are answered alike, token by token"
    if parity.logits is not None:
        line += f"; largest difference of a logit: {parity.logits:.2g}"
    ties = sum(item.cause == "tie" for item in parity.differences)
    if ties:
        line += f"; {ties} part where two tokens are about equally likely"
    return line


def _rows(named: Named, facts: Mapping[str, Any], base: str, numbers: str) -> Iterator[tuple[str, object]]:
    yield "base model", base
    yield "digest of the base", (facts.get("base") or {}).get("digest") or named.ref.digest
    for label, name in (
        ("project", "project"),
        ("key", "key"),
        ("run", "run"),
        ("trainer", "trainer"),
        ("dataset version", "dataset"),
    ):
        if facts.get(name):
            yield label, facts[name]
    yield "weights", numbers
    if facts.get("key"):
        yield "documents and samples behind it", f"`docutune trace {str(facts['key'])[:16]}` in the workspace"


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
