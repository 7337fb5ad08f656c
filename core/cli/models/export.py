"""`docutune models export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from docutune.cli.models.written import write, written


@click.command()
@click.argument("model", required=False)
@click.option("--format", "exporter", required=True, metavar="NAME", help="safetensors, ollama, gguf, or a plugin's.")
@click.option("--set", "given", metavar="KEY=VALUE", multiple=True, help="An option of the exporter; may be repeated.")
@written
def export(
    model: str | None,
    exporter: str,
    given: tuple[str, ...],
    output: Path | None,
    numbers: str | None,
    base: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write MODEL, by default the newest, in the form of another tool: merged first, compared with its source after.

    docutune plugins info NAME shows the options of an exporter. When result and source do not answer 20 questions alike
    the command fails, and says where; the comparison is kept in parity.json beside the result.
    """
    from docutune.model_registry.exporting import ExportRequest

    write(ExportRequest(model, exporter, _options(given), output, numbers, base, force), as_json)


def _options(given: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE texts, the value as YAML reads it."""
    import yaml

    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.UsageError(f"--set {text}: expected KEY=VALUE")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            found[key] = value
    return found
