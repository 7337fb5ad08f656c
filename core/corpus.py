"""Samples become a dataset version: splits by fact and by symbol, a version that is the hash of what it holds."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, get_args

from docutune.records import JsonValue, Made, Origin, Sample, Split, fingerprint, from_json, to_json
from docutune.wording import ALIKE, asked, blocks, jaccard, pairs

HeldOut = Literal["rephrased", "unseen", "given", "random"]
Mark: TypeAlias = "tuple[Split | None, HeldOut | None]"
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
DESCRIPTION = "dataset.json"
ROWS = "samples.jsonl"
_BESIDE = ("id", "split", "held_out", "origin")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")


class SplitOptions(Protocol):
    """What `split:` says: shares between 0 and 1, and the seed that decides what falls where."""

    @property
    def rephrased(self) -> float:
        """Share of the facts of which one phrasing is held out for the test."""

    @property
    def unseen_symbols(self) -> float:
        """Share of the symbols that no training sample may name."""

    @property
    def validation(self) -> float:
        """Share of the facts of which one more phrasing is held out for the validation loss."""

    @property
    def test(self) -> float:
        """Share of the ready-made samples that is held out for the test, unless their files say which."""

    @property
    def seed(self) -> int:
        """Decides which."""


@dataclass(frozen=True, slots=True)
class Row:
    """A sample in a dataset version. `split` None: left out of it, because it names an unseen symbol."""

    made: Made
    split: Split | None
    held_out: HeldOut | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset version: rows in the order of their ids, which is as good as shuffled."""

    version: str
    rows: tuple[Row, ...]

    def of(self, split: Split) -> tuple[Made, ...]:
        """The samples of one split."""
        return tuple(row.made for row in self.rows if row.split == split)


def assemble(
    samples: Iterable[Made], options: SplitOptions, given: Mapping[str, Split | None] | None = None
) -> Dataset:
    """Split the samples. Which fact or symbol is held out depends on its own name and the seed alone, so that adding
    one fact moves no other.

    `given` holds the ids of ready-made samples with the split that their file gives them, None where it gives none.
    """
    made = dict(sorted({item.sample.id: item for item in samples}.items()))
    ready = {name: split for name, split in (given or {}).items() if name in made}
    unseen = _chosen(_symbols(item.sample for item in made.values()), options.unseen_symbols, options.seed, "symbol")
    seen: dict[tuple[str, str], list[str]] = defaultdict(list)
    hidden: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, item in made.items():
        if name not in ready:
            group = hidden if unseen and names(item.sample) & unseen else seen
            group[(item.sample.fact, item.sample.language)].append(name)
    marks: dict[str, Mark] = {}
    for members in hidden.values():
        marks.update(dict.fromkeys(members, (None, None)))
        marks[members[0]] = ("test", "unseen")
    phrasings = {key: [made[name].sample for name in members] for key, members in seen.items()}
    marks.update(_rephrased(phrasings, options))
    marks.update(_ready_made({name: made[name].sample for name in ready}, ready, unseen, options))
    rows = tuple(Row(item, *marks.get(name, ("train", None))) for name, item in made.items())
    return Dataset(version_of(rows), rows)


def with_replay(dataset: Dataset, groups: Iterable[tuple[float, Sequence[Made]]], options: SplitOptions) -> Dataset:
    """The dataset with training samples of other data: the first of each group, as many as its share of the training
    samples of `dataset`. None asks what is held out, or names a symbol that is unseen in training.
    """
    held = {row.made.sample.fact for row in dataset.rows if row.split in ("validation", "test")}
    symbols = _symbols(row.made.sample for row in dataset.rows)
    unseen = _chosen(symbols, options.unseen_symbols, options.seed, "symbol")
    trained = len(dataset.of("train"))
    rows = {row.made.sample.id: row for row in dataset.rows}
    for share, samples in groups:
        fitting = (made for made in samples if made.sample.fact not in held and not names(made.sample) & unseen)
        chosen = itertools.islice(fitting, round(share * trained))
        rows.update((made.sample.id, Row(made, "train")) for made in chosen)
    ordered = tuple(row for _, row in sorted(rows.items()))
    return Dataset(version_of(ordered), ordered)


def _ready_made(
    samples: Mapping[str, Sample], given: Mapping[str, Split | None], unseen: Set[str], options: SplitOptions
) -> Iterator[tuple[str, Mark]]:
    """Splits as the files say. A row of which they say nothing goes with a held-out row about the same fact, and else,
    fact by fact, by chance: into a split that no file names.
    """
    order: tuple[Split, ...] = ("validation", "test")
    held = {samples[name].fact: split for wanted in order for name, split in given.items() if split == wanted}
    free = sorted({samples[name].fact for name, split in given.items() if split is None} - held.keys())
    drawn: dict[str, Split] = {}
    draws: tuple[tuple[Split, float], ...] = (("test", options.test), ("validation", options.validation))
    for drawn_split, share in draws:
        rest = [fact for fact in free if fact not in drawn]
        if drawn_split not in given.values() and len(rest) > 1:  # one fact at least is trained on
            drawn.update(dict.fromkeys(_chosen(rest, share, options.seed, f"ready-made {drawn_split}"), drawn_split))
    for name, sample in samples.items():
        split = given[name] or held.get(sample.fact) or drawn.get(sample.fact)
        if split != "test" and names(sample) & unseen:
            yield name, (None, None)
        elif split in ("test", "validation"):
            yield name, (split, "random" if sample.fact in drawn and not given[name] else "given")


