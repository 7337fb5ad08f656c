"""What the evaluator text-overlap is."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from docutune import Registration, hookimpl

Metric: TypeAlias = Literal["match", "exact_match", "rouge1", "rouge2", "rougeL", "bleu", "chrf"]
ALL: tuple[Metric, ...] = ("match", "exact_match", "rouge1", "rouge2", "rougeL", "bleu", "chrf")


class Config(BaseModel):
    """Options of text-overlap."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: Annotated[
        tuple[Metric, ...],
        Field(
            min_length=1,
            description="what to measure, each from 0 to 1, most telling first: the report opens with the first. "
            "match is 1 for an exact answer or one with ROUGE-L above 0.6, else 0",
        ),
    ] = ALL
    max_probes: Annotated[
        int | None, Field(ge=1, description="ask at most this many held-out questions, evenly chosen; unset: all")
    ] = None


@hookimpl
def docutune_evaluators() -> list[Registration]:
    """Offer text-overlap."""
    return [
        Registration(
            name="text-overlap",
            revision=1,
            summary="ROUGE, BLEU, chrF and exact match against the expected answer; right for Chinese and for code",
            config=Config,
            load="docutune.plugins.evaluators.text_overlap.score:TextOverlap",
            requires=("evaluate", "rouge_score", "sacrebleu", "rjieba"),
            extra="docutune[eval]",
        )
    ]
