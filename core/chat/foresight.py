"""What requests would need, before any is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from docutune.chat.budget import Budget
from docutune.chat.journal import Request
from docutune.chat.ledger import Amount
from docutune.chat.options import ChatConfig, Prices
from docutune.chat.reading import read
from docutune.chat.secrets import Guard
from docutune.chat.wording import worded
from docutune.contracts import Reply
from docutune.errors import Unanswered, Withheld
from docutune.records import Message

TRIES = 2
"""How often a task is done at most: once more when its first result cannot be used."""

LONGEST_COMPLAINT = 1024
"""Tokens by which the prompt of the second try is taken to be longer at most."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What requests need; `cost_usd` is None where nobody has said what tokens cost."""

    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a step would ask a chat model for; `expected` None: that depends on what has yet to be made.

    `expected` counts each question without a kept reply once, `most` twice and every try of them as failed after it
    was paid for. `replies` are the kept ones that serve again.
    """

    expected: Needed | None = None
    most: Needed | None = None
    replies: int = 0


class Foresight:
    """contracts.Chat that sends nothing: a kept reply is given, any other question noted and left unanswered."""

    def __init__(self, options: ChatConfig, budget: Budget) -> None:
        self._options = options
        self._budget = budget
        self._guard = Guard(options.api_key_env)
        self._wanted: dict[str, Request] = {}
        self._kept: set[str] = set()

    async def ask(self, messages: Sequence[Message], schema: type[Reply]) -> Reply:
        """As contracts.Chat says; Unanswered where a reply would have to be asked for (Withheld: must not be)."""
        request = worded(self._options, messages, schema, self._options.is_local)
        kept = self._budget.journal.recall(request.key)
        self._budget.use(request.key, kept)
        if kept is None:
            if not self._options.is_local and self._guard.find(message.content for message in request.messages):
                raise Withheld("a secret is never sent")
            self._wanted[request.key] = request
            raise Unanswered("a plan asks nothing")
        self._kept.add(request.key)
        return read(kept.text, kept.finish, schema)

    def estimate(self) -> Estimate:
        """What was noted."""
        options, wanted = self._options, self._wanted.values()
        expected = sum((self._likely(request) for request in wanted), Amount())
        most = sum((self._most(request) for request in wanted), Amount())
        priced = Prices.of(options)
        return Estimate(_needed(expected, priced), _needed(most, priced), len(self._kept))

    def _likely(self, request: Request) -> Amount:
        replied = self._budget.usual_output_tokens
        longest = self._options.max_tokens
        return Amount(1, request.likely_input_tokens, longest // 2 if replied is None else min(replied, longest))

    def _most(self, request: Request) -> Amount:
        tries = 1 if self._options.is_local else self._options.retries + 1
        requests = TRIES * tries
        sent = requests * request.most_input_tokens + (TRIES - 1) * tries * LONGEST_COMPLAINT
        return Amount(requests, sent, requests * self._options.max_tokens)


def _needed(amount: Amount, prices: Prices | None) -> Needed:
    cost = None if prices is None else round(prices.cost(amount.input_tokens, amount.output_tokens), 6)
    return Needed(amount.requests, amount.input_tokens, amount.output_tokens, cost)


Suffices: TypeAlias = Literal["yes", "perhaps", "no"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the budget, what of it is spent, and what all steps together need of the rest.

    It `suffices` when even the most that they can need is left, and does not when what is expected is not.
    """

    name: str
    limit: float
    spent: float
    expected: float
    most: float
    suffices: Suffices


def limits(budget: Budget, steps: Sequence[Estimate]) -> tuple[Limit, ...]:
    """Each limit that is set, against what these steps would ask for."""
    if not steps:
        return ()
    is_known = all(step.expected is not None for step in steps)
    expected = [step.expected for step in steps if step.expected is not None]
    most = [step.most for step in steps if step.most is not None]
    found = budget.limits.model_dump(exclude_none=True)
    return tuple(
        _limit(name, found[name], _of(name, [_spent(budget.spent)]), _of(name, expected), _of(name, most), is_known)
        for name in found
    )


def _limit(name: str, limit: float, spent: float, expected: float, most: float, is_known: bool) -> Limit:
    rest = limit - spent
    suffices: Suffices = "no" if expected > rest else "yes" if most <= rest and is_known else "perhaps"
    return Limit(name, limit, spent, expected, most, suffices)


def _of(name: str, needed: Sequence[Needed]) -> float:
    if name == "max_requests":
        return sum(each.requests for each in needed)
    if name == "max_tokens":
        return sum(each.input_tokens + each.output_tokens for each in needed)
    return round(sum(each.cost_usd or 0.0 for each in needed), 6)


def _spent(amount: Amount) -> Needed:
    return Needed(amount.requests, amount.input_tokens, amount.output_tokens, amount.cost)
