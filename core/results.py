"""What came of a run, in the forms that programs read: the summary and what the manifest says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutune.config import PipelineConfig
from docutune.corpus import Dataset
from docutune.evaluation import Comparison
from docutune.reasons import counted
from docutune.records import JsonValue
from docutune.runlog import RunLog
from docutune.steps.base import Products
from docutune.workspace import Store


def summary(products: Products, log: RunLog) -> dict[str, Any]:
    """What `docutune run --json` prints."""
    dataset = products.dataset
    return {
        "run": log.info.id,
        "outcome": log.outcome,
        "folder": str(log.info.folder),
        "report": str(log.info.folder / "report.html"),
        "seconds": log.seconds,
        "dataset": None if dataset is None else {"version": dataset.version, **_split_sizes(dataset)},
        "left_out": _left_out(products),
        "repaired": counted(products.repaired),
        "takes": log.facts.get("takes"),
        "trainings": log.facts["trainings"],
        "models": log.facts["models"],
        "figures": log.facts["figures"],
        "spending": log.facts.get("spending"),
        "failures": log.facts.get("failures", []),
    }


def _left_out(products: Products) -> dict[str, dict[str, int]]:
    """Producer -> kind of reason -> how much it left out for that."""
    producers = dict.fromkeys(item.producer for item in products.rejected)
    return {name: counted(item.reason for item in products.rejected if item.producer == name) for name in producers}


def training_facts(products: Products, config: PipelineConfig, log: RunLog) -> list[dict[str, JsonValue]]:
    """Every entry of `train:` that the run came to, with how it and its evaluation ended.

    `failed` names the step whose failure ended either of them: its own, or one that it needs.
    """
    status = {step["name"]: step["status"] for step in log.steps}
    facts: list[dict[str, JsonValue]] = []
    for step in config.train:
        train, evaluate = f"train:{step.name}", f"evaluate:{step.name}"
        if train in status:
            cause = products.failures.get(train) or products.failures.get(evaluate)
            facts.append(
                {
                    "name": step.name,
                    "trainer": step.uses,
                    "base": step.options.model_dump()["model"],
                    "status": status[train],
                    "evaluation": status.get(evaluate),
                    "failed": cause.step if cause else None,
                }
            )
    return facts


def model_facts(products: Products, store: Store) -> list[dict[str, str]]:
    """Models as the manifest names them; paths are relative to `.docutune/` where they lie in it."""
    facts = []
    for trained in products.models.values():
        assert trained.model.adapter is not None
        facts.append(
            {
                "name": trained.name,
                "key": trained.key,
                "trainer": trained.trainer,
                "base": trained.base,
                "base_digest": trained.model.digest,
                "base_folder": _inside(trained.model.folder, store),
                "adapter": _inside(trained.model.adapter, store),
            }
        )
    return facts


def figure_facts(products: Products) -> dict[str, dict[str, list[dict[str, JsonValue]]]]:
    """model -> evaluator -> one object per metric; `low` and `high` bound the difference (95 %)."""
    return {
        name: {
            evaluator: [_figure(comparison) for comparison in comparisons]
            for evaluator, comparisons in evaluated.comparisons.items()
        }
        for name, evaluated in products.evaluations.items()
    }


def _split_sizes(dataset: Dataset) -> dict[str, int]:
    return {
        "train": len(dataset.of("train")),
        "validation": len(dataset.of("validation")),
        "test": len(dataset.of("test")),
    }


def _figure(comparison: Comparison) -> dict[str, JsonValue]:
    return {
        "metric": comparison.metric,
        "count": comparison.count,
        "base": round(comparison.base.mean, 6),
        "tuned": round(comparison.tuned.mean, 6),
        "difference": round(comparison.difference.mean, 6),
        "low": round(comparison.difference.low, 6),
        "high": round(comparison.difference.high, 6),
        "verdict": comparison.verdict,
    }


def _inside(path: Path, store: Store) -> str:
    return path.relative_to(store.folder).as_posix() if path.is_relative_to(store.folder) else str(path)
