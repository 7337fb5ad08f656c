"""`docutune validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from docutune.api import RunRequest, Workspace
from docutune.cli.options import json_output, overrides, pipeline_file, print_json
from docutune.config import PipelineConfig
from docutune.errors import ConfigError


@click.command()
@pipeline_file
@overrides
@json_output
def validate(file: Path, overrides: tuple[str, ...], trainer: str | None, as_json: bool) -> int:
    """Check a pipeline file: every mistake at once, with its line."""
    try:
        config = Workspace.of(file).check(RunRequest(file, overrides, trainer))
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"file": str(file), "valid": False, "problems": [_problem(item) for item in error.problems]})
        return error.exit_code
    if as_json:
        print_json({"file": str(file), "valid": True, "problems": [], "notes": list(config.notes)})
    else:
        _show(file, config)
    return 0


def _show(file: Path, config: PipelineConfig) -> None:
    for note in config.notes:
        click.echo(f"note: {note}", err=True)
    counts = {"source": config.sources, "generator": config.generate, "training": config.train}
    parts = [f"{len(items)} {name}{'' if len(items) == 1 else 's'}" for name, items in counts.items()]
    parts += [f"dataset {config.dataset.version}"] if config.dataset else []
    click.echo(f"{file}: valid ({', '.join(parts)})")


def _problem(item: Any) -> dict[str, Any]:
    return {"file": item.file, "line": item.line, "key": item.key, "message": item.message}
