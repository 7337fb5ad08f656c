"""Writing weights to a disk that may be full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from docutune.atomic import writing


@contextmanager
def saving(folder: Path, parameters: Iterable[torch.Tensor]) -> Iterator[None]:
    """For a block that writes these parameters below `folder`: DocutuneError with their bytes when the disk refuses."""
    needed = sum(weights.numel() * weights.element_size() for weights in parameters)
    with writing(folder, needed, all_of_it=True):
        yield
