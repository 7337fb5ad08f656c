"""TensorBoard over what trainings write for it, on loopback alone."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docutune.atomic import writing
from docutune.errors import DocutuneError, PluginError, UsageError
from docutune.workspace import Store

HOST = "127.0.0.1"

_EVENTS = "events.out.tfevents."
_RELOAD_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Monitor:
    """A TensorBoard at work: its address, and what it shows ("run 20260101-120000", "2 runs")."""

    address: str
    shown: str


@contextmanager
def monitor(store: Store, run: str | None, every: bool, port: int | None) -> Iterator[Monitor]:
    """Serve the newest run, or `run`, or all of them; on `port`, or one that is free. It ends with the block.

    UsageError when there is nothing to show yet, PluginError when tensorboard is not installed, DocutuneError when the
    port is taken.
    """
    runs = store.runs() if every else [store.run_folder(run)]
    with writing(Path(tempfile.gettempdir())):
        links = tempfile.TemporaryDirectory(prefix="docutune-monitor-")
    with links as folder:
        shown = _link_all(runs, Path(folder)) if every else [run for run in runs if _has_events(run / "tensorboard")]
        if not shown:
            raise _nothing(store, runs, every)
        board = Path(folder) if every else shown[0] / "tensorboard"
        what = f"{len(shown)} runs" if every and len(shown) != 1 else f"run {shown[0].name}"
        yield Monitor(_serve(board, port), what)


def _link_all(runs: Sequence[Path], folder: Path) -> list[Path]:
    """Let <run>/<model> name each training once, by the run that came first: later ones reused it."""
    seen: set[Path] = set()
    shown = []
    for run in runs:
        for board in _boards(run):
            place = board.resolve()
            if place not in seen and _has_events(board):
                seen.add(place)
                (folder / run.name).mkdir(exist_ok=True)
                (folder / run.name / board.name).symlink_to(board.absolute())
        if (folder / run.name).is_dir():
            shown.append(run)
    return shown


def _boards(run: Path) -> list[Path]:
    folder = run / "tensorboard"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _has_events(folder: Path) -> bool:
    """Whether TensorBoard files lie there; a model's folder is a link."""
    return any(name.startswith(_EVENTS) for _, _, files in os.walk(folder, followlinks=True) for name in files)


def _nothing(store: Store, runs: Sequence[Path], every: bool) -> UsageError:
    what = f"{store.folder}: no run of this workspace" if every or not runs else f"run {runs[0].name}"
    others = [run.name for run in store.runs() if _has_events(run / "tensorboard")]
    newest = f"the newest run that has is {others[-1]}: docutune monitor {others[-1]}; " if others else ""
    return UsageError(
        f"{what} has nothing to show in TensorBoard yet",
        f"{newest}a training writes its first figures after a few steps (docutune status shows it)",
    )


def _serve(folder: Path, port: int | None) -> str:
    """Start the server in a thread of this process, which ends with it; its address."""
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it says that TensorFlow is not there, which nobody needs
    try:
        from tensorboard.program import TensorBoard, TensorBoardServerException
    except ImportError as error:
        raise PluginError(f"TensorBoard cannot be used: {error}", "install it: pip install 'docutune[trl]'") from None
    server = TensorBoard()
    server.configure(
        logdir=str(folder),
        host=HOST,
        port=port or 0,
        reload_interval=_RELOAD_SECONDS,
        load_fast="false",  # else it starts a process of its own
    )
    try:
        return str(server.launch())
    except TensorBoardServerException as error:
        raise DocutuneError(
            f"TensorBoard cannot be served on {HOST}: {str(error).strip()}",
            "leave --port out, or name another one",
        ) from None
