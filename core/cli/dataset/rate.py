"""`docutune dataset rate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from docutune.cli.options import json_output, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docutune.cli.keys import Keys
    from docutune.datasets.api import Datasets
    from docutune.datasets.rating import Item, Sitting
    from docutune.rated import Verdict
    from docutune.records import Split

_ANY = ""
_OF_SAMPLES: Mapping[str, Verdict] = {"g": "good", "b": "bad", "s": "skip"}
_OF_ANSWERS: Mapping[str, Verdict] = {"=": "same", "0": "neither", "s": "skip"}
_SIDES = ("1", "2")
_WORDS = {"good": "g", "bad": "b", "skip": "s", "same": "=", "note": "n", "undo": "u", "quit": "q"}
_HELP_SAMPLES = "g good   b bad   s skip   n note   u undo   q quit"
_HELP_ANSWERS = "1 the first is better   2 the second   = as good   0 both bad   s skip   n note   u undo   q quit"


@click.command("rate")
@click.argument("version", required=False)
@click.option(
    "--answers",
    metavar="[MODEL]",
    is_flag=False,
    flag_value=_ANY,
    help="Judge answers instead: base against tuned, of the newest evaluation, without telling which is which.",
)
@click.option("--split", type=click.Choice(["train", "validation", "test"]), help="Only samples of this split.")
@click.option("--kind", help="Only samples of this kind.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Decides the order.")
@click.option("--rater", metavar="NAME", help="Who judges; everybody goes through all of it on their own.")
@click.option(
    "--export",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all ratings of samples, or with --answers of answers, into a JSON Lines file; judge nothing.",
)
@json_output
def rate(
    version: str | None,
    answers: str | None,
    split: Split | None,
    kind: str | None,
    limit: int | None,
    seed: int,
    rater: str | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Judge the samples of a VERSION, by default the newest run's, or a model's answers, one by one.

    Each verdict is kept at once: Ctrl-C loses none, and the same command goes on there. Without a terminal, a line of
    standard input is a key, and what follows it a note ("b wrong default"). --json prints what was judged so far.
    """
    from docutune.api import Workspace
    from docutune.datasets.rating import Sitting, Walk, summary

    if version is not None and answers is not None:
        raise click.UsageError("a VERSION has samples; --answers are of a model")
    datasets = Workspace.find().datasets
    if file is not None:
        _export(datasets, file, "sample" if answers is None else "answers")
        return
    walk = Walk(split, kind, seed)
    if answers is None:
        items = datasets.samples_to_rate(version or "latest", walk)
    else:
        items = datasets.answers_to_rate(answers or None, walk)
    _check(items, walk.kind, answers is not None)
    if not as_json:
        _walk(Sitting(items, datasets.ratings, rater, limit))
    told = summary(items, datasets.ratings.all())
    print_json(told) if as_json else _show_summary(told)


def _check(items: Sequence[Item], kind: str | None, answers: bool) -> None:
    from docutune.errors import UsageError

    if not items:
        what = "answers that differ" if answers else "samples"
        raise UsageError(f"there are no {what}{f' of kind {kind!r}' if kind else ''} to judge here")


def _export(datasets: Datasets, file: Path, subject: str) -> None:
    from docutune.rated import export

    count = export((rating for rating in datasets.ratings.all() if rating.subject == subject), file)
    click.echo(f"{file}: {count:,} rating{'' if count == 1 else 's'}")
    if subject == "sample":
        click.echo(f"a pipeline with `ratings: {file}` leaves out what was called bad")


def _walk(sitting: Sitting) -> None:
    from docutune.cli.keys import Keys
    from docutune.errors import Cancelled

    keys = Keys()
    click.echo(_help(sitting))
    try:
        with keys.reading():
            while (item := sitting.current) is not None:
                _show(item, sitting)
                if not _judged(item, sitting, keys):
                    return
    except KeyboardInterrupt:
        raise Cancelled("stopped: every verdict is kept", "the same command goes on there") from None


def _judged(item: Item, sitting: Sitting, keys: Keys) -> bool:
    """Read keys until the item is judged, or another one is to be shown; False at the end."""
    while (pressed := keys.next()) is not None:
        key, rest = _WORDS.get(pressed[0].lower(), pressed[0].lower()), pressed[1]
        verdict = _verdict(item, key)
        if verdict is not None:
            sitting.give(verdict, rest)
            click.echo(f"  {_told(item, key, verdict)}")
            return True
        if key == "q":
            return False
        if key == "u":
            click.echo("  taken back" if sitting.undo() else "  there is nothing to take back")
            return True
        if key == "n":
            _note(sitting, keys, rest)
        else:
            _unknown(key, sitting, keys)
    return False


def _verdict(item: Item, key: str) -> Verdict | None:
    if item.subject == "sample":
        return _OF_SAMPLES.get(key)
    return item.sides[_SIDES.index(key)][0] if key in _SIDES else _OF_ANSWERS.get(key)


def _told(item: Item, key: str, verdict: Verdict) -> str:
    """What was said, without telling which answer is whose."""
    if item.subject == "answers" and key in _SIDES:
        return "the first is better" if key == "1" else "the second is better"
    return verdict


def _note(sitting: Sitting, keys: Keys, rest: str) -> None:
    text = rest or (keys.text("  note: ") if keys.single else "")
    if text:
        sitting.note(text)
    click.echo("  noted" if text else "  no note")


def _unknown(key: str, sitting: Sitting, keys: Keys) -> None:
    """On a terminal a wrong key is nothing; in a script it is a mistake."""
    from docutune.errors import UsageError

    if not keys.single:
        raise UsageError(f"{key!r} is no key", f"{_help(sitting)}; what came before it is kept")
    if key:
        click.echo(f"  {_help(sitting)}")


def _help(sitting: Sitting) -> str:
    return _HELP_SAMPLES if sitting.items[0].subject == "sample" else _HELP_ANSWERS


def _show(item: Item, sitting: Sitting) -> None:
    place = f"{sitting.done + 1:,}/{len(sitting.items):,}"
    click.echo(f"\n── {place} · {item.kind} · {item.split} · {item.sample} ──")
    for message in item.messages:
        click.echo(f"{_heading(message.role)}\n{_indented(message.content)}")
    for number, (_, text) in enumerate(item.sides, start=1):
        click.echo(f"{_heading(f'answer {number}')}\n{_indented(text or '(empty answer)')}")
    if item.expected:
        click.echo(f"{_heading('expected')}\n{_indented(item.expected)}")
    if item.sources:
        click.echo(f"from {', '.join(item.sources)}")
    if note := sitting.noted(item):
        click.echo(f"note: {note}")


def _heading(text: str) -> str:
    return click.style(text, bold=True)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _show_summary(told: Mapping[str, object]) -> None:
    verdicts = [name for name in ("good", "bad", "tuned", "base", "same", "neither", "skip") if name in told]
    counts = ", ".join(f"{told[name]} {_NAMES.get(name, name)}" for name in verdicts)
    click.echo(f"\n{told['rated']} of {told['things']} judged: {counts}")
    if told.get("bad"):
        click.echo(
            "to leave the bad ones out: docutune dataset rate --export ratings.jsonl, and `ratings: ratings.jsonl`"
        )


_NAMES = {
    "tuned": "for the tuned model",
    "base": "for the base",
    "same": "as good as each other",
    "neither": "where both are bad",
    "skip": "passed over",
}
