"""Folders that hold models: whether they can be used, and what they are."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from docutune import usercache
from docutune.errors import DocutuneError
from docutune.records import ModelRef

_LENGTH_BYTES = 8
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
FOLDER_MARKS = ("/", "./", "../", "~")


def is_folder_name(name: str, base_folder: Path) -> bool:
    """Whether a model's name can only be a path, or is that of a folder; else a hub is meant."""
    return name.startswith(FOLDER_MARKS) or place(name, base_folder).is_dir()


def place(name: str, base_folder: Path) -> Path:
    """Where a path leads: absolute, relative to `base_folder`, or to a home where it begins with a tilde."""
    try:
        return base_folder / Path(name).expanduser()
    except RuntimeError:  # nobody of that name has a home
        return base_folder / name


def in_folder(folder: Path, name: str) -> ModelRef:
    """The whole model in a folder. Its digest is a hash of the files. DocutuneError when it cannot be used."""
    refuse_unusable(folder, name)
    return ModelRef(folder, folder_digest(folder))


def refuse_unusable(folder: Path, name: str) -> None:
    """DocutuneError where a folder holds no whole model that can be had without running what comes with it."""
    wrong = lacking(folder)
    if wrong:
        raise DocutuneError(f"model {name!r}: {wrong}", "name a folder in the Hugging Face format, or a hub model")


def is_whole(result: Path) -> bool:
    """Whether the folder of a trained model (ModelRef.adapter) holds all of its weights, not an adapter to a base."""
    return (result / "config.json").is_file() and not (result / "adapter_config.json").is_file()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a model folder's files, 64 hexadecimal digits.

    Remembered in the user's cache folder by size and modification time, for weights are large.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    state = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    note = usercache.note("digests", str(folder))
    known = usercache.read(note)
    if known.get("state") == state:
        return str(known["digest"])
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            whole.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    usercache.write(note, {"state": state, "digest": whole.hexdigest()})
    return whole.hexdigest()


def lacking(folder: Path) -> str | None:
    """What a folder lacks to be a whole model, or has too much; None when it can be loaded."""
    if not folder.is_dir():
        return f"no folder {folder}"
    if not (folder / "config.json").is_file():
        return f"{folder} holds no config.json"
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
        but = f", only {pickled[0]}, which could run code when it is read" if pickled else ""
        return f"{folder} holds no *.safetensors weights{but}"
    return _needs_code(folder)


def _needs_code(folder: Path) -> str | None:
    """Why a model cannot be had without running code that comes with it; None when transformers knows it itself."""
    config = _json(folder / "config.json")
    if "auto_map" in config and not _known_type(str(config.get("model_type", ""))):
        return f"{folder} needs code of its own (auto_map in config.json), which is never run"
    if "auto_map" in _json(folder / "tokenizer_config.json") and not (folder / "tokenizer.json").is_file():
        return f"{folder} has a tokenizer that needs code of its own (auto_map in tokenizer_config.json), never run"
    shards = _json(folder / "model.safetensors.index.json").get("weight_map")
    strange = sorted(set(map(str, shards.values())) - _names(folder)) if isinstance(shards, dict) else []
    return f"{folder} lacks {strange[0]}, which model.safetensors.index.json names" if strange else None


def _known_type(model_type: str) -> bool:
    """Whether the installed transformers has such a model; looked for in its folder, for to import it takes seconds."""
    found = find_spec("transformers")
    if found is None or found.origin is None:
        return True  # another environment's transformers will load it, without its code
    name = model_type.replace("-", "_").removesuffix("_text")
    return bool(name) and (Path(found.origin).parent / "models" / name).is_dir()


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.safetensors")}


def _json(path: Path) -> dict[str, object]:
    """A file of the model's, empty when it is missing; one that is damaged is told of by whoever loads it."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def damage(folder: Path) -> str | None:
    """Which file of a model's was cut off, as an interrupted copy leaves it, and how that shows; None when none was.

    Of weights the length is compared with what their header says (https://github.com/huggingface/safetensors#format).
    """
    for path in sorted(folder.glob("*.safetensors")):
        if not _has_its_length(path):
            return f"{path.name} is not as long as its header says"
    for path in sorted(folder.glob("*.json")):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            return f"{path.name} is no JSON"
    return None


def _has_its_length(path: Path) -> bool:
    length = path.stat().st_size
    with path.open("rb") as file:
        size = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if _LENGTH_BYTES + size > length:
            return False
        try:
            tensors = json.loads(file.read(size))
            ends = [entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"]
            return bool(length == _LENGTH_BYTES + size + max(ends, default=0))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return False
