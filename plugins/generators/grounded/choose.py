"""Which facts to keep: no two with the same question, and the most useful ones when there is a limit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from docutune.plugins.generators.grounded.fact import Fact
from docutune.plugins.generators.grounded.phrasing import Wording

_WEIGHTS = {
    "purpose": 5,
    "explanation": 4,
    "usage": 3,
    "signature": 3,
    "lookup": 3,
    "parameters": 3,
    "negative": 2,
    "returns": 1,
    "inheritance": 1,
    "members": 1,
}


def answerable(
    facts: Iterable[Fact], wordings: Sequence[Wording], phrasings: int, max_answer_chars: int
) -> tuple[Fact, ...]:
    """The facts whose answers fit and whose questions belong to no other fact; of two that share one, neither stays.

    What several places say under one key is one fact that has several answers: it is for curators to leave it out.
    """
    fitting = [fact for fact in facts if _longest(fact, wordings) <= max_answer_chars]
    asked = {fact: _questions(fact, wordings, phrasings) for fact in fitting}
    pairs = {(question, _whole(fact)) for fact, questions in asked.items() for question in questions}
    times = Counter(question for question, _ in pairs)
    keys = Counter(key for key, _ in {(fact.key, _whole(fact)) for fact in fitting})
    return tuple(
        fact for fact in fitting if keys[fact.key] == 1 and all(times[question] == 1 for question in asked[fact])
    )


def _whole(fact: Fact) -> Hashable:
    """What the fact is part of: that of its key at its places where there are several, else itself."""
    return (fact.key, fact.spans) if len(fact.spans) > 1 else fact


def most_useful(facts: Sequence[Fact], limit: int | None, mentions: Mapping[str, int]) -> tuple[Fact, ...]:
    """At most `limit` facts, spread over kinds by weight, and within a kind over symbols, those first that the
    documentation mentions most. The order of the facts given does not matter.
    """
    unique = {fact.key: fact for fact in facts}
    if limit is None or len(unique) <= limit:
        return tuple(facts)
    queues = {kind: _ordered(of_kind, mentions) for kind, of_kind in _by_kind(unique.values()).items()}
    taken: Counter[str] = Counter()
    kept: set[str] = set()
    while len(kept) < limit:
        waiting = [kind for kind, queue in queues.items() if taken[kind] < len(queue)]
        kind = min(waiting, key=lambda name: ((taken[name] + 1) / _WEIGHTS[name], name))
        kept.add(queues[kind][taken[kind]].key)
        taken[kind] += 1
    return tuple(fact for fact in facts if fact.key in kept)


def _longest(fact: Fact, wordings: Sequence[Wording]) -> int:
    return max(len(wording.answer(fact.form, fact.slots)) for wording in wordings)


def _questions(fact: Fact, wordings: Sequence[Wording], phrasings: int) -> tuple[str, ...]:
    return tuple(question for wording in wordings for question in wording.questions(fact.form, fact.slots, phrasings))


def _by_kind(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    kinds: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        kinds[fact.kind].append(fact)
    return kinds


def _ordered(facts: Iterable[Fact], mentions: Mapping[str, int]) -> list[Fact]:
    """First one fact of each owner, by mentions, then the second of each, and so on."""
    by_owner: dict[str, list[Fact]] = defaultdict(list)
    for fact in sorted(facts, key=lambda fact: fact.key):
        by_owner[fact.owner].append(fact)
    ranked = [(rank, fact) for owned in by_owner.values() for rank, fact in enumerate(owned)]
    return [fact for _, fact in sorted(ranked, key=lambda item: (item[0], _little_known(item[1], mentions)))]


def _little_known(fact: Fact, mentions: Mapping[str, int]) -> tuple[int, int, str]:
    about = fact.symbols[:1] if fact.kind != "explanation" else ()
    return -sum(mentions.get(name, 0) for name in about), fact.owner.count(".") + fact.owner.count(" > "), fact.key
