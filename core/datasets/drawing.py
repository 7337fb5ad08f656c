"""Which rows are held out of those whose files say nothing of it: whole questions at a time, by chance and seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from docutune.records import Made, Split

_ENOUGH = 5


def drawn(
    new: Sequence[Made], old: Sequence[Made], validation: float, test: float, seed: int
) -> dict[str, Split | None]:
    """The split of each new sample by id: its own, that of a held-out row with the same question, or by chance.

    Shares count the questions without a split; there is one at least for a split that no row has, of five questions
    or more. With both shares 0 they keep none, and `split:` of the pipeline decides.
    """
    held = {made.sample.fact: made.split for made in (*old, *new) if made.split in ("validation", "test")}
    free = {made.sample.fact for made in new if made.split is None} - held.keys()
    shares: Mapping[Split, float] = {"test": test, "validation": validation}
    rest = sorted(free, key=lambda fact: _place(fact, seed))
    chosen: dict[str, Split | None] = {}
    for split, share in shares.items():
        least = 1 if share > 0 and len(free) >= _ENOUGH and split not in held.values() else 0
        count = max(least, round(share * len(free)))
        chosen.update(dict.fromkeys(rest[:count], split))
        rest = rest[count:]
    chosen.update(dict.fromkeys(rest, "train" if test or validation else None))
    return {made.sample.id: made.split or held.get(made.sample.fact) or chosen[made.sample.fact] for made in new}


def _place(fact: str, seed: int) -> str:
    return hashlib.sha256(f"import\0{seed}\0{fact}".encode()).hexdigest()
