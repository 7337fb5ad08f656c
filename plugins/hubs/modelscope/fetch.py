"""Models of ModelScope, in the cache of its own library."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelscope_hub import HubApi, HubConfig
from modelscope_hub.errors import (
    AuthenticationError,
    CacheNotFound,
    FileDownloadError,
    HubError,
    InvalidParameter,
    NetworkError,
    NotExistError,
    PermissionDeniedError,
)

from docutune.errors import DocutuneError
from docutune.plugins.hubs.modelscope.plugin import Config
from docutune.records import Snapshot

_MODEL = "model"
_BELOW = ["*/*"]
"""Files in folders of a repository: other forms of the same weights, never part of the model itself."""

logging.getLogger("modelscope_hub").setLevel(logging.WARNING)  # its bars say what it downloads

_LOG_IN = "set MODELSCOPE_API_TOKEN, or log in with `ms login`"
_OFFLINE_HINT = "check the network, set MODELSCOPE_ENDPOINT to a mirror, or give a folder that holds the model"


class ModelScope:
    """Implements contracts.Hub."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def find(self, name: str, wanted: Sequence[str]) -> Snapshot | None:
        """What lies in the cache, whole or not: the library keeps no account of that."""
        try:
            return Snapshot(Path(_api().download_repo(name, _MODEL, local_files_only=True)))
        except (CacheNotFound, InvalidParameter, OSError):
            return None

    def fetch(self, name: str, wanted: Sequence[str]) -> Snapshot:
        """Download what is missing or differs from the hub's list in size or SHA-256."""
        with _explained(name):
            there = _api(_api().resolve_endpoint_for_read(name))
            folder = there.download_repo(name, _MODEL, allow_patterns=list(wanted), ignore_patterns=_BELOW)
        return Snapshot(Path(folder))

    def names(self) -> Sequence[str]:
        """The repositories in the cache."""
        try:
            found = _api().scan_cache().repos
        except HubError:
            return []

        models = (there for there in found if str(there.repo_type) == _MODEL and there.nb_files)
        return sorted({model.repo_id for model in models})


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What the library raises, as a line and a hint."""
    try:
        yield
        return
    except (HubError, OSError) as error:
        cause, hint = _told(_first(error))
    raise DocutuneError(f"model 'modelscope:{name}' {cause}", hint)


def _first(error: Exception) -> BaseException:
    """Of files that failed the first one's own error."""
    failed = error.failed_files if isinstance(error, FileDownloadError) else {}
    return next(iter(failed.values()), error)


def _told(error: BaseException) -> tuple[str, str]:
    if isinstance(error, NotExistError):
        return f"is not on {_server()}", f"check the spelling; for a private model {_LOG_IN}"
    if isinstance(error, (AuthenticationError, PermissionDeniedError)):
        return f"is not for everybody: {_server()} refuses it", _LOG_IN
    if isinstance(error, NetworkError):
        return f"is not in the cache and {_server()} cannot be reached", _OFFLINE_HINT
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"could not be downloaded: {said}", f"the same command goes on from there; {_OFFLINE_HINT}"


def _api(endpoint: str | None = None) -> HubApi:
    return HubApi(HubConfig(endpoint=endpoint))


def _server() -> str:
    return str(HubConfig().endpoint)
