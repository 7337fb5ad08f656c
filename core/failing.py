"""Which failures a run outlives: those of one model, for the others are none the worse for it."""

from __future__ import annotations

import os
from pathlib import Path

from docutune.errors import Cancelled, DiskError, DocutuneError, JobError, UsageError
from docutune.records import JsonValue
from docutune.steps.base import Failure, Products, Step
from docutune.steps.evaluate import Evaluate
from docutune.steps.train import PrepareBase, Train

_OF_THE_RUN = (Cancelled, DiskError, UsageError)


def of_one_model(step: Step) -> bool:
    """Whether other models can be made without this step."""
    if isinstance(step, PrepareBase):
        return not step.asked
    return isinstance(step, (Train, Evaluate))


def outlived(step: Step, error: DocutuneError) -> bool:
    """Whether the run goes on. DOCUTUNE_STRICT=1 ends it at the first failure, so that its cause is shown."""
    strict = os.environ.get("DOCUTUNE_STRICT") == "1"
    return of_one_model(step) and not isinstance(error, _OF_THE_RUN) and not strict


def failed(step: str, error: DocutuneError) -> Failure:
    """The failure that an error tells of."""
    return Failure(step, error.message, error.hint, error.log if isinstance(error, JobError) else None)


def lacking(step: Step, products: Products) -> Failure | None:
    """Why a step cannot begin: the failure of one that it needs."""
    if isinstance(step, Train):
        return products.failures.get(f"base:{step.options.model}")
    return products.failures.get(f"train:{step.model}") if isinstance(step, Evaluate) else None


def failure_facts(failure: Failure, run: Path) -> dict[str, JsonValue]:
    """A failure as the manifest has it; the log's path is relative to the run's folder."""
    log = failure.log
    place = None if log is None else (log.relative_to(run) if log.is_relative_to(run) else log).as_posix()
    return {"step": failure.step, "message": failure.message, "hint": failure.hint, "log": place}
