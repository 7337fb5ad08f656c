"""Shows a run: one live line a step on a terminal, plain lines in a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from docutune import interrupts
from docutune.records import StepInfo

if TYPE_CHECKING:
    from docutune.records import Outcome
    from docutune.steps.base import Count

_SECONDS_BETWEEN_LINES = 10.0
_OF_THE_MOMENT = {"seconds_left", "seconds", "learning_rate", "grad_norm"}
_OF_A_TRAINING = ("loss", "eval_loss", "tokens_per_second", "seconds_left")
"""What is shown while it goes on, where a step has any of it, the most important first."""
_IN_A_LOG = (*_OF_A_TRAINING, "learning_rate", "memory_gib", "process_memory_gib")
_ROOM_FOR_CTRL_C = 3  # the terminal echoes "^C" behind the live line: there it must not begin another one
_WIDEST_BAR = 24
_BESIDE_THE_BAR = 86  # columns of all else in the line of a training
_MARKS = {"made": "done", "reused": "reused", "failed": "FAILED", "cancelled": "stopped", "skipped": "skipped"}


class Unbreakable:
    """A text stream that falls silent when its reader goes away: what is shown of a run must not end the run."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or find out that nobody reads."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._silence()
            return len(text)

    def flush(self) -> None:
        """Flush, or find out that nobody reads."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._silence()

    def _silence(self) -> None:
        """Lead the stream nowhere, also for whoever else writes to it in this process."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _OneLine(Progress):
    """A progress line that ends before the terminal's last columns."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """The line."""
        yield _Narrower(self.make_tasks_table(self.tasks))


class _FiguresColumn(ProgressColumn):
    """The figures of a step."""

    def render(self, task: Task) -> RenderableType:
        """As many as there is room for."""
        return _Fitting(task.fields["figures"])


@dataclass(frozen=True, slots=True)
class _Narrower:
    """All but the last columns of the terminal."""

    line: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Constrain(self.line, max(options.max_width - _ROOM_FOR_CTRL_C, 1))


@dataclass(frozen=True, slots=True)
class _Fitting:
    """Figures in one line; those that do not fit are left out, from the right."""

    figures: Mapping[str, object]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = dict(self.figures)
        while len(shown) > 1 and len(show_figures(shown)) > options.max_width:
            shown.popitem()
        yield Text(show_figures(shown), no_wrap=True, overflow="ellipsis")


class RunView:
    """The runlog.Listener of the command line; writes to stderr, so that stdout stays for results."""

    def __init__(self) -> None:
        self.console = Console(file=cast(IO[str], Unbreakable(sys.stderr)), highlight=False)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._last_line = 0.0

    @contextmanager
    def showing(self, name: str) -> Iterator[Callable[..., None]]:
        """Show one piece of work outside a run; the function that is passed takes its progress."""
        step = StepInfo(name, "core", "")
        self.step_started(step, None)
        try:
            yield lambda done, total=None, **figures: self.progress(step, done, total, figures)
        finally:
            self._end_bar()

    def step_started(self, step: StepInfo, count: Count | None) -> None:
        """Begin the step's line."""
        self._last_line = time.monotonic()
        if not self.console.is_terminal:
            return
        room = self.console.width - _BESIDE_THE_BAR if step.name.startswith("train:") else _WIDEST_BAR
        self._bar = _OneLine(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            *([BarColumn(bar_width=min(room, _WIDEST_BAR))] if room > 0 else []),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            _FiguresColumn(table_column=Column(ratio=1, no_wrap=True)),
            console=self.console,
            transient=True,
            expand=True,
        )
        interrupts.line_begins(self._bar)
        self._bar.start()
        self._task = self._bar.add_task(step.name, total=count.total if count else None, figures={})

    def progress(self, step: StepInfo, done: int, total: int | None, figures: Mapping[str, float]) -> None:
        """Move the bar, or write a line now and then."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, figures=_chosen(figures, _OF_A_TRAINING))
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            text = show_figures(_chosen(figures, _IN_A_LOG))
            line = f"{step.name}: {done}{f'/{total}' if total else ''} {text}"
            self.console.print(line.rstrip(), markup=False, soft_wrap=True)

    def joined(self, seconds: float) -> None:
        """The step began so long ago: somebody looks on who came later."""
        if self._bar is not None:
            task = self._bar.tasks[0]
            task.start_time = None if task.start_time is None else task.start_time - seconds

    def leave(self) -> None:
        """Look no longer."""
        self._end_bar()

    def step_finished(self, step: StepInfo, outcome: Outcome) -> None:
        """Replace the bar by what came of it."""
        self._end_bar()
        figures = show_figures({k: v for k, v in outcome.figures.items() if k not in _OF_THE_MOMENT})
        line = f"{_MARKS[outcome.status]:>7}  {step.name:<28} {outcome.seconds:7.1f} s  {figures}"
        if outcome.figures.get("problems"):
            line += " (shown by docutune status latest)"
        self.console.print(line.rstrip(), markup=False, soft_wrap=True)

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            interrupts.line_ends(self._bar)
            self._bar = self._task = None

    def note(self, text: str) -> None:
        """A line of its own."""
        self.console.print(f"   note  {text}", markup=False, soft_wrap=True)


def _chosen(figures: Mapping[str, float], names: Sequence[str]) -> Mapping[str, float]:
    return {name: figures[name] for name in names if name in figures} or figures


def show_figures(figures: Mapping[str, object]) -> str:
    """Figures in one line: "loss 0.412, 1,830 tokens/s, 75 s left"."""
    return ", ".join(_show(name, value) for name, value in figures.items())


def _show(name: str, value: object) -> str:
    if name == "seconds_left":
        return f"{value:.0f} s left"
    if name == "tokens_per_second":
        return f"{value:,.0f} tokens/s"
    if name == "memory_gib":
        return f"GPU memory {value:.3g} GiB"
    if name == "process_memory_gib":
        return f"process memory {value:.3g} GiB"
    if name == "cost_usd":
        return f"${value:,.4f}"
    words = name.replace("_", " ")
    if name == "reasons" and isinstance(value, Mapping):
        return f"({', '.join(f'{count:,} {reason}' for reason, count in value.items())})"
    if name == "best_step":
        return f"{words} {value}"
    if isinstance(value, int):
        return f"{value:,} {words.removesuffix('s') if value == 1 else words}"
    return f"{words} {value:.3g}" if isinstance(value, float) else f"{words} {value}"
