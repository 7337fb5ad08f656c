"""Metrics of the `evaluate` library, made directly: `evaluate.load` would download a script, these need no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from datasets import Features, Value
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from docutune.plugins.evaluators.text_overlap.lean import Metric, MetricInfo
from docutune.plugins.evaluators.text_overlap.tokens import RougeTokenizer, TextKind, normalise, text_kind, tokens

MATCH_ABOVE = 0.6
"""ROUGE-L above which an answer says what was expected."""

Score = Callable[[str, str], Mapping[str, float]]
"""(prediction, reference) to values from 0 to 1 by metric name."""

_ROUGE = ("rouge1", "rouge2", "rougeL")
_ROUGE_TOKENS = RougeTokenizer()
_ROUGE_SCORER = RougeScorer(list(_ROUGE), tokenizer=_ROUGE_TOKENS)


def rouge(prediction: str, reference: str) -> dict[str, float]:
    """F1 of ROUGE-1, ROUGE-2 and ROUGE-L (Lin, 2004), and match: 1 when ROUGE-L is above MATCH_ABOVE, else 0.

    Equal tokens score 1, also where a text is too short to have a bigram: every text agrees with itself. So an exact
    answer always matches.
    """
    if _ROUGE_TOKENS.tokenize(prediction) == _ROUGE_TOKENS.tokenize(reference):
        values = dict.fromkeys(_ROUGE, 1.0)
    else:
        scores = _ROUGE_SCORER.score(reference, prediction)
        values = {name: float(scores[name].fmeasure) for name in _ROUGE}
    return {"match": float(values["rougeL"] > MATCH_ABOVE), **values}


def bleu(prediction: str, reference: str) -> dict[str, float]:
    """Sentence BLEU with effective order and exponential smoothing (Papineni et al., 2002; Chen and Cherry, 2014).

    The reference decides the tokenizer, so that base and tuned are measured alike.
    """
    kind = text_kind(reference)
    mine, theirs = (_spaced(text) if kind == "code" else normalise(text) for text in (prediction, reference))
    return {"bleu": _share(_bleu_scorer(kind).sentence_score(mine, [theirs]).score, mine == theirs)}


def chrf(prediction: str, reference: str) -> dict[str, float]:
    """Sentence chrF2: character n-grams up to 6, recall weighted twice, white space ignored (Popović, 2015)."""
    mine, theirs = normalise(prediction), normalise(reference)
    return {"chrf": _share(CHRF().sentence_score(mine, [theirs]).score, mine == theirs)}


def exact(prediction: str, reference: str) -> dict[str, float]:
    """1 when both texts are equal after NFKC and white space normalisation."""
    return {"exact_match": float(normalise(prediction) == normalise(reference))}


@cache
def _bleu_scorer(kind: TextKind) -> BLEU:
    return BLEU(tokenize="none" if kind == "code" else kind, effective_order=True, force=True)


def _spaced(text: str) -> str:
    return " ".join(tokens(text))


def _share(percent: float, same: bool) -> float:
    """From 0 to 1; sacrebleu's rounding may reach a hair above 100, and two empty texts are equal."""
    return 1.0 if same else min(percent / 100, 1.0)


_FAMILIES: tuple[tuple[tuple[str, ...], Score, str, str], ...] = (
    (
        ("match", *_ROUGE),
        rouge,
        f"F1 of ROUGE-1, ROUGE-2 and ROUGE-L; match is 1 when ROUGE-L is above {MATCH_ABOVE} (an exact answer's is 1), "
        "else 0. Tokens: NFKC; Chinese cut into words by rjieba; identifiers split at underscores; brackets, operators "
        "and attribute dots kept; other punctuation dropped; case ignored.",
        "Lin, 2004",
    ),
    (("exact_match",), exact, "1 when equal after NFKC and white space normalisation, else 0.", ""),
    (
        ("bleu",),
        bleu,
        "Sentence BLEU, effective order, exponential smoothing. Tokenizer by reference: sacrebleu zh with Chinese "
        "characters, the ROUGE tokens with case for code, else sacrebleu 13a.",
        "Papineni et al., 2002",
    ),
    (("chrf",), chrf, "Sentence chrF2 of character n-grams up to 6; white space ignored.", "Popović, 2015"),
)


class PairMetric(Metric):  # type: ignore[misc]  # evaluate has no types
    """Values for each pair of prediction and reference: `compute` returns lists by metric name, in the given order."""

    def __init__(self, score: Score, description: str, citation: str, folder: Path) -> None:
        self._score, self._described, self._cited = score, description, citation
        super().__init__(keep_in_memory=True, cache_dir=str(folder), seed=0)

    def _info(self) -> MetricInfo:
        return MetricInfo(
            description=self._described,
            citation=self._cited,
            inputs_description="predictions and references: lists of texts of one length",
            features=Features({"predictions": Value("string"), "references": Value("string")}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], **_: Any) -> dict[str, list[float]]:
        rows = [self._score(*pair) for pair in zip(predictions, references, strict=True)]
        return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def metrics_for(names: Sequence[str], folder: Path) -> tuple[PairMetric, ...]:
    """One metric object for each family that `names` needs; `folder` is the only place they may write to."""
    return tuple(
        PairMetric(score, description, citation, folder)
        for family, score, description, citation in _FAMILIES
        if set(family) & set(names)
    )
