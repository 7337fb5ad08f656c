"""Seeded faults of the server in chat_server.py, and what may be asked of a client that meets them."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from chat_server import Asked, ChatServer, Sent, failed, said

SHARES = {
    "429": 0.10,
    "5xx": 0.05,
    "hang": 0.03,
    "reset": 0.02,
    "bad JSON": 0.05,
    "cut": 0.02,
    "empty": 0.01,
    "wrong schema": 0.01,
}
PAUSE = 1.0
"""Seconds that a 429 asks for, the shortest time that Retry-After can tell in both of its forms."""


@dataclass
class Faults:
    """A script for ChatServer: the replies of `right`, and faults in their place, whatever order requests come in.

    `pauses` holds each time at which a 429 was about to be sent and the time before which nothing may come after it.
    """

    right: Callable[[Asked], Sent]
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    pauses: list[tuple[Asked, float]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Sent:
        """What the server does with one request."""
        fault, chance = self._drawn(asked)
        self.counts[fault] += 1
        if fault == "429":
            return self._too_many(asked, is_date=chance < 0.5)
        return _sent(fault, chance, self.right(asked))

    def _drawn(self, asked: Asked) -> tuple[str, float]:
        """The fault by the request and how often it came, and another random number."""
        digest = hashlib.sha256(f"{self.seed} {asked.times} ".encode() + asked.raw).digest()
        drawn, chance = (int.from_bytes(digest[at : at + 8]) / 2**64 for at in (0, 8))
        for fault, share in SHARES.items():
            if (drawn := drawn - share) < 0:
                return fault, chance
        return "none", chance

    def _too_many(self, asked: Asked, is_date: bool) -> Sent:
        """Retry-After as seconds or, from the server's own clock, as a date of whole seconds."""
        wait, said_as = PAUSE, str(int(PAUSE))
        if is_date:
            until = (datetime.now(UTC) + timedelta(seconds=PAUSE)).replace(microsecond=0)
            wait = until.timestamp() - time.time()
            said_as = format_datetime(until, usegmt=True)
        self.pauses.append((asked, time.monotonic() + wait))
        return failed(429, "slow down", retry_after=said_as)

    def asked_again_too_early(self, server: ChatServer) -> list[str]:
        """Requests that came again before the time that their own 429 named; by the server's clock."""
        by_content: dict[bytes, list[Asked]] = {}
        for asked in server.asked:
            by_content.setdefault(asked.raw, []).append(asked)
        return [
            f"{until - later.began:.3f} s too early: {later.content[:60]}"
            for asked, until in self.pauses
            for later in by_content[asked.raw]
            if asked.began < later.began < until
        ]

    def most_within_a_pause(self, server: ChatServer) -> int:
        """The most requests that came while one of the pauses ran: those that were on their way when it began."""
        began = [asked.began for asked in server.asked]
        pauses = [(asked.answering, until) for asked, until in self.pauses if asked.answering is not None]
        return max((sum(start < at < until for at in began) for start, until in pauses), default=0)


def _sent(fault: str, chance: float, right: Sent) -> Sent:
    text = json.loads(right.body)["choices"][0]["message"]["content"]
    match fault:
        case "5xx":
            return failed((500, 502, 503)[int(chance * 3)])
        case "hang":
            return Sent(hang=True)
        case "reset":
            return replace(right, counts=False, reset=True)
        case "bad JSON" if chance < 0.5:  # in the reply's text, or all that the server says
            return said(text[: len(text) // 2])
        case "bad JSON":
            return replace(right, counts=False, body=right.body[: len(right.body) // 2])
        case "cut":
            return said(text[: len(text) // 2], finish="length")
        case "empty":
            return said("")
        case "wrong schema":
            return said({"reply": text})
    return right
