"""Arguments and options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def pipeline_file(function: Function) -> Function:
    """Pass `file`: the pipeline file that was named, or pipeline.yaml of this folder or the nearest one above."""
    argument = click.argument("file", required=False, type=click.Path(path_type=Path), callback=_find)
    return argument(function)


def samples_for(function: Function) -> Function:
    """Pass `pipeline`: the pipeline file whose samples are meant, by default the nearest; it need not be there."""
    return click.option(
        "--pipeline",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_nearest,
        help="Pipeline file.  [default: pipeline.yaml here or in the nearest folder above]",
    )(function)


def overrides(function: Function) -> Function:
    """Pass `overrides` (a tuple of KEY=VALUE texts) and `trainer` (a name or None)."""
    function = click.option("--trainer", metavar="NAME", help="Train with this plugin instead of the file's.")(function)
    return click.option(
        "--set",
        "overrides",
        metavar="KEY=VALUE",
        multiple=True,
        help="Change a value of the file, such as train[0].with.max_steps=10; may be repeated.",
    )(function)


def json_output(function: Function) -> Function:
    """Pass `as_json`: whether the answer is for a program."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def print_json(value: object) -> None:
    """Print a value as JSON for people and programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _nearest(context: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
    if value is not None or context.resilient_parsing:
        return value
    from docutune.config import find_pipeline
    from docutune.config.load import PIPELINE_FILE
    from docutune.errors import UsageError

    try:
        return find_pipeline(Path())
    except UsageError:
        return Path(PIPELINE_FILE)


def _find(context: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
    if value is not None or context.resilient_parsing:
        return value
    from docutune.config import find_pipeline

    return find_pipeline(Path())
