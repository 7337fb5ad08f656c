"""A training stops only where it can be saved: a request to stop is noted at once and obeyed at the next such place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from docutune.contracts import Chat, Context
from docutune.errors import Cancelled
from docutune.plugins.trainers.sft import ranks


class Patient:
    """The Context of a training; its `progress` never raises Cancelled, `check` does.

    `curve` is what was told so far: of each report with figures the step and the figures.
    """

    def __init__(self, context: Context) -> None:
        self.curve: list[Mapping[str, float]] = []
        self.stopped = False
        self._context = context

    @property
    def seed(self) -> int:
        """Decides every random choice."""
        return self._context.seed

    @property
    def folder(self) -> Path:
        """Where the model goes."""
        return self._context.folder

    @property
    def kept(self) -> Path:
        """What outlasts an interruption."""
        return self._context.kept

    @property
    def chat(self) -> Chat:
        """A trainer is lent none."""
        return self._context.chat

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        """Report, and note whether the user stopped the work."""
        if figures:
            self.curve.append({"step": done, **figures})
        self._tell(done, total, figures)

    def _tell(self, done: int, total: int | None, figures: Mapping[str, float]) -> None:
        try:
            self._context.progress(done, total, **figures)
        except Cancelled:
            self.stopped = True

    @property
    def figures(self) -> dict[str, float]:
        """The last value of each figure, also of those that were told before an interruption."""
        return {n: v for point in self.curve for n, v in point.items() if n != "step"}

    def note(self, text: str) -> None:
        """Tell the user something in one line."""
        self._context.note(text)

    def check(self) -> None:
        """Raise Cancelled when the user stopped the work: in all processes, so all of them ask at the same places."""
        self.stopped = ranks.any_of(self.stopped)
        if self.stopped:
            raise Cancelled

    def tell_again(self, curve: Sequence[Mapping[str, float]], total: int) -> None:
        """Report what an interrupted training had reported, so that the curve is whole."""
        for point in curve:
            figures = {name: value for name, value in point.items() if name != "step"}
            self.curve.append(point)
            self._tell(int(point["step"]), total, {**figures, "again": True})
