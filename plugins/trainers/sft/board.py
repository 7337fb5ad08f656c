"""The TensorBoard files of a training: they stay in its own folder while it lasts, and go on where it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class Board:
    """Writes to `folder`; whoever watches sees each step at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None

    def begin(self, step: int) -> None:
        """Training begins or goes on after this step: what an interrupted one wrote of later steps is taken back."""
        self._writer = SummaryWriter(log_dir=str(self._folder), purge_step=step + 1)

    def scalars(self, figures: Mapping[str, float], step: int) -> None:
        """Add a point to each curve."""
        if self._writer:
            for name, value in figures.items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()

    def text(self, name: str, markdown: str, step: int) -> None:
        """Add a text."""
        if self._writer:
            self._writer.add_text(name, markdown, step)
            self._writer.flush()

    def close(self) -> None:
        """Finish the files."""
        if self._writer:
            self._writer.close()
