"""The whole plugin contract on one screen. Hooks return registrations; observers return nothing and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docutune.contracts import ParserRegistration, Registration
    from docutune.records import Outcome, RunInfo, StepInfo

ENTRY_POINT_GROUP = "docutune.plugins"

hookspec = pluggy.HookspecMarker("docutune")
hookimpl = pluggy.HookimplMarker("docutune")


@hookspec
def docutune_parsers() -> Sequence[ParserRegistration]:
    """Parsers: one file to sections, symbols and aliases."""
    return ()


@hookspec
def docutune_generators() -> Sequence[Registration]:
    """Generators: the library to samples."""
    return ()


@hookspec
def docutune_curators() -> Sequence[Registration]:
    """Curators: which samples to leave out, and why."""
    return ()


@hookspec
def docutune_trainers() -> Sequence[Registration]:
    """Trainers: a dataset and a base model to an adapter, or to a whole tuned model."""
    return ()


@hookspec
def docutune_runtimes() -> Sequence[Registration]:
    """Runtimes: a loaded model that answers."""
    return ()


@hookspec
def docutune_evaluators() -> Sequence[Registration]:
    """Evaluators: probes for a model, measures of its answers."""
    return ()


@hookspec
def docutune_frontends() -> Sequence[Registration]:
    """Frontends: a workspace in a browser."""
    return ()


@hookspec
def docutune_exporters() -> Sequence[Registration]:
    """Exporters: a merged model in another tool's form."""
    return ()


@hookspec
def docutune_hubs() -> Sequence[Registration]:
    """Hubs: models of others, by name, as folders on this disk."""
    return ()


@hookspec
def docutune_step_started(run: RunInfo, step: StepInfo) -> None:
    """Observer: a step begins."""


@hookspec
def docutune_step_finished(run: RunInfo, step: StepInfo, outcome: Outcome) -> None:
    """Observer: a step ended, was reused, failed or was stopped."""
