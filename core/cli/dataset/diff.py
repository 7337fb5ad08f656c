"""`docutune dataset diff`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output, print_json
from docutune.cli.traced import plain

if TYPE_CHECKING:
    from docutune.corpus import Row
    from docutune.datasets.compare import Difference, What
    from docutune.datasets.diff import Diff, Explained

_WIDTH = 140
_MARKS: dict[What, str] = {"changed": "~", "removed": "-", "added": "+"}


@click.command()
@click.argument("before")
@click.argument("after", default="latest")
@click.option("--stat", is_flag=True, help="Only how many, and why.")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, help="How many of each; 0: all.")
@json_output
def diff(before: str, after: str, stat: bool, limit: int, as_json: bool) -> None:
    """Show what differs between two versions: samples that came, went or changed, each with its cause.

    Changed means: the same fact, with another text or in another split. BEFORE and AFTER, by default the newest run's
    version, are hashes or their first digits, tags, latest, or runs. Causes are found in the runs that made them.
    """
    from docutune.api import Workspace

    found = Workspace.find().datasets.diff(before, after)
    if as_json:
        print_json(found.stat() if stat else found.to_json())
        return
    for line in _head(found):
        click.echo(line)
    for what in () if stat else _MARKS:
        items = found.of(what)
        for item in items[: limit or None]:
            for line in _lines(item):
                click.echo(line)
        if limit and len(items) > limit:
            click.echo(f"\n... {len(items) - limit:,} more {what}: --limit 0 shows all")


def _head(found: Diff) -> Iterator[str]:
    for word, side in (("from", found.before), ("to", found.after)):
        run = f"run {side.run}" if side.run else "no run here made it"
        yield f"{word:<5} {side.version}  {side.samples:,} samples, {run}"
    if not found.found:
        yield "no difference"
        return
    counts = {what: len(found.of(what)) for what in ("added", "removed", "changed")}
    yield f"{', '.join(f'{count:,} {what}' for what, count in counts.items())}, {found.same:,} the same"
    for kind, count in found.causes.items():
        yield f"  {count:>6,}  {plain(kind)}"


def _lines(item: Explained) -> Iterator[str]:
    difference = item.difference
    row = difference.after or difference.before
    assert row is not None
    sample = row.made.sample
    yield ""
    yield f"{_MARKS[difference.what]} {sample.id}  {row.split or 'no split'}  {plain(sample.kind)}, {sample.language}"
    yield f"  why: {plain(str(item.cause))}"
    yield from _changed(difference) if difference.before and difference.after else _said(row)


def _changed(difference: Difference) -> Iterator[str]:
    """The messages that differ, those around the first difference."""
    before, after = difference.before, difference.after
    assert before is not None
    assert after is not None
    if _place(before) != _place(after):
        yield f"  split: {_place(before)} -> {_place(after)}"
    old, new = before.made.sample.messages, after.made.sample.messages
    if not difference.moved:
        yield f"  was {before.made.sample.id}"
    for place in range(max(len(old), len(new))):
        pair = [next(islice(messages, place, None), None) for messages in (old, new)]
        first, second = ("" if message is None else message.content for message in pair)
        role = next(message.role for message in pair if message is not None)
        if first != second:
            start = max(0, _common(first, second) - _WIDTH // 3)
            yield f"  - {role:<10} {_short(first, start)}"
            yield f"  + {role:<10} {_short(second, start)}"
        elif role == "user" and not difference.moved:
            yield f"    {role:<10} {_short(first)}"


def _said(row: Row) -> Iterator[str]:
    for message in row.made.sample.messages:
        yield f"    {message.role:<10} {_short(message.content)}"


def _place(row: Row) -> str:
    return (row.split or "no split") + (f" ({row.held_out})" if row.held_out else "")


def _common(first: str, second: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def _short(text: str, start: int = 0) -> str:
    line = plain(" ".join(text[start:].split()))
    shown = line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
    return f"...{shown}" if start else shown
