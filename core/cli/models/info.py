"""`docutune models info`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from docutune.cli.clean import readable
from docutune.cli.models.facts import facts
from docutune.cli.options import json_output, print_json
from docutune.cli.traced import plain

if TYPE_CHECKING:
    from docutune.model_registry.listing import Listed
    from docutune.trace import ModelTrace

_SHOWN = 5
_TRAINING = ("samples", "left_out", "trainable_parameters", "loss", "eval_loss", "best_step", "best_eval_loss")


@click.command()
@click.argument("model", required=False)
@json_output
def info(model: str | None, as_json: bool) -> None:
    """Show all that is known of MODEL, by default the newest: base, data, options, figures, and where it comes from.

    MODEL is the name of a training or the beginning of a key, as docutune models list shows them.
    """
    from docutune.api import Workspace

    models = Workspace.find().models
    found = models.choose(model)
    lineage = models.lineage(found) if found.facts else None
    if as_json:
        print_json({**facts(found), **_more(found, lineage)})
        return
    for line in _lines(found, lineage):
        click.echo(plain(line))


def _more(model: Listed, lineage: ModelTrace | None) -> dict[str, Any]:
    return {
        "options": model.facts.get("options"),
        "training": model.facts.get("figures"),
        "documents": [item.source for item in lineage.documents] if lineage else [],
        "samples": dict(lineage.dataset.splits) if lineage else {},
    }


def _lines(model: Listed, lineage: ModelTrace | None) -> Iterator[str]:
    if not model.facts:
        yield f"{model.key}: damaged: {model.folder / 'model.json'} cannot be read; docutune run trains it again"
        return
    base = model.facts.get("base") or {}
    yield f"{model.name} {model.key}, {model.form}, {readable(model.bytes)}"
    yield f"  folder    {model.adapter}"
    yield f"  base      {base.get('name')} ({str(base.get('digest', ''))[:16]})"
    yield f"  trained   {model.made:%Y-%m-%d %H:%M} UTC by {model.facts.get('trainer')} in run {model.run}"
    yield f"  dataset   {model.dataset}{_samples(lineage)}"
    yield f"  runs      {', '.join(model.runs) or 'none names it: docutune clean would free it'}"
    yield from _figures(model)
    if lineage:
        sources = [item.source for item in lineage.documents]
        more = f" and {len(sources) - _SHOWN:,} more" if len(sources) > _SHOWN else ""
        yield f"  documents {', '.join(sources[:_SHOWN])}{more}"
        yield f"  docutune trace {model.key} lists all documents and samples"


def _samples(lineage: ModelTrace | None) -> str:
    if lineage is None:
        return ""
    return f": {', '.join(f'{count:,} {split}' for split, count in lineage.dataset.splits.items())}"


def _figures(model: Listed) -> Iterator[str]:
    training = model.facts.get("figures") or {}
    told = [f"{name.replace('_', ' ')} {_number(training[name])}" for name in _TRAINING if name in training]
    if told:
        yield f"  training  {', '.join(told)}"
    for evaluator, entries in model.figures.items():
        yield f"  {evaluator}, base against tuned"
        for item in entries:
            interval = f"difference {item['low']:+.3g} to {item['high']:+.3g}"
            yield f"    {item['metric']}: {item['base']:.3g} → {item['tuned']:.3g} ({interval}; {item['verdict']})"
    if not model.figures:
        yield "  figures   none: no run measured it (docutune eval does)"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) or value == int(value) else f"{value:.3g}"
