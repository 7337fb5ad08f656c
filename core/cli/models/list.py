"""`docutune models list`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from docutune.cli.clean import readable
from docutune.cli.models.facts import facts
from docutune.cli.options import json_output, print_json
from docutune.cli.traced import plain

if TYPE_CHECKING:
    from docutune.model_registry.listing import Listed


@click.command("list")
@json_output
def list_models(as_json: bool) -> None:
    """List the trained models of this workspace, the newest first, with their figures: base against tuned."""
    from docutune.api import Workspace

    found = Workspace.find().models.list()
    if as_json:
        print_json([facts(model) for model in found])
        return
    for model in found:
        for line in _lines(model):
            click.echo(plain(line))
    if not found:
        click.echo("no trained model yet: docutune run trains one")


def _lines(model: Listed) -> Iterator[str]:
    if not model.facts:
        yield f"{model.key}  damaged: model.json cannot be read; docutune run trains it again"
        return
    yield f"{model.name}  {model.key}  {model.made:%Y-%m-%d %H:%M}  {model.form}, {readable(model.bytes)}"
    yield f"    on {model.base}, dataset {model.dataset}"
    for evaluator, entries in model.figures.items():
        shown = ", ".join(f"{item['metric']} {item['base']:.3g} → {item['tuned']:.3g}" for item in entries)
        yield f"    {evaluator}: {shown}"
    if model.runs:
        more = f" and {len(model.runs) - 1:,} more" if len(model.runs) > 1 else ""
        yield f"    run {model.runs[0]}{more}"
    else:
        yield "    named by no run: docutune clean would free it"
