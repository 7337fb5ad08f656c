"""The tabs in the order of a day's work; each is one file that calls nothing but docutune.Workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from docutune.plugins.frontends.gradio.room import Room
from docutune.plugins.frontends.gradio.tabs import (
    chat,
    dataset,
    evaluate,
    models,
    plugins,
    settings,
    sources,
    templates,
    train,
)

TABS: Mapping[str, Callable[[Room], None]] = {
    "sources": sources.build,
    "templates": templates.build,
    "dataset": dataset.build,
    "train": train.build,
    "evaluate": evaluate.build,
    "models": models.build,
    "chat": chat.build,
    "plugins": plugins.build,
    "settings": settings.build,
}
"""Name -> what puts it on the page; the text "tab_<name>" is its title."""
