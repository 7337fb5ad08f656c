"""What a model and its training take: parameters, and the most memory so far."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

_GIB = 2**30
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def sizes(model: Any) -> dict[str, float]:
    """How many parameters the base model has, and how many are trained; weights in 4 bit count once each."""
    if hasattr(model, "get_nb_trainable_parameters"):
        trained, both = model.get_nb_trainable_parameters()
        return {"parameters": both - trained, "trainable_parameters": trained}
    return {
        "parameters": model.num_parameters(),
        "trainable_parameters": model.num_parameters(only_trainable=True),
    }


def peak_memory() -> dict[str, float]:
    """GiB, to the MiB: "memory_gib", the most that torch had allocated on the GPU; without one "process_memory_gib",
    the most that the whole process had in RAM.

    A process counts from its own start: what was taken before an interruption is not in it.
    """
    if torch.cuda.is_available():
        return {"memory_gib": round(torch.cuda.max_memory_allocated() / _GIB, 3)}
    found = _PEAK.search(Path("/proc/self/status").read_text("ascii"))
    return {"process_memory_gib": round(int(found[1]) * 1024 / _GIB, 3)} if found else {}
