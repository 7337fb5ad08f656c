"""`docutune dataset import`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from docutune.cli.confirm import confirm
from docutune.cli.options import json_output, print_json, samples_for

if TYPE_CHECKING:
    from docutune.datasets.importing import Preview, Written
    from docutune.datasets.reading import Remark, SampleFile
    from docutune.records import Sample

_MOST_LISTED = 100
_SAMPLES = 3
_WIDTH = 100
_SHARE = click.FloatRange(0, 1, max_open=True)


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, path_type=Path))
@click.option("--question", metavar="NAME", help="Column or field of the question, if it has an unusual name.")
@click.option("--answer", metavar="NAME", help="Column or field of the answer.")
@click.option("--system-column", metavar="NAME", help="Column or field of the system prompt.")
@click.option("--system", metavar="TEXT", help="System prompt for every row that has none of its own.")
@click.option("--encoding", metavar="NAME", help="Encoding of the files; unset: found out.")
@click.option("--validation", type=_SHARE, default=0.1, show_default=True, help="Share for the validation loss.")
@click.option("--test", type=_SHARE, default=0.05, show_default=True, help="Share held out for the evaluation.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides which questions those are.")
@click.option("--to", type=click.Path(path_type=Path), help="File to add to.  [default: samples/imported.jsonl]")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and write nothing.")
@samples_for
@json_output
def import_files(
    files: tuple[Path, ...], pipeline: Path, yes: bool, dry_run: bool, as_json: bool, **options: Any
) -> None:
    """Add question-answer files to the samples of the pipeline.

    Each FILE (CSV, TSV, XLSX, JSON, JSON Lines, or a folder of such) is looked at and shown before anything is
    written. Rows and file names that say their split keep it; of the others the shares are held out by chance.
    Duplicates, and training rows that give away what is held out, are left out, listed, and kept in a file.
    An exported dataset version comes back as that version.
    """
    from docutune.api import Workspace
    from docutune.datasets.importing import ImportRequest

    if options["test"] + options["validation"] > 1:
        raise click.UsageError("--validation and --test together are more than all rows")
    importing = Workspace.of(pipeline).datasets.importing(pipeline)
    request = ImportRequest(files, **options)
    if not dry_run:
        importing.refuse_unwritable(request)
    preview = importing.preview(request)
    if not as_json:
        _show(preview)
    if dry_run or not (yes or _agreed(preview, as_json)):
        written = None
    else:
        written = importing.write(request, preview)
        preview = written.preview
    if as_json:
        print_json(_facts(preview, written))
    elif written is not None:
        _tell(written)
    else:
        click.echo("nothing was written")


def _agreed(preview: Preview, as_json: bool) -> bool:
    """Ask at the terminal; what adds nothing needs no word."""
    from docutune.errors import UsageError

    if as_json or sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at, and nothing was written", "--yes writes without asking")
    return not (preview.fresh or preview.exports) or confirm("Add them?", default=True)


def _show(preview: Preview) -> None:
    for item in preview.files:
        _show_file(item)
    for path in preview.exports:
        click.echo(f"{path}: an exported dataset version, which comes back as such")
    if preview.remarks:
        click.echo("\nTo look at:")
        _listed(list(preview.remarks))
    if preview.left_out:
        click.echo(f"\n{_rows(len(preview.left_out))} left out:")
        _listed(list(preview.left_out))
    click.echo()
    if preview.already:
        click.echo(f"{_rows(preview.already)} in files of the pipeline already")
    if preview.fresh:
        sizes = ", ".join(f"{count:,} {split}" for split, count in preview.sizes.items() if count)
        sizes = sizes or "no split, so `split:` of the pipeline decides"
        click.echo(f"{_rows(len(preview.fresh))} to add to {os.path.relpath(preview.target)}: {sizes}")
    elif preview.files:
        click.echo("nothing to add")


def _show_file(item: SampleFile) -> None:
    if item.trouble is not None:
        return
    facts = (item.parsed.shape, item.encoding, f"{_rows(item.rows)}")
    click.echo(f"{item.file.shown}: {', '.join(filter(None, facts))}; fields: {', '.join(item.parsed.fields)}")
    for given in item.parsed.samples[:_SAMPLES]:
        place = f"row {given.row}" if given.row else str(given.span.first_line)
        click.echo(f"  {place:>5}  {_clipped(given.sample)}")
    if item.parsed.unused:
        click.echo(f"  not used: {', '.join(item.parsed.unused)}")


def _clipped(sample: Sample) -> str:
    turns = (message.content for message in sample.messages if message.role != "system")
    parts = (" ".join(text.split()) for text in turns)
    return " → ".join(part if len(part) <= _WIDTH // 2 else f"{part[: _WIDTH // 2]}…" for part in parts)


def _listed(remarks: list[Remark]) -> None:
    for remark in remarks[:_MOST_LISTED]:
        click.echo(f"  {remark.where}: {remark.reason}")
    if len(remarks) > _MOST_LISTED:
        click.echo(f"  and {len(remarks) - _MOST_LISTED:,} more")


def _tell(written: Written) -> None:
    for line in _told(written):
        click.echo(line)


def _told(written: Written) -> Iterator[str]:
    preview = written.preview
    target = os.path.relpath(preview.target)
    for version in written.versions:
        yield f"dataset version {version.version} is back: docutune dataset list"
    if preview.fresh:
        yield f"added {_rows(len(preview.fresh))} to {target}"
    if written.kept is not None:
        yield f"what was left out is kept in {os.path.relpath(written.kept)}"
    yield from listing(written.listed, written.lines, preview.target)


def listing(listed: str, lines: tuple[str, ...], file: Path) -> Iterator[str]:
    """What became of the entry in `sources:`."""
    name = os.path.relpath(file)
    if listed == "added":
        yield f"the pipeline reads {name} now: added to its `sources:`"
    elif listed == "by hand":
        yield f"the pipeline does not read {name} yet; write in its file:"
        yield from lines
    elif not listed and file.exists():
        yield "docutune init --template qa makes a pipeline of it"


def _facts(preview: Preview, written: Written | None) -> dict[str, Any]:
    files = [
        {
            "file": item.file.shown,
            "shape": item.parsed.shape,
            "encoding": item.encoding,
            "fields": list(item.parsed.fields),
            "not_used": list(item.parsed.unused),
            "rows": item.rows,
        }
        for item in preview.files
    ]
    facts: dict[str, Any] = {
        "files": files,
        "to": os.path.relpath(preview.target),
        "add": preview.sizes | {"none": sum(item.split is None for item in preview.fresh)},
        "already": preview.already,
        "left_out": [item.facts() for item in preview.left_out],
        "remarks": [item.facts() for item in preview.remarks],
        "written": written is not None,
    }
    if written is not None:
        facts["kept"] = os.path.relpath(written.kept) if written.kept else None
        facts["listed"], facts["lines"] = written.listed, list(written.lines)
        facts["versions"] = [version.version for version in written.versions]
    return facts


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
