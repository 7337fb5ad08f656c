"""What merge and export share: their options, the bar, and what they say in the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from docutune.cli.clean import readable
from docutune.cli.options import json_output, print_json

if TYPE_CHECKING:
    from docutune.model_registry.exporting import Exported, ExportRequest
    from docutune.parity import Parity

Function = TypeVar("Function", bound=Callable[..., Any])
_SHOWN = 3
_LONGEST = 120


def written(function: Function) -> Function:
    """Pass `output`, `numbers`, `base`, `force` and `as_json`."""
    options = (
        click.option("--output", type=click.Path(path_type=Path), help="The folder.  [default: exports/... here]"),
        click.option(
            "--dtype",
            "numbers",
            type=click.Choice(("float32", "bfloat16", "float16")),
            help="Numbers of the weights.  [default: the base's]",
        ),
        click.option("--base", metavar="NAME", help="Unquantized base, a folder or hub name, if the one here is not."),
        click.option("--force", is_flag=True, help="Replace an earlier export that is there."),
        json_output,
    )
    for option in reversed(options):
        function = option(function)
    return function


def write(request: ExportRequest, as_json: bool) -> None:
    """Do it with a bar, and tell of it; DocutuneError when the comparison failed."""
    from docutune.api import Workspace
    from docutune.cli.progress import RunView
    from docutune.errors import DocutuneError

    view = RunView()
    with view.showing(f"{request.exporter or 'merge'}:{request.model or 'newest model'}") as progress:
        done = Workspace.around().models.export(request, progress, view.note)
    if as_json:
        print_json(_facts(done))
    else:
        _tell(done)
    if done.parity.outcome == "failed":
        raise DocutuneError(
            f"{done.output}: does not answer as the model that it was made from: {_first(done.parity)}",
            f"{done.output / 'parity.json'} shows every difference; do not use it before you know why",
        )


def _facts(done: Exported) -> dict[str, Any]:
    from docutune.records import to_json

    parity = to_json(done.parity)
    assert isinstance(parity, dict)
    return {
        "model": done.model,
        "output": str(done.output),
        "bytes": done.bytes,
        "dtype": done.numbers,
        "parity": {
            **parity,
            "outcome": done.parity.outcome,
            "equal": done.parity.equal,
            "questions": done.parity.questions,
        },
        "advice": list(done.advice),
    }


def _tell(done: Exported) -> None:
    from docutune.model_registry.card import told

    click.echo(f"{done.output}: {done.model} in {done.numbers}, {readable(done.bytes)}")
    click.echo(f"  parity {done.parity.outcome}: {told(done.parity)}")
    for note in done.parity.notes:
        click.echo(f"  {note}")
    for item in done.parity.differences[:_SHOWN]:
        click.echo(f"  {item.cause}: {_short(item.question)}")
        click.echo(f"    source: {_short(item.source)}")
        click.echo(f"    result: {_short(item.result)}")
    if len(done.parity.differences) > _SHOWN:
        click.echo(f"  and {len(done.parity.differences) - _SHOWN} more, in parity.json")
    for line in done.advice:
        click.echo(f"  {line}")


def _first(parity: Parity) -> str:
    wrong = [item for item in parity.differences if item.cause != "tie"]
    what = "became another prompt" if wrong[0].cause == "prompt" else "got another answer"
    return f"{len(wrong)} of {parity.questions} questions differ; the first, {_short(wrong[0].question)!r}, {what}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
