"""QLoRA (arXiv:2305.14314) with unsloth: looks for a GPU and keeps unsloth to itself before anything is loaded."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.guard import cause
from docutune.plugins.trainers.unsloth.plugin import Config
from docutune.records import ModelRef

_INSTEAD = "write `uses: trl` in its place: it takes the same options and also runs on the CPU"


class Unsloth:
    """Implements contracts.Trainer."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def train(self, train: Path, validation: Path | None, base: ModelRef, context: Context) -> ModelRef:
        """Train; the adapter, its template.json and its model card go to `context.folder`/adapter."""
        _require_gpu()
        os.environ.update(_environment(context.kept))
        try:
            importlib.import_module("unsloth")  # first: it patches trl, transformers and peft while they are imported
        except (ImportError, RuntimeError, NotImplementedError) as error:
            raise DocutuneError(f"unsloth cannot be imported: {cause(error)}", _INSTEAD) from error
        from docutune.plugins.trainers.sft import course
        from docutune.plugins.trainers.unsloth.backend import Fast

        return course.train(Fast(self._config), self._config, train, validation, base, context)


def _require_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        raise DocutuneError("the trainer unsloth needs a GPU, and torch finds none on this machine", _INSTEAD)


def _environment(kept: Path) -> Mapping[str, str]:
    """What unsloth and the hub's client read when they are imported.

    Nothing is sent or fetched: the base is on this disk. The Python files that unsloth writes and imports go into the
    training's own folder, not into the current one, where anybody might have put some; compiled code of other
    programs is not loaded. Batches are padded or packed by docutune.
    """
    return {
        "UNSLOTH_DISABLE_STATISTICS": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "UNSLOTH_COMPILE_LOCATION": str(kept / "unsloth"),
        "UNSLOTH_MEGA_CACHE": "0",
        "UNSLOTH_DISABLE_AUTO_PADDING_FREE": "1",
        "UNSLOTH_DISABLE_CPU_FALLBACK": "1",
    }
