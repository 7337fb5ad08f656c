"""Which token follows: the likeliest one, or one that is drawn by the reply's own random numbers."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from docutune.records import Sampling

_SEED_BITS = 63


class Seeded:
    """Leaves each row one token, drawn by the row's own random numbers: what stands beside it has no part in that.

    Inverse transform sampling from the softmax at this temperature; implements transformers' LogitsProcessor.
    """

    def __init__(self, seeds: Sequence[int], temperature: float) -> None:
        self._chances = [random.Random(seed) for seed in seeds]
        self._temperature = temperature

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores of shape (rows, vocabulary) with one finite value in each row."""
        shares = torch.softmax(scores.double() / self._temperature, dim=-1).cumsum(dim=-1)
        drawn = torch.tensor([[chance.random()] for chance in self._chances], dtype=shares.dtype, device=shares.device)
        chosen = torch.searchsorted(shares, drawn * shares[:, -1:], right=True).clamp(max=shares.shape[1] - 1)
        return torch.full_like(scores, -torch.inf).scatter(1, chosen, 0.0)


class Choice:
    """Chooses the tokens of one reply, one after the other.

    `settings` are the model's own (its generation_config), of which those count that count in greedy answers, too:
    a penalty on repetition, n-grams that may not be repeated, tokens that are never written.
    """

    def __init__(self, sampling: Sampling, settings: Any) -> None:
        bent: Any = LogitsProcessorList(_own(settings))
        if sampling.temperature > 0:
            bent.append(TemperatureLogitsWarper(float(sampling.temperature)))
            if sampling.top_p < 1:
                bent.append(TopPLogitsWarper(sampling.top_p))
            seed = secrets.randbits(_SEED_BITS) if sampling.seed is None else sampling.seed
            bent.append(Seeded([seed], 1.0))
        self._bent = bent

    def __call__(self, ids: Sequence[int], scores: torch.Tensor) -> int:
        """The token that follows `ids` (prompt and reply so far), by the scores of shape (vocabulary,)."""
        row = scores.float().unsqueeze(0)
        if self._bent:
            row = self._bent(torch.tensor([list(ids)], device=scores.device), row)
        return int(row.argmax(dim=-1).item())


def _own(settings: Any) -> list[Any]:
    penalty, length = settings.repetition_penalty, settings.no_repeat_ngram_size
    own: list[Any] = []
    if penalty not in (None, 1.0):
        own.append(RepetitionPenaltyLogitsProcessor(penalty))
    if length:
        own.append(NoRepeatNGramLogitsProcessor(length))
    if settings.suppress_tokens:
        own.append(SuppressTokensLogitsProcessor(settings.suppress_tokens))
    return own
