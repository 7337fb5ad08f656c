"""Which models of hubs are whole on this disk: begun and finished downloads are noted in the user's cache folder.

What another program has put into a hub's cache bears no such note: it is looked at once, file by file.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from docutune import usercache
from docutune.models import damage
from docutune.records import JsonValue

_AREA = "hubs"


def whole(hub: str, name: str, folder: Path) -> bool:
    """Whether all of a model is in the folder where its hub has it: nothing is missing, cut off or still to come."""
    noted = usercache.read(usercache.note(_AREA, f"{hub}:{name}"))
    before = noted.get("files", {}) if noted.get("folder") == str(folder) else {}
    now = _files(folder)
    if noted.get("begun") or before.keys() - now.keys():
        return False
    return before == now or finish(hub, name, folder) is None


def begin(hub: str, name: str) -> None:
    """A download begins: until it is finished, in this process or another, the model counts as not whole."""
    usercache.write(usercache.note(_AREA, f"{hub}:{name}"), {"begun": True})


def finish(hub: str, name: str, folder: Path) -> str | None:
    """All files are said to be there: what is damaged all the same; None when nothing is."""
    wrong = damage(folder)
    if wrong is None:
        usercache.write(usercache.note(_AREA, f"{hub}:{name}"), {"folder": str(folder), "files": _files(folder)})
    return wrong


def _files(folder: Path) -> dict[str, JsonValue]:
    """Each file's size in bytes and time of change in nanoseconds."""
    found: dict[str, JsonValue] = {}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a link into a cache that leads nowhere
            state = path.stat()
            found[path.name] = [state.st_size, state.st_mtime_ns]
    return found
