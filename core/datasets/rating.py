"""Walking a person through samples or answers: what there is to judge, in which order, and what was said of it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from docutune import versions
from docutune.errors import DocutuneError, UsageError
from docutune.rated import Rating, Verdict
from docutune.ratings import Ratings
from docutune.records import Answer, JsonValue, Message, Split, fingerprint, from_json
from docutune.version_names import resolve
from docutune.workspace import Store, read_manifest

_SHORT = 16


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to judge. For a sample the messages are all of it; for answers they end with the question.

    `expected` and `sides` are there for answers alone: what the dataset says, and both answers with who gave them, in
    an order that tells nothing.
    """

    subject: Literal["sample", "answers"]
    id: str
    sample: str
    kind: str
    split: str
    messages: tuple[Message, ...]
    sources: tuple[str, ...] = ()
    expected: str = ""
    sides: tuple[tuple[Literal["base", "tuned"], str], ...] = ()
    model: str | None = None

    @property
    def question(self) -> str:
        """What the user says first."""
        return next((message.content for message in self.messages if message.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Walk:
    """Which things to walk through; `seed` decides the order. `run` is the one whose answers are meant, by default
    the newest that measured a model.
    """

    split: Split | None = None
    kind: str | None = None
    seed: int = 0
    run: str | None = None


@dataclass
class Sitting:
    """Somebody going through things: every verdict is kept at once, so that the next sitting goes on there."""

    items: Sequence[Item]
    book: Ratings
    rater: str | None = None
    limit: int | None = None
    _given: dict[str, Rating] = field(default_factory=dict)
    _back: Item | None = None
    _new: int = 0

    def __post_init__(self) -> None:
        ids = {item.id for item in self.items}
        own = (rating for rating in self.book.all() if rating.rater == self.rater and rating.id in ids)
        self._given = {rating.id: rating for rating in own}

    @property
    def done(self) -> int:
        """Things that were judged or passed over, in this sitting or before."""
        return sum(rating.verdict is not None for rating in self._given.values())

    @property
    def current(self) -> Item | None:
        """The thing to judge now; None at the end, or at the limit of this sitting."""
        if self.limit is not None and self._new >= self.limit:
            return None
        if self._back is not None:
            return self._back
        return next((item for item in self.items if self._verdict(item) is None), None)

    def noted(self, item: Item) -> str:
        """What was noted of a thing."""
        return self._given[item.id].note if item.id in self._given else ""

    def give(self, verdict: Verdict, note: str = "") -> None:
        """Judge the current thing."""
        item = self._now()
        self._keep(replace(self._rating(item), verdict=verdict, note=note or self.noted(item)))
        self._new += 1
        self._back = None

    def note(self, text: str) -> None:
        """Note something of the current thing, beside its verdict."""
        item = self._now()
        self._keep(replace(self._rating(item), verdict=self._verdict(item), note=text))

    def undo(self) -> Item | None:
        """Take the last verdict back, be it of an earlier sitting; its thing comes again. None: there was none."""
        last = next((rating for rating in reversed(self._given.values()) if rating.verdict is not None), None)
        if last is None:
            return None
        self.book.take_back(last)
        del self._given[last.id]
        if last.note:
            self._keep(replace(last, verdict=None))
        self._back = next(item for item in self.items if item.id == last.id)
        self._new -= 1
        return self._back

    def _now(self) -> Item:
        item = self.current
        assert item is not None, "there is nothing to judge any more"
        return item

    def _verdict(self, item: Item) -> Verdict | None:
        return self._given[item.id].verdict if item.id in self._given else None

    def _rating(self, item: Item) -> Rating:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        known = (item.subject, item.id, item.sample, item.kind, item.question)
        return Rating(time, *known, rater=self.rater, model=item.model)

    def _keep(self, rating: Rating) -> None:
        self.book.put(rating)
        self._given.pop(rating.id, None)
        self._given[rating.id] = rating


def samples(store: Store, version: str, walk: Walk) -> list[Item]:
    """The samples of a version, those in no split apart."""
    dataset = versions.read(store, resolve(store, version).version)
    found = (
        Item(
            "sample",
            row.made.sample.id,
            row.made.sample.id,
            row.made.sample.kind,
            row.split,
            row.made.sample.messages,
            tuple(map(str, row.made.origin.spans)),
        )
        for row in dataset.rows
        if row.split is not None
    )
    return _ordered(found, walk)


def answers(store: Store, model: str | None, walk: Walk) -> list[Item]:
    """Both answers to every held-out question of an evaluation, of that model where one is named.

    Where both are the same there is nothing to judge.
    """
    manifest, entry, key = _evaluation(store, model, walk.run)
    value = store.recall("results", key)
    if value is None:
        raise DocutuneError(f"the answers of {entry['name']} are gone", "docutune eval asks again")
    said = _by_question(from_json(Answer, item) for item in value["answers"])
    rows = {made.sample.id: made for made in versions.read(store, manifest["dataset"]).of("test")}
    found = (
        _pair(entry["name"], entry["key"], rows[probe].sample.messages, rows[probe].sample.kind, probe, sides, walk)
        for probe, sides in said.items()
        if probe in rows and len(sides) == 2 and sides["base"].strip() != sides["tuned"].strip()
    )
    return _ordered(found, walk)


def answer_ids(key: str, answers: Iterable[Answer]) -> set[str]:
    """The ids under which both answers of the model with that key to each question are judged."""
    said = _by_question(answers).items()
    return {_own_id(key, probe, sides) for probe, sides in said if len(sides) == 2}


def _by_question(answers: Iterable[Answer]) -> dict[str, dict[str, str]]:
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for answer in answers:
        said[answer.probe][answer.variant] = answer.text
    return said


def _own_id(key: str, probe: str, said: Mapping[str, str]) -> str:
    return fingerprint([key, probe, said["base"], said["tuned"]])[:_SHORT]


def _pair(
    name: str, key: str, messages: Sequence[Message], kind: str, probe: str, said: Mapping[str, str], walk: Walk
) -> Item:
    own = _own_id(key, probe, said)
    order: list[Literal["base", "tuned"]] = ["base", "tuned"]
    if _place(own, walk.seed, "sides") % 2:
        order.reverse()
    sides = tuple((side, said[side]) for side in order)
    asked = tuple(messages[:-1]) if messages and messages[-1].role == "assistant" else tuple(messages)
    expected = messages[-1].content if len(asked) < len(messages) else ""
    return Item("answers", own, probe, kind, "test", asked, expected=expected, sides=sides, model=name)


def _evaluation(store: Store, model: str | None, wanted: str | None) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The manifest of the newest run that measured the model, what it says of the model, and the key of the answers."""
    names: set[str] = set()
    for run in reversed(store.runs()):
        if wanted not in (None, run.name):
            continue
        try:
            manifest = read_manifest(run)
        except DocutuneError:
            continue  # killed before its first manifest
        keys = {step["name"]: step["key"] for step in manifest["steps"] if step["status"] in ("made", "reused")}
        for entry in manifest.get("models", ()):
            key = keys.get(f"evaluate:{entry['name']}")
            if key and model in (None, entry["name"]):
                return manifest, entry, key
            names |= {entry["name"]} if key else set()
    if names:
        raise UsageError(f"there is no measured model {model!r}", f"there are: {', '.join(sorted(names))}")
    raise UsageError(f"{store.folder}: no model has been measured yet", "docutune run trains one and asks it")


def _ordered(items: Iterable[Item], walk: Walk) -> list[Item]:
    """In an order of their own: one that is added moves no other."""
    chosen = [item for item in items if walk.kind in (None, item.kind) and walk.split in (None, item.split)]
    return sorted(chosen, key=lambda item: _place(item.id, walk.seed, "order"))


def _place(name: str, seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{purpose}\0{seed}\0{name}".encode()).digest()[:8], "big")


def summary(items: Sequence[Item], ratings: Iterable[Rating]) -> dict[str, JsonValue]:
    """How many things there are and how they were judged, in all and by kind, by everybody together."""
    ids = {item.id for item in items}
    given = [rating for rating in ratings if rating.id in ids and rating.verdict is not None]
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for rating in given:
        kinds[rating.kind][str(rating.verdict)] += 1
    subject = items[0].subject if items else "sample"
    verdicts = ("good", "bad", "skip") if subject == "sample" else ("tuned", "base", "same", "neither", "skip")
    totals = Counter(str(rating.verdict) for rating in given)
    return {
        "subject": subject,
        "things": len(ids),
        "rated": len({rating.id for rating in given}),
        "notes": sum(bool(rating.note) for rating in given),
        **{verdict: totals[verdict] for verdict in verdicts},
        "by_kind": {kind: {verdict: found[verdict] for verdict in verdicts} for kind, found in sorted(kinds.items())},
    }
