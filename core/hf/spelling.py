"""Tokens of a reply to text, while they come: whole characters only, up to the first stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_UNFINISHED = "\ufffd"  # what tokenizers write for a part of a character


class Spelling:
    """The text of one reply. Nothing is given out that may turn out to be the beginning of a stop string.

    The reply ends where the first stop string is complete, and its text where that one begins. `decode` makes text of
    token ids.
    """

    def __init__(self, decode: Callable[[list[int]], str], stop: Sequence[str]) -> None:
        self.stopped = False
        self._decode = decode
        self._stop = stop
        self._ids: list[int] = []  # the last ones that were spelled, for what follows may hang on them, and newer ones
        self._spelled = 0  # of these
        self._held = ""

    def add(self, token: int) -> str:
        """What can be shown now that `token` has come."""
        self._ids.append(token)
        return self._released(self._text(finished=False), finished=False)

    def finish(self) -> str:
        """What is left when no token follows."""
        return self._released(self._text(finished=True), finished=True)

    def _text(self, finished: bool) -> str:
        """The characters that the newest tokens complete."""
        known, whole = self._decode(self._ids[: self._spelled]), self._decode(self._ids)
        if len(whole) <= len(known) or (whole.endswith(_UNFINISHED) and not finished):
            return ""
        self._ids = self._ids[self._spelled :]
        self._spelled = len(self._ids)
        return whole[len(known) :]

    def _released(self, text: str, finished: bool) -> str:
        if self.stopped:
            return ""
        self._held += text
        ends = [(at + len(stop), at) for stop in self._stop if (at := self._held.find(stop)) >= 0]
        self.stopped = bool(ends)
        sure = len(self._held) if finished else len(self._held) - self._begun()
        cut = min(ends)[1] if ends else sure
        out, self._held = self._held[:cut], self._held[cut:]
        return out

    def _begun(self) -> int:
        """Characters at the end of what is held that may be the beginning of a stop string."""
        longest = max(map(len, self._stop), default=1) - 1
        tails = (self._held[-length:] for length in range(min(longest, len(self._held)), 0, -1))
        return next((len(tail) for tail in tails if any(stop.startswith(tail) for stop in self._stop)), 0)
