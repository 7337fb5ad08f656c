"""`docutune schema`."""

from __future__ import annotations

import click

from docutune.cli.options import print_json
from docutune.config import json_schema
from docutune.registry import Registry


@click.command()
def schema() -> None:
    """Print the JSON Schema of pipeline.yaml, with the options of every installed plugin.

    Save it (docutune schema > pipeline.schema.json) and start the pipeline file with the line
    `# yaml-language-server: $schema=pipeline.schema.json`: editors then complete and check it.
    """
    print_json(json_schema(Registry.load()))
