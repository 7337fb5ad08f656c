"""The durable list of every request that was sent and what it cost: spending.jsonl in the workspace.

A line is written before a request is sent, with the most that it can cost, and one when its cost is known. A request
whose second line is missing was under way when its process ended: it counts with the most.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from docutune import atomic
from docutune.errors import DocutuneError

FILE = "spending.jsonl"


@dataclass(frozen=True, slots=True)
class Amount:
    """What requests need: their number, tokens sent and received, US dollars."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens of both kinds."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost + other.cost,
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that was sent: `request` is its reply's key, `run` the run that sent it.

    Not `priced`: nobody had said what tokens cost, and its cost is 0.
    """

    id: str
    request: str
    run: str
    priced: bool
    amount: Amount


class Ledger:
    """Reads and extends spending.jsonl; may be called from several threads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._whole = False

    def attempts(self) -> list[Attempt]:
        """Every attempt so far, in the order in which they were sent."""
        found: dict[str, Attempt] = {}
        with self._lock:
            for number, line in enumerate(self._lines(), start=1):
                try:
                    take(json.loads(line), found)
                except (ValueError, KeyError, TypeError) as error:
                    raise DocutuneError(
                        f"{self._path}:{number}: this line of the list of requests cannot be read",
                        "remove the line; what was spent is then known without it",
                    ) from error
        return list(found.values())

    def write(self, lines: Sequence[bytes]) -> None:
        """Add lines that `sent` and `settled` made; when this returns, the disk has them."""
        with self._lock:
            self._drop_torn_line()
            atomic.append(self._path, b"".join(lines), durable=True)

    def _drop_torn_line(self) -> None:
        """A kill may tear the last line; nothing was sent, or settled, that is not there whole."""
        if self._whole:
            return
        with atomic.writing(self._path), self._path.open("ab+") as file:
            file.seek(0)
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
        atomic.sync_folder(self._path.parent)
        self._whole = True

    def _lines(self) -> list[bytes]:
        """The lines that are there whole."""
        try:
            return self._path.read_bytes().rpartition(b"\n")[0].splitlines()
        except FileNotFoundError:
            return []


def sent(attempt: Attempt, time: str) -> bytes:
    """The line for a request that is about to be sent."""
    return _line({"time": time, **asdict(attempt)})


def settled(attempt: str, amount: Amount) -> bytes:
    """The line that says what the attempt with this id cost."""
    return _line({"id": attempt, "amount": asdict(amount)})


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def take(line: dict[str, Any], found: dict[str, Attempt]) -> None:
    """Take one line of the list into what it tells; ValueError, KeyError or TypeError for one that is none of it."""
    amount = Amount(**line["amount"])
    if "request" in line:
        found[line["id"]] = Attempt(line["id"], line["request"], line["run"], line["priced"], amount)
    elif line["id"] in found:  # its first line may have been removed
        found[line["id"]] = replace(found[line["id"]], amount=amount)
