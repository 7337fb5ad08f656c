"""Model names to folders on this disk: a local folder, or a repository of the model hub or of a mirror of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from docutune.errors import DocutuneError
from docutune.records import ModelRef
from docutune.training import TINY

if TYPE_CHECKING:
    from collections.abc import Callable

_WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
_HUB_NAME = re.compile(r"(\w[\w.-]*/)?\w[\w.-]*", re.ASCII)
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_FOLDER_MARKS = ("/", "./", "../", "~")


def resolve(name: str, base_folder: Path, download: bool = True) -> ModelRef:
    """The base model called `name`: a folder (absolute, or relative to `base_folder`), or a hub repository.

    A repository ("owner/name") is downloaded once into the hub's own cache, through HF_ENDPOINT where that is set;
    without a network the cached copy serves, and without `download` nothing else does. The digest is the repository's
    commit, or a hash of the folder's files. Raises DocutuneError when there is no such model, or no usable one.
    """
    folder = base_folder / Path(name).expanduser()
    if name.startswith(_FOLDER_MARKS) or folder.is_dir():
        return _checked(folder.resolve(), name, folder_digest)
    return _checked(_snapshot(name, download), name, lambda snapshot: snapshot.name)


def on_disk(name: str, base_folder: Path) -> Path | None:
    """The folder of a base model that is on this disk, looked for as `resolve` does; None when there is none.

    builtin/tiny is not looked for: where it lies is for the workspace to say.
    """
    if name == TINY:
        return None
    folder = base_folder / Path(name).expanduser()
    try:
        if not name.startswith(_FOLDER_MARKS) and not folder.is_dir():
            folder = _snapshot(name, download=False)
    except (DocutuneError, ImportError):
        return None
    return None if _lacking(folder.resolve()) else folder.resolve()


def mistake(name: str, base_folder: Path) -> str | None:
    """What is wrong with a model's name or folder, as far as a look at this disk tells; None when nothing is."""
    if name == TINY:
        return None
    if name.startswith("builtin/"):
        return f"there is no built-in model {name!r}; did you mean {TINY!r}?"
    folder = base_folder / Path(name).expanduser()
    if name.startswith(_FOLDER_MARKS) or folder.is_dir():
        return _lacking(folder.resolve())
    if name.lower() == TINY.rpartition("/")[2]:
        return f"there is no model {name!r}; did you mean {TINY!r}?"
    if not _HUB_NAME.fullmatch(name):
        return f"{name!r} is neither a folder nor a hub name: write owner/name, or a path that starts with ./"
    if "/" not in name and on_disk(name, base_folder) is None:
        return f"{name!r} is no folder, and no model of that name is in the cache: write owner/name, or a path with ./"
    return None


def is_whole(result: Path) -> bool:
    """Whether the folder of a trained model (ModelRef.adapter) holds all of its weights, not an adapter to a base."""
    return (result / "config.json").is_file() and not (result / "adapter_config.json").is_file()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a model folder's files, 64 hexadecimal digits.

    Remembered in the user's cache folder by size and modification time, for weights are large.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    state = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    memory = _memory(folder)
    known = _recall(memory)
    if known.get("state") == state:
        return str(known["digest"])
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            whole.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    _remember(memory, {"state": state, "digest": whole.hexdigest()})
    return whole.hexdigest()


def _checked(folder: Path, name: str, digest: Callable[[Path], str]) -> ModelRef:
    lacking = _lacking(folder)
    if lacking:
        raise DocutuneError(f"model {name!r}: {lacking}", "name a folder in the Hugging Face format, or a hub model")
    return ModelRef(folder, digest(folder))


def _lacking(folder: Path) -> str | None:
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


def _snapshot(name: str, download: bool) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED), local_files_only=not download))
    except HFValidationError:
        cause, hint = "is neither a folder nor a hub name", "write owner/name, or a path that starts with ./"
    except GatedRepoError:
        cause, hint = "needs its terms accepted", "accept them on the model's page, then log in with `hf auth login`"
    except RepositoryNotFoundError:
        cause, hint = f"is not on {_hub()}", "check the spelling; a private model needs `hf auth login`"
    except LocalEntryNotFoundError:
        cause, hint = _not_cached()
    except (HfHubHTTPError, OSError) as error:
        cause, hint = f"could not be downloaded: {str(error).splitlines()[0]}", _OFFLINE_HINT
    raise DocutuneError(f"model {name!r} {cause}", hint)


_OFFLINE_HINT = "check the network, set HF_ENDPOINT to a mirror, or give a folder that holds the model"


def _not_cached() -> tuple[str, str]:
    """Why a model that is not in the cache cannot be had, and the way out."""
    from huggingface_hub import constants

    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    if constants.HF_HUB_OFFLINE and (name := next((name for name in names if os.environ.get(name)), None)):
        cause = f"is not in the cache, and {name}={os.environ[name]} forbids to ask {_hub()}"
        return cause, f"unset {name}, or give a folder that holds the model"
    return f"is not in the cache and {_hub()} cannot be reached", _OFFLINE_HINT


def _hub() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co")


def _memory(folder: Path) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "docutune" / "digests" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:32]}.json"


def _recall(memory: Path) -> dict[str, object]:
    try:
        known = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # never seen, or a damaged note: computed again
    return known if isinstance(known, dict) else {}


def _remember(memory: Path, known: dict[str, object]) -> None:
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft = memory.with_name(f"{memory.name}.{os.getpid()}")
        draft.write_text(json.dumps(known), "utf-8")
        draft.replace(memory)
    except OSError:
        return  # a read-only home costs time, not correctness
