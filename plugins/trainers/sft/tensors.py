"""Nested Python values with tensors in them as two files, JSON and safetensors: nothing that is read can run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from docutune.records import JsonValue


def write(folder: Path, name: str, value: Any) -> None:
    """Write `value` as <name>.json and <name>.safetensors: dicts, lists, tuples, numbers, texts, None, tensors."""
    tensors: dict[str, torch.Tensor] = {}
    form = _pack(value, name, tensors)
    (folder / f"{name}.json").write_text(json.dumps(form), "utf-8")
    save_file(tensors, folder / f"{name}.safetensors")


def read(folder: Path, name: str) -> Any:
    """What was written under that name, its tensors on the CPU."""
    return _unpack(json.loads((folder / f"{name}.json").read_text("utf-8")), load_file(folder / f"{name}.safetensors"))


def _pack(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> JsonValue:
    """JSON of scalars; {kind: content} of everything else. A tensor's content is its name in `tensors`."""
    if isinstance(value, torch.Tensor):
        tensors[path] = value.detach().to("cpu", copy=True).contiguous()  # a file holds no tensor twice
        return {"tensor": path}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, dict):
        return {"dict": [[_key(key), _pack(item, f"{path}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_pack(item, f"{path}.{place}", tensors) for place, item in enumerate(value)]
        return {"list" if isinstance(value, list) else "tuple": items}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{path} is {type(value).__name__}, which no checkpoint holds")


def _key(key: object) -> JsonValue:
    if isinstance(key, (int, str)):
        return key
    raise TypeError(f"a key is {type(key).__name__}, which no checkpoint holds")


def _unpack(form: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if not isinstance(form, dict):
        return form
    if "tensor" in form:
        return tensors[form["tensor"]]
    if "array" in form:
        return np.array(form["array"], dtype=form["dtype"])
    if "dict" in form:
        return {key: _unpack(item, tensors) for key, item in form["dict"]}
    if "list" in form:
        return [_unpack(item, tensors) for item in form["list"]]
    return tuple(_unpack(item, tensors) for item in form["tuple"])