def _rephrased(groups: Mapping[tuple[str, str], Sequence[Sample]], options: SplitOptions) -> dict[str, Mark]:
    """Hold out whole phrasings; a fact always keeps one phrasing to train on. The ids are sorted, thus arbitrary."""
    apart = {key: _apart(members) for key, members in groups.items()}
    facts = sorted({fact for (fact, _), spare in apart.items() if spare})
    tested = _chosen(facts, options.rephrased, options.seed, "rephrased")
    validated = _chosen(facts, options.validation, options.seed, "validation")
    marks: dict[str, Mark] = {}
    for (fact, _), spare in apart.items():
        if fact in tested and spare:
            marks[spare.pop().id] = ("test", "rephrased")
        if fact in validated and spare:
            marks[spare.pop().id] = ("validation", "rephrased")
    return marks


def _apart(phrasings: Sequence[Sample]) -> list[Sample]:
    """The phrasings but the first that ask in words of their own.

    Whoever was trained on one wording around a piece of code was asked about that code: another wording tests nothing.
    """
    if len(phrasings) < 2:
        return []
    texts = [asked(sample) for sample in phrasings]
    words, code = [pairs(text) for text in texts], [blocks(text) for text in texts]

    def same(one: int, two: int) -> bool:
        return one != two and (bool(code[one] & code[two]) or jaccard(words[one], words[two]) >= ALIKE)

    places = range(len(phrasings))
    return [phrasings[one] for one in places[1:] if not any(same(one, two) for two in places)]


def names(sample: Sample) -> set[str]:
    """Every symbol that a sample names: those it declares and every dotted name in its text."""
    text = "\n".join(message.content for message in sample.messages)
    return set(sample.symbols) | set(_DOTTED.findall(text))


def _symbols(samples: Iterable[Sample]) -> list[str]:
    return sorted({symbol for sample in samples for symbol in sample.symbols})


def _chosen(candidates: Sequence[str], share: float, seed: int, purpose: str) -> set[str]:
    if share <= 0 or not candidates:
        return set()
    place = {name: _place(name, seed, purpose) for name in candidates}
    return {name for name in candidates if place[name] < share} or {min(candidates, key=place.__getitem__)}


def _place(name: str, seed: int, purpose: str) -> float:
    """A fixed place in [0, 1) for a name."""
    digest = hashlib.sha256(f"{purpose}\0{seed}\0{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_files(dataset: Dataset) -> dict[str, str]:
    """The content of train.jsonl, validation.jsonl and test.jsonl; a line is a sample with its id, without origin."""
    return {
        f"{split}.jsonl": "".join(
            json.dumps({"id": made.sample.id, **_fields(made.sample)}, ensure_ascii=False) + "\n"
            for made in dataset.of(split)
        )
        for split in SPLITS
    }


def described(dataset: Dataset, project: str) -> dict[str, JsonValue]:
    """What dataset.json beside the splits says, for whoever finds the folder elsewhere."""
    return {
        "version": dataset.version,
        "project": project,
        "samples": {split: len(dataset.of(split)) for split in SPLITS},
        "left_out": sum(row.split is None for row in dataset.rows),
        "origins": (
            "samples.jsonl holds every sample with file and lines as they were when this version was first made; "
            "in the workspace of the project, `docutune trace ID` shows where a sample is now"
        ),
    }


def row_fields(row: Row) -> dict[str, Any]:
    """All that samples.jsonl says of a row."""
    return {
        "id": row.made.sample.id,
        "split": row.split,
        "held_out": row.held_out,
        **_fields(row.made.sample),
        "origin": to_json(row.made.origin),
    }


def row_lines(dataset: Dataset) -> str:
    """The content of samples.jsonl: every row with its split and its origin, one JSON object a line."""
    return "".join(f"{json.dumps(row_fields(row), ensure_ascii=False)}\n" for row in dataset.rows)


def row_of(value: Mapping[str, Any]) -> Row:
    """The row whose line in samples.jsonl this is; ValueError where it is none, or was changed since."""
    fields = {name: item for name, item in value.items() if name not in _BESIDE}
    sample = from_json(Sample, fields)
    if value.get("id") != sample.id:
        raise ValueError(f"the sample's content does not fit its id {value.get('id')!r}")
    if value["split"] not in (None, *SPLITS):
        raise ValueError(f"no split is called {value['split']!r}")
    if value["held_out"] not in (None, *get_args(HeldOut)):
        raise ValueError(f"nothing is held out for being {value['held_out']!r}")
    return Row(Made(sample, from_json(Origin, value["origin"])), value["split"], value["held_out"])


def version_of(rows: Iterable[Row]) -> str:
    """16 hexadecimal digits of the SHA-256 of the samples' identities and splits, rows in the order of their ids."""
    return fingerprint([[row.made.sample.id, row.split, row.held_out] for row in rows])[:16]


def _fields(sample: Sample) -> dict[str, object]:
    """Every field, defaults too: these files are read by others."""
    messages = [{"role": message.role, "content": message.content} for message in sample.messages]
    return {
        "messages": messages,
        "kind": sample.kind,
        "fact": sample.fact,
        "symbols": list(sample.symbols),
        "language": sample.language,
    }
