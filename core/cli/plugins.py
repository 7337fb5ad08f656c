"""`docutune plugins list` and `docutune plugins info`."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from docutune.cli.options import json_output, print_json
from docutune.config.fields import Option, options
from docutune.errors import PluginError, UsageError
from docutune.registry import Entry, Registry
from docutune.suggestions import did_you_mean

_LEAST_ROOM = 20  # columns
_MOST_COLUMN = 60  # a longer cell moves what follows in its own row alone


@click.group()
def plugins() -> None:
    """Show the installed plugins and their options."""


@plugins.command("list")
@json_output
def list_plugins(as_json: bool) -> None:
    """List every plugin: its kind, name, package and whether it can be used."""
    registry = Registry.load()
    if as_json:
        failed = [{"entry_point": item.entry_point, **_failure(item)} for item in registry.failed]
        print_json({"plugins": [_summary(entry) for entry in registry.entries], "failed": failed})
        return
    _print_table([_row(entry) for entry in registry.entries])
    for item in registry.failed:
        click.echo(f"failed: {item}\n  {item.hint}")


@plugins.command()
@click.argument("name")
@json_output
def info(name: str, as_json: bool) -> None:
    """Show a plugin's options, what it needs and whether it can be used."""
    entries = _find(Registry.load(), name)
    if as_json:
        print_json([_details(entry) for entry in entries])
        return
    for entry in entries:
        _show(entry)


def _find(registry: Registry, name: str) -> list[Entry]:
    found = [entry for entry in registry.entries if entry.name == name]
    if found:
        return found
    for item in registry.failed:
        if name == item.entry_point:
            raise PluginError(str(item), item.hint)
    names = sorted({entry.name for entry in registry.entries})
    raise UsageError(f"no plugin is called {name!r}{did_you_mean(name, names)}", f"installed: {', '.join(names)}")


def _failure(item: Any) -> dict[str, str]:
    return {"package": item.package, "version": item.version, "cause": item.cause, "hint": item.hint}


def _summary(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "name": entry.name,
        "summary": entry.registration.summary,
        "package": entry.package,
        "version": entry.version,
        "state": "ready" if not entry.missing else "incomplete",
        "missing": list(entry.missing),
        "install": entry.install if entry.missing else None,
    }


def _details(entry: Entry) -> dict[str, Any]:
    registration = entry.registration
    return {
        **_summary(entry),
        "revision": registration.revision,
        "requires": list(registration.requires),
        "suffixes": list(entry.suffixes),
        "options": [asdict(option) for option in options(entry.registration.config)],
    }


def _row(entry: Entry) -> tuple[str, ...]:
    state = "ready" if not entry.missing else f"needs {', '.join(entry.missing)}: {entry.install}"
    return entry.kind, entry.name, f"{entry.package} {entry.version}", state


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [min(max(map(len, column)), _MOST_COLUMN) for column in zip(*rows, strict=True)]
    for row in rows:
        left = "".join(f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths[:-1], strict=True))
        click.echo(_fitted(left, row[-1]))


def _fitted(left: str, text: str) -> str:
    """A row whose last column is broken at the terminal's width, or stands below the others; in a pipe one line."""
    width = shutil.get_terminal_size((0, 0)).columns
    room = width - len(left)
    if width == 0 or len(text) <= room:
        return left + text
    if room >= _LEAST_ROOM:
        return left + textwrap.fill(text, room).replace("\n", "\n" + " " * len(left))
    return f"{_filled(left.rstrip(), width, '')}\n{_filled(text, width, ' ' * 8)}"


def _filled(text: str, width: int, first: str) -> str:
    return textwrap.fill(text, max(width, _LEAST_ROOM), initial_indent=first, subsequent_indent=" " * 8)


def _show(entry: Entry) -> None:
    registration = entry.registration
    click.echo(f"{entry.kind} {entry.name}: {registration.summary}")
    _print_table(
        [
            ("  package", f"{entry.package} {entry.version}, revision {registration.revision}"),
            ("  needs", ", ".join(registration.requires) or "nothing else"),
            ("  state", entry.lacks() or "ready"),
            *([("  reads", ", ".join(entry.suffixes))] if entry.suffixes else []),
        ]
    )
    found = options(registration.config)
    click.echo("  options" if found else "  no options")
    _print_table([_option_row(option) for option in found])


def _option_row(option: Option) -> tuple[str, ...]:
    default = "required" if option.required else f"default {option.default}"
    kind = re.sub(r" >= (\S+) <= (\S+)", r" from \1 to \2", option.type)
    return f"    {option.name}", f"{kind}, {default}", option.description
