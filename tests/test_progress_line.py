"""The live line of a run on a terminal: one line, whatever the terminal's width."""

from __future__ import annotations

import re

import pytest

from docutune.cli.progress import RunView
from docutune.records import StepInfo

FIGURES = {
    "learning_rate": 1e-4,
    "loss": 2.512,
    "eval_loss": 2.481,
    "tokens_per_second": 1830.0,
    "process_memory_gib": 0.653,
    "seconds_left": 75.0,
}


def shown(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The last state of the line."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": str(width)}.items():
        monkeypatch.setenv(name, value)
    view, step = RunView(), StepInfo("train:tiny", "trl", "")
    view.step_started(step, None)
    view.progress(step, 36, 120, FIGURES)
    view.leave()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    lines = [line.rstrip() for line in re.split(r"[\r\n]", plain) if line.strip()]
    assert all(len(line) < width - 2 and "train:tiny" in line for line in lines), lines
    return lines[-1]


@pytest.mark.parametrize(
    ("width", "end"),
    [
        (200, "loss 2.51, eval loss 2.48, 1,830 tokens/s, 75 s left"),
        (100, "loss 2.51, eval loss 2.48, 1,830 tokens/s, 75 s left"),
        (80, "loss 2.51, eval loss 2.48, 1,830 tokens/s"),
        (60, "loss 2.51, eval loss 2.48"),
        (48, "loss 2.51"),
    ],
)
def test_what_does_not_fit_is_left_out_from_the_right(
    width: int, end: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = shown(width, monkeypatch, capsys)
    assert "36/120" in line
    assert line.endswith(end)
