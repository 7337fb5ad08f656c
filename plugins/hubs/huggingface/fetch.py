"""Models of the Hugging Face hub, in the cache that every program of its libraries shares."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from docutune.errors import DocutuneError
from docutune.plugins.hubs.huggingface.plugin import Config
from docutune.records import Snapshot

_BELOW = "*/*"
"""Files in folders of a repository: other forms of the same weights, never part of the model itself."""

_OFFLINE_HINT = "check the network, set HF_ENDPOINT to a mirror, or give a folder that holds the model"
_REFUSED = (401, 403)


class HuggingFace:
    """Implements contracts.Hub."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def find(self, name: str, wanted: Sequence[str]) -> Snapshot | None:
        """The cached snapshot; the library knows of one that it downloaded itself whether it is complete."""
        try:
            folder = snapshot_download(
                name, allow_patterns=list(wanted), ignore_patterns=[_BELOW], local_files_only=True
            )
        except (LocalEntryNotFoundError, HFValidationError, OSError):
            return None
        return _snapshot(folder)

    def fetch(self, name: str, wanted: Sequence[str]) -> Snapshot:
        """Download what is missing, and once more what is not what the hub lists."""
        with _explained(name):
            folder = Path(snapshot_download(name, allow_patterns=list(wanted), ignore_patterns=[_BELOW]))
            if not folder.is_dir():
                raise DocutuneError(f"model {name!r} has no files that could be used", "choose one with safetensors")
            _mend(name, folder)
        return _snapshot(folder)

    def names(self) -> Sequence[str]:
        """The repositories in the cache."""
        cache = Path(constants.HF_HUB_CACHE)
        folders = sorted(cache.glob("models--*/snapshots")) if cache.is_dir() else []
        return [path.parent.name.removeprefix("models--").replace("--", "/", 1) for path in folders]


def _snapshot(folder: str | Path) -> Snapshot:
    """A snapshot's folder is named after its commit."""
    return Snapshot(Path(folder), Path(folder).name)


def _mend(name: str, folder: Path) -> None:
    """Download again each file that differs from the hub's list in size or SHA-256; DocutuneError when that is no help.

    The library takes a file of its cache for whole because it is there.
    """
    for listed in HfApi().list_repo_tree(name, revision=folder.name):
        path = folder / listed.path
        if not isinstance(listed, RepoFile) or not path.is_file() or _is_right(path, listed):
            continue
        hf_hub_download(name, listed.path, revision=folder.name, force_download=True)
        if not _is_right(path, listed):
            raise DocutuneError(
                f"model {name!r}: {listed.path} of {_hub()} is not what the hub says it is",
                "try again later, or set HF_ENDPOINT to another mirror",
            )


def _is_right(path: Path, listed: RepoFile) -> bool:
    if path.stat().st_size != listed.size:
        return False
    if listed.lfs is None:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == listed.lfs.sha256


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What the library raises, as a line and a hint."""
    try:
        yield
        return
    except HFValidationError:
        cause, hint = "is neither a folder nor a hub name", "write owner/name, or a path that starts with ./"
    except GatedRepoError:
        cause, hint = "needs its terms accepted", "accept them on the model's page, then log in with `hf auth login`"
    except RepositoryNotFoundError:
        cause, hint = f"is not on {_hub()}", "check the spelling; a private model needs `hf auth login`"
    except LocalEntryNotFoundError:
        cause, hint = _unreachable()
    except HfHubHTTPError as error:
        refused = error.response is not None and error.response.status_code in _REFUSED
        cause = f"could not be downloaded: {_line(error)}"
        hint = "log in with `hf auth login`, or see whether HF_TOKEN is right" if refused else _OFFLINE_HINT
    except (httpx.HTTPError, OSError) as error:
        cause = f"could not be downloaded: {_line(error)}"
        hint = f"the same command goes on from there; {_OFFLINE_HINT}"
    raise DocutuneError(f"model {name!r} {cause}", hint)


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _unreachable() -> tuple[str, str]:
    """Why a model that is not in the cache cannot be had, and the way out."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    if constants.HF_HUB_OFFLINE and (name := next((name for name in names if os.environ.get(name)), None)):
        cause = f"is not in the cache, and {name}={os.environ[name]} forbids to ask {_hub()}"
        return cause, f"unset {name}, or give a folder that holds the model"
    return f"is not in the cache and {_hub()} cannot be reached", _OFFLINE_HINT


def _hub() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co")
