"""Wrong passwords: who gives many of them is not listened to for a minute, not even when one is right."""

from __future__ import annotations

import ipaddress
from collections import deque
from dataclasses import dataclass, field

MOST = 10
SECONDS = 60.0
_ADDRESSES = 10_000  # that are remembered


@dataclass(frozen=True)
class Guesses:
    """When which address guessed wrongly, the newest last. Times are seconds of one clock that never goes back."""

    _wrong: dict[str, deque[float]] = field(default_factory=dict)

    def too_many(self, address: str, now: float) -> bool:
        """Whether this address has guessed wrongly MOST times within the last minute."""
        times = self._wrong.get(_of_one_user(address))
        return times is not None and len(times) == MOST and now - times[0] < SECONDS

    def wrong(self, address: str, now: float) -> None:
        """Remember a wrong one."""
        user = _of_one_user(address)
        times = self._wrong.pop(user, None) or deque(maxlen=MOST)
        times.append(now)
        self._wrong[user] = times  # now the newest one
        if len(self._wrong) > _ADDRESSES:
            del self._wrong[next(iter(self._wrong))]


def _of_one_user(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: whoever has one of these has them all (RFC 4291, 2.5.4)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return address if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
