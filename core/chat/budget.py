"""One hard budget for all requests of a run: the most that a request can cost is set aside before it is sent.

What earlier attempts at the run spent counts: every request sent since the last run that finished, and every older one
whose reply is used again.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from docutune.chat.journal import Journal, Kept
from docutune.chat.ledger import Amount, Attempt, Ledger
from docutune.chat.options import BudgetConfig, Prices
from docutune.errors import DocutuneError
from docutune.records import JsonValue
from docutune.workspace import Store, read_manifest

_FEWEST_REPLIES = 10


@dataclass
class Tally:
    """What was done, to be told: by this run, or by one of its steps. `unpriced`: a part of it has no known cost."""

    made: Amount = field(default_factory=Amount)
    unpriced: bool = False
    reused: int = 0
    used: bool = False


class Budget:
    """What a run has spent and may still spend. Belongs to one thread."""

    def __init__(self, limits: BudgetConfig, prices: Prices | None, store: Store, run: str) -> None:
        """`prices`: what counts for earlier requests that were sent before anybody had said what tokens cost."""
        self.limits = limits
        self._prices = prices
        self.journal = Journal(store)
        self.run = run
        self.total = Tally()
        self.step = Tally()
        self._store = store
        self._counted: set[str] = set()
        self._spent = Amount()
        self._unpriced = False
        self._under_way: dict[str, Amount] = {}

    @cached_property
    def ledger(self) -> Ledger:
        """The durable list of all requests."""
        return Ledger(self._store.folder)

    @property
    def spent(self) -> Amount:
        """What counts against the limits: this run's requests and earlier ones."""
        return self._spent

    @cached_property
    def usual_output_tokens(self) -> int | None:
        """The mean length of all replies so far; None while there are few."""
        lengths = [attempt.amount.output_tokens for attempt in self.ledger.attempts() if attempt.amount.output_tokens]
        return round(sum(lengths) / len(lengths)) if len(lengths) >= _FEWEST_REPLIES else None

    @property
    def waiting(self) -> bool:
        """Whether requests are under way, of which some of what is set aside may come back."""
        return bool(self._under_way)

    def use(self, key: str, kept: Kept | None = None) -> None:
        """Count what earlier attempts at a request cost, once; where the ledger knows of none, what its reply says."""
        earlier = self._earlier.get(key, ())
        for attempt in earlier:
            self._count_earlier(attempt)
        if not earlier and key not in self._counted and (kept := kept or self.journal.recall(key)) is not None:
            amount = Amount(1, kept.input_tokens or 0, kept.output_tokens or 0, kept.cost or 0.0)
            self._count_earlier(Attempt(key, key, "", kept.cost is not None, amount))

    def use_all(self, keys: Iterable[str]) -> None:
        """`use` for the replies behind results that are used again."""
        for key in keys:
            self.use(key)
            self._told(reused=1)

    def reused(self) -> None:
        """A kept reply was used."""
        self._told(reused=1)

    def fits(self, most: Amount) -> bool:
        """Whether that much may still be spent, even if all that is under way costs the most that it can."""
        return self._passed(most) is None

    def reserve(self, key: str, most: Amount, priced: bool) -> Attempt:
        """Set the most aside that a request can cost; the caller has seen that it fits."""
        attempt = Attempt(uuid.uuid4().hex[:16], key, self.run, priced, most)
        self._under_way[attempt.id] = most
        return attempt

    def settle(self, attempt: Attempt, amount: Amount) -> None:
        """Replace what was set aside by what was spent."""
        del self._under_way[attempt.id]
        self._count(attempt.id, amount, attempt.priced)
        self._counted.add(attempt.request)
        for tally in (self.total, self.step):
            tally.unpriced = tally.unpriced or not attempt.priced
        self._told(made=amount)

    def refusal(self, most: Amount) -> DocutuneError:
        """The one line for a budget that the next request could pass."""
        limit, spent, needed = self._passed(most) or ("", "", "")
        return DocutuneError(
            f"the budget is used up: {limit}, {spent} spent, and the next request could need {needed}",
            "every reply is kept; raise `budget:` in the pipeline file and give the same command again",
        )

    def facts(self) -> dict[str, JsonValue] | None:
        """What the manifest says of this run's spending; None when no chat model was asked for anything."""
        if not self.total.used:
            return None
        counted: JsonValue = self._told_amount(self._spent, self._unpriced)
        return {**self._shown(self.total), "counted": counted, "budget": self.limits.model_dump(mode="json")}

    def take_figures(self) -> dict[str, JsonValue]:
        """What was done since the last call, for the step's line."""
        done, self.step = self.step, Tally()
        return {name: value for name, value in self._shown(done).items() if value} if done.used else {}

    @cached_property
    def _earlier(self) -> dict[str, list[Attempt]]:
        """Earlier attempts by request. Those of runs that did not finish count at once: this run goes on from them."""
        self.total.used = True
        last = self._last_finished()
        by_request: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.ledger.attempts():
            if attempt.run != self.run:
                by_request[attempt.request].append(attempt)
                if last is None or _order(attempt.run) > _order(last):
                    self._count_earlier(attempt)
        return dict(by_request)

    def _last_finished(self) -> str | None:
        for run in reversed(self._store.runs()):
            try:
                if run.name != self.run and read_manifest(run)["outcome"] == "finished":
                    return run.name
            except DocutuneError:
                continue  # whatever it spent counts
        return None

    def _count_earlier(self, attempt: Attempt) -> None:
        amount, is_priced = attempt.amount, attempt.priced
        if not is_priced and self._prices is not None:
            amount = replace(amount, cost=self._prices.cost(amount.input_tokens, amount.output_tokens))
            is_priced = True
        self._count(attempt.id, amount, is_priced)

    def _count(self, name: str, amount: Amount, is_priced: bool) -> None:
        if name not in self._counted:
            self._counted.add(name)
            self._spent += amount
            self._unpriced = self._unpriced or not is_priced

    def _passed(self, most: Amount) -> tuple[str, str, str] | None:
        """The limit that could be passed, what is spent of it and what is needed, in words."""
        worst = sum(self._under_way.values(), self._spent + most)
        limits = self.limits
        if limits.max_requests is not None and worst.requests > limits.max_requests:
            return f"max_requests {limits.max_requests:,}", f"{self._spent.requests:,}", f"{most.requests:,}"
        if limits.max_tokens is not None and worst.tokens > limits.max_tokens:
            return f"max_tokens {limits.max_tokens:,}", f"{self._spent.tokens:,}", f"{most.tokens:,}"
        if limits.max_cost_usd is not None and worst.cost > limits.max_cost_usd:
            return f"max_cost_usd {limits.max_cost_usd:g}", f"{self._spent.cost:.6g}", f"{most.cost:.6g}"
        return None

    def _told(self, made: Amount | None = None, reused: int = 0) -> None:
        for tally in (self.total, self.step):
            tally.made += made or Amount()
            tally.reused += reused
            tally.used = True

    def _shown(self, tally: Tally) -> dict[str, JsonValue]:
        return {**self._told_amount(tally.made, tally.unpriced), "replies_reused": tally.reused}

    def _told_amount(self, amount: Amount, unpriced: bool) -> dict[str, JsonValue]:
        """The cost only where that of every request is known: a part of it would look like the whole."""
        is_known = not unpriced and (self._prices is not None or amount.cost > 0)
        return {
            "requests": amount.requests,
            "input_tokens": amount.input_tokens,
            "output_tokens": amount.output_tokens,
            "cost_usd": round(amount.cost, 6) if is_known else None,
        }


def _order(run: str) -> tuple[str, int, str]:
    """Runs in the order in which they began: by their second, and in one second by their number."""
    return run[:15], len(run), run
