"""What a step would ask a chat model for: the step's own work, done with one that answers nothing."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from docutune.chat.foresight import Estimate, Foresight
from docutune.chat.options import ChatConfig
from docutune.steps.base import Products, Tools
from docutune.steps.curate import Curate
from docutune.steps.generate import Generate


def estimated(step: Generate | Curate, products: Products | None, tools: Tools) -> Estimate | None:
    """What it would ask for, with those products before it; None for a step that asks no chat model.

    What earlier requests count against the budget is counted there. Nothing is sent, and nothing kept.
    """
    if not isinstance(step.config.options, ChatConfig):
        return None
    options = None if products is None else step.asking.options(products)
    if products is None or not isinstance(options, ChatConfig) or not _has_input(step, products):
        return Estimate()
    chat = Foresight(options, tools.budget)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(step.rehearse(products, replace(tools, run=Path(folder)), chat))
    return chat.estimate()


def _has_input(step: Generate | Curate, products: Products) -> bool:
    return (products.library if isinstance(step, Generate) else products.samples) is not None
