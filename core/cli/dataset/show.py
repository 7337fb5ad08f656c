"""`docutune dataset show`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from docutune.cli.options import json_output, print_json
from docutune.cli.traced import plain

if TYPE_CHECKING:
    from docutune.corpus import Row
    from docutune.datasets.api import Datasets
    from docutune.datasets.show import LeftOut, Shown
    from docutune.records import Split

_SHOWN = 5
_WIDTH = 160


@click.command()
@click.argument("version", default="latest")
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(("train", "validation", "test")), help="Only these."
)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only samples of this kind; may be repeated.")
@click.option("--symbol", metavar="NAME", help="Only samples that speak of this symbol, or of what is in it.")
@click.option("--sample", metavar="ID", help="One sample, whole, and where it comes from.")
@click.option("--random", "shuffled", is_flag=True, help="Samples by chance instead of by their ids.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="With --random: decides which.")
@click.option("--rejected", is_flag=True, help="What was left out before the dataset was made, and why.")
@click.option("--reason", metavar="TEXT", help="With --rejected: only those whose reason has this in it.")
@click.option("--limit", type=click.IntRange(0), help="How many; 0: all.  [default: 5; all with --rejected]")
@json_output
def show(version: str, rejected: bool, reason: str | None, limit: int | None, as_json: bool, **options: Any) -> None:
    """Show VERSION, by default the newest run's: its facts, then samples, or with --rejected what was left out.

    VERSION is a hash or its first digits, a tag, latest, or a run. What was left out is kept with the version as it
    was first made; where a run is named, or latest, it is that run's.
    """
    from docutune.api import Workspace

    _check(rejected, reason, options)
    datasets = Workspace.find().datasets
    if rejected:
        _show_left_out(datasets, version, reason, limit or None, as_json)
    else:
        _show_version(datasets, version, limit, as_json, **options)


def _check(rejected: bool, reason: str | None, options: Mapping[str, Any]) -> None:
    given = [name for name, value in options.items() if value]
    if reason is not None and not rejected:
        raise click.UsageError("--reason goes with --rejected")
    if rejected and given:
        raise click.UsageError("--rejected goes with --reason and --limit alone")


def _show_version(
    datasets: Datasets,
    version: str,
    limit: int | None,
    as_json: bool,
    splits: tuple[Split, ...],
    kinds: tuple[str, ...],
    symbol: str | None,
    sample: str | None,
    shuffled: bool,
    seed: int,
) -> None:
    from docutune.datasets.show import Wanted

    most = _SHOWN if limit is None else limit or None
    shown = datasets.show(version, Wanted(splits, kinds, symbol, sample, most, shuffled, seed))
    if as_json:
        print_json(_facts(shown))
        return
    lines = _whole(shown.rows[0]) if sample else (*_head(shown), *_samples(shown))
    for line in lines:
        click.echo(line)


def _facts(shown: Shown) -> dict[str, Any]:
    from docutune.corpus import row_fields
    from docutune.records import to_json

    facts, uses = shown.facts, shown.uses
    return {
        "version": facts.version,
        "named": shown.chosen.name,
        "project": facts.project,
        "made": facts.made.isoformat(),
        "samples": facts.samples,
        "left_out": facts.left_out,
        "facts": shown.distinct_facts,
        "kinds": dict(shown.kinds),
        "languages": dict(shown.languages),
        "rejected": dict(shown.rejected),
        "tags": list(uses.tags),
        "imported": to_json(uses.imported),
        "runs": list(uses.runs),
        "models": list(uses.models),
        "matching": shown.matching,
        "rows": [row_fields(row) for row in shown.rows],
    }


def _head(shown: Shown) -> Iterator[str]:
    facts, uses = shown.facts, shown.uses
    yield f"dataset version {facts.version} of {plain(facts.project)}, made {facts.made:%Y-%m-%d %H:%M} UTC"
    sizes = {**facts.samples, "of no split": facts.left_out}
    yield _field("samples", ", ".join(f"{count:,} {split}" for split, count in sizes.items() if count))
    yield _field("facts", f"{shown.distinct_facts:,}")
    yield _field("kinds", _counts(shown.kinds))
    yield _field("languages", _counts(shown.languages))
    if uses.tags:
        yield _field("tags", ", ".join(uses.tags))
    if uses.imported:
        yield _field("imported", f"from {plain(uses.imported.file)}, {uses.imported.time[:10]}")
    if uses.runs:
        yield _field("runs", f"{len(uses.runs):,}, newest {uses.runs[0]}")
    if uses.models:
        yield _field("models", ", ".join(uses.models))
    if shown.rejected:
        total = sum(shown.rejected.values())
        yield _field("left out", f"{total:,} before it was made: docutune dataset show {facts.version} --rejected")


def _samples(shown: Shown) -> Iterator[str]:
    for row in shown.rows:
        yield ""
        yield from _brief(row)
    rest = shown.matching - len(shown.rows)
    if rest:
        yield f"\n... {rest:,} more: --limit 0 shows all, --sample ID one of them whole"


def _brief(row: Row) -> Iterator[str]:
    sample = row.made.sample
    where = ", ".join(map(str, row.made.origin.spans[:2]))
    yield f"{sample.id}  {row.split or 'no split'}  {plain(sample.kind)}, {sample.language}  {plain(where)}"
    for message in sample.messages:
        yield f"  {message.role:<10} {_short(message.content)}"


def _whole(row: Row) -> Iterator[str]:
    sample, origin = row.made.sample, row.made.origin
    held = f" ({row.held_out})" if row.held_out else ""
    yield f"sample {sample.id}: {plain(sample.kind)}, {sample.language}, {row.split or 'of no split'}{held}"
    yield _field("fact", plain(sample.fact))
    yield _field("symbols", plain(", ".join(sample.symbols)) or "-")
    writer = f", written by {origin.model}" if origin.model else ""
    yield _field("made by", plain(f"{origin.producer}{writer}, task {origin.task[:16] or '-'}"))
    for span in origin.spans:
        yield _field("from", plain(str(span)))
    yield from _conversation([{"role": message.role, "content": message.content} for message in sample.messages])
    yield f"\nwhere it stands now: docutune trace {sample.id}"


def _conversation(messages: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for message in messages:
        yield f"\n[{message['role']}]"
        yield from (plain(line) for line in message["content"].split("\n"))


def _show_left_out(datasets: Datasets, version: str, reason: str | None, limit: int | None, as_json: bool) -> None:
    from docutune.records import to_json

    chosen = datasets.choose(version)
    found = datasets.left_out(version, reason)
    counts = Counter(item.kind for item in found)
    if as_json:
        items = [to_json(item) for item in found[:limit]]
        print_json(
            {"version": chosen.version, "run": chosen.run, "reasons": dict(counts.most_common()), "rejected": items}
        )
        return
    of = f"by run {chosen.run}" if chosen.run else "when it was first made"
    fitting = "" if reason is None else f" with {plain(reason)!r} in the reason"
    click.echo(f"{len(found):,} left out of version {chosen.version} {of}{fitting}")
    for kind, count in counts.most_common():
        click.echo(f"  {count:>6,}  {plain(kind)}")
    for item in found[:limit]:
        for line in _left_out(item):
            click.echo(line)
    if limit and len(found) > limit:
        click.echo(f"\n... {len(found) - limit:,} more: --limit 0 shows all")


def _left_out(item: LeftOut) -> Iterator[str]:
    yield f"\n{item.subject[:16]}  {plain(item.producer)}: {plain(item.reason)}"
    yield f"  {plain(', '.join(item.places)) or '-'}"
    messages = item.sample["messages"] if item.sample else ()
    for message in messages:
        yield f"  {message['role']:<10} {_short(message['content'])}"
    if not item.sample:
        yield "  (a task that gave no sample)"


def _counts(counts: Mapping[str, int]) -> str:
    return plain(", ".join(f"{count:,} {name}" for name, count in counts.items()))


def _field(name: str, text: str) -> str:
    return f"  {name:<10} {text}"


def _short(text: str) -> str:
    line = plain(" ".join(text.split()))
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
