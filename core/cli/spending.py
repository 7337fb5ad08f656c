"""What a plan says of requests to chat models, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docutune.chat.foresight import Estimate, Limit, Needed

_SUFFICES = {"yes": "enough", "perhaps": "enough as expected, not for the most", "no": "not enough"}


def estimate_lines(estimate: Estimate) -> Iterator[str]:
    """What a step would ask for: as expected, and at most."""
    if estimate.expected is None or estimate.most is None:
        yield "what it costs depends on what has yet to be made"
        return
    kept = f"; {estimate.replies:,} replies are kept and cost nothing" if estimate.replies else ""
    yield f"about {_amount(estimate.expected)}{kept}"
    if estimate.expected.requests:
        yield f"at most {_amount(estimate.most)} (each asked twice, and every try failing after it was paid for)"


def limit_line(limit: Limit) -> str:
    """One limit of the budget, what is left of it, and whether that suffices."""
    rest = max(0.0, limit.limit - limit.spent)
    counts = f"{_number(limit.spent)} spent, {_number(rest)} left"
    return f"budget: {limit.name} {_number(limit.limit)}, {counts}: {_SUFFICES[limit.suffices]}"


def _amount(needed: Needed) -> str:
    price = "no price is known (input_price, output_price)" if needed.cost_usd is None else f"${needed.cost_usd:,.2f}"
    requests = f"{needed.requests:,} request{'' if needed.requests == 1 else 's'}"
    return f"{requests}, {needed.input_tokens:,} tokens sent, {needed.output_tokens:,} received, {price}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
