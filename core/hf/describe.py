"""What is loaded: its architecture, size, numbers, memory, chat template, and where it came from."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from docutune.hf.generate import Generator, context_length
from docutune.models import is_whole
from docutune.records import ModelInfo, ModelRef

_CACHED = "models--"  # how the hub's cache names the folder of models--owner--name/snapshots/COMMIT


def describe(generator: Generator, model: ModelRef) -> ModelInfo:
    """What `generator` holds, which was loaded from `model`."""
    loaded = generator.model
    adapter = None if model.adapter is None or is_whole(model.adapter) else model.adapter
    added = _adapter_parameters(adapter) if adapter else 0
    return ModelInfo(
        architecture=(loaded.config.architectures or [loaded.config.model_type])[0],
        parameters=int(loaded.num_parameters()) - added,
        quantization=_quantization(loaded.config),
        dtype=str(loaded.dtype).removeprefix("torch."),
        device=str(loaded.device),
        memory=int(loaded.get_memory_footprint()),
        template=generator.template.digest,
        base=model.folder,
        digest=model.digest,
        origin=_origin(model.folder),
        adapter=model.adapter,
        adapter_parameters=added,
        context=context_length(loaded),
    )


def _adapter_parameters(adapter: Path) -> int:
    from safetensors import safe_open

    with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
        names = file.keys()
        return sum(math.prod(file.get_slice(name).get_shape()) for name in names)


def _quantization(config: Any) -> str:
    """How the linear layers are held: "nf4", "int8", "none", or what the folder's own weights are."""
    held = getattr(config, "quantization_config", None)
    if held is None:
        return "none"
    if getattr(held, "load_in_4bit", False):
        return str(held.bnb_4bit_quant_type)
    return "int8" if getattr(held, "load_in_8bit", False) else str(held.quant_method)


def _origin(folder: Path) -> str:
    """The hub's name of a base that lies in the hub's cache, else its folder."""
    name = folder.parent.parent.name
    if folder.parent.name == "snapshots" and name.startswith(_CACHED):
        return name.removeprefix(_CACHED).replace("--", "/", 1)
    return str(folder)
