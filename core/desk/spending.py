"""What the chat models of one run have cost so far, read from the list of all requests while it grows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from docutune.chat.ledger import FILE, Amount, Attempt, take
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests that were sent, tokens of those that ended and US dollars; `under_way` is how many are not answered.

    `cost_usd` is None where nobody has said what the tokens of every request cost.
    """

    requests: int
    under_way: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


@dataclass
class Spending:
    """Follows the requests of one run; a line that is half written waits for the next look."""

    store: Store
    run: str
    _position: int = 0
    _sent: dict[str, Attempt] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    def look(self) -> Spent | None:
        """What is known now; None while the run has sent nothing."""
        self._go_on()
        own = [attempt for attempt in self._sent.values() if attempt.run == self.run]
        if not own:
            return None
        ended = [attempt for attempt in own if attempt.id in self._ended]
        amount = sum((attempt.amount for attempt in ended), Amount())
        cost = round(amount.cost, 6) if all(attempt.priced for attempt in own) else None
        return Spent(len(own), len(own) - len(ended), amount.input_tokens, amount.output_tokens, cost)

    def _go_on(self) -> None:
        path = self.store.folder / FILE
        if not path.is_file():
            return
        if path.stat().st_size < self._position:
            self._position, self._sent, self._ended = 0, {}, set()  # somebody removed lines
        with path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._position += len(line)
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            take(told, self._sent)
        except (ValueError, KeyError, TypeError):
            return  # the run itself, which must know what was spent, stops at such a line and names it
        if "request" not in told:
            self._ended.add(told["id"])
