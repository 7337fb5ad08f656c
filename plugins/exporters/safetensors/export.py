"""Keeps the merged model as it is."""

from __future__ import annotations

from pathlib import Path

from docutune.atomic import link_folder
from docutune.contracts import Context
from docutune.plugins.exporters.safetensors.plugin import Config
from docutune.records import Export


class Safetensors:
    """Implements contracts.Exporter."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def room(self, weights: int) -> int:
        """Nothing: the files are linked."""
        return 0

    def export(self, merged: Path, context: Context) -> Export:
        """The merged model itself."""
        link_folder(merged, context.folder)
        return Export(context.folder)
