"""`docutune models merge`."""

from __future__ import annotations

from pathlib import Path

import click

from docutune.cli.models.written import write, written


@click.command()
@click.argument("model", required=False)
@written
def merge(
    model: str | None, output: Path | None, numbers: str | None, base: str | None, force: bool, as_json: bool
) -> None:
    """Merge MODEL's adapter, by default the newest's, into its base at full precision: one model of whole weights.

    Safetensors with tokenizer, chat template, generation config and a model card; never into quantized weights. In the
    end 20 questions go through source and result: when they are not answered alike the command fails, and says where.
    """
    from docutune.model_registry.exporting import ExportRequest

    write(ExportRequest(model, output=output, numbers=numbers, base=base, force=force), as_json)
